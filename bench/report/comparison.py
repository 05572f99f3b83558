"""The results on disk, put side by side: which arms answered which tasks with which seeds, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from bench.store.names import comparison_label
from bench.store.runs import MetricScore, Result, Score

FLOOR, SINGLE, MULTI = "majority", "single_task", "multitask"
DEMO, OFFICIAL = "demo", "official"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What of the results is looked at; an empty tuple is everything."""

    tasks: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    corpora: tuple[str, ...] = ()

    def takes(self, result: Result) -> bool:
        """Whether a result has anything to say on what is looked at."""
        # The floor has one seed, which stands for all.
        seeds = self.seeds if result.baseline != FLOOR else ()
        return all(
            not wanted or any(one in wanted for one in found)
            for wanted, found in (
                (self.tasks, result.scores),
                (self.baselines, (result.baseline, result.arm)),
                (seeds, (result.seed,)),
                (self.corpora, (result.corpus, kind_of(result.corpus))),
            )
        )


@dataclass(frozen=True)
class Arm:
    """One arm of a comparison; joint arms that trained on other sets of tasks are arms of their own."""

    name: str
    results: tuple[Result, ...]

    @property
    def joint(self) -> bool:
        """Whether one training serves all tasks."""
        return self.results[0].joint

    @property
    def baseline(self) -> str:
        """What was trained, whatever its schedule."""
        return self.results[0].baseline

    @cached_property
    def by_task(self) -> dict[str, dict[int, Result]]:
        """Task -> seed -> result, seeds in order."""
        ordered = sorted(self.results, key=lambda result: result.seed)
        names = {task for result in ordered for task in result.scores}
        return {task: {result.seed: result for result in ordered if task in result.scores} for task in names}

    def values(self, task: str, metric: str) -> dict[int, float]:
        """Seed -> value of a metric; nan where it is not defined."""
        found = {seed: metric_of(result.scores[task], metric) for seed, result in self.by_task.get(task, {}).items()}
        return {seed: one.value for seed, one in found.items() if one is not None}


def kind_of(corpus: str) -> str:
    """Demo or official: the demo's corpora of another size are called demo-x<scale>."""
    return corpus.partition("-")[0]


def metric_of(score: Score, name: str) -> MetricScore | None:
    """A metric of a task's score by its name; None where it was not measured."""
    return next((metric for metric in score.metrics if metric.name == name), None)


@dataclass(frozen=True)
class Comparison:
    """All arms on one corpus with one encoder and span head; `tasks` and `seeds` are what any has, in order."""

    corpus: str
    encoder: str
    span_head: str
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    arms: tuple[Arm, ...]

    @property
    def kind(self) -> str:
        """Demo or official, whatever the size of the demo's corpora."""
        return kind_of(self.corpus)

    @property
    def name(self) -> str:
        """What its folder and files are called."""
        return comparison_label(self.corpus, self.encoder, self.span_head)

    def arm(self, name: str) -> Arm | None:
        """The arm of that name, if any of it has been run."""
        return next((arm for arm in self.arms if arm.name == name), None)

    @property
    def trained(self) -> tuple[Arm, ...]:
        """The arms that have been run and learn something: all but the floor."""
        return tuple(arm for arm in self.arms if arm.baseline != FLOOR)

    def score(self, task: str) -> Score:
        """What any arm says of a task: its kind, metrics and sizes."""
        results = (result for arm in self.arms for result in arm.by_task.get(task, {}).values())
        return next(results).scores[task]

    def primary(self, task: str) -> str:
        """The name of the metric that stands for a task."""
        return self.score(task).metrics[0].name


def comparisons(results: Iterable[Result], selection: Selection) -> list[Comparison]:
    """One comparison for each corpus, encoder and span head, demo first."""
    found: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        if selection.takes(result):
            found.setdefault((result.corpus, result.encoder, result.settings.span_head), []).append(result)
    return [_comparison(key, found[key], selection) for key in sorted(found)]


def _comparison(key: tuple[str, str, str], results: Sequence[Result], selection: Selection) -> Comparison:
    scores = {task: score for result in results for task, score in result.scores.items()}
    wanted = [task for task in scores if not selection.tasks or task in selection.tasks]
    # Tasks of a kind stand together: what is said of tokens first, then of texts, then of sentences.
    tasks = sorted(sorted(wanted), key=lambda task: (scores[task].pipeline, scores[task].kind), reverse=True)
    # The floor learns nothing: a seed of it alone asks for no trainings with that seed.
    learned = {result.seed for result in results if result.baseline != FLOOR}
    seeds = set(selection.seeds) or learned or {result.seed for result in results}
    return Comparison(*key, tuple(tasks), tuple(sorted(seeds)), _arms(results))


def _arms(results: Sequence[Result]) -> tuple[Arm, ...]:
    groups: dict[tuple[str, tuple[str, ...]], list[Result]] = {}
    for result in results:
        groups.setdefault((result.arm, tuple(sorted(result.tasks)) if result.joint else ()), []).append(result)
    # The joint arm with the most tasks carries the bare name; what trained on fewer says on how many.
    ordered = sorted(groups, key=lambda group: (_place(group[0]), group[0], -len(group[1]), group[1]))
    arms: list[Arm] = []
    for name, tasks in ordered:
        bare = all(arm.name != name for arm in arms)
        arms.append(Arm(name if bare else f"{name} ({'+'.join(tasks)})", tuple(groups[name, tasks])))
    return tuple(arms)


def _place(arm: str) -> int:
    order = (FLOOR, SINGLE, MULTI)
    return order.index(arm) if arm in order else len(order)
