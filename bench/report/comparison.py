"""The results on disk, put side by side: arms, what each gains over the single-task baseline, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from baselines.core.settings import Settings
from bench.report import numbers
from bench.report.arms import FLOOR, MULTI, SINGLE, ArmRuns, arms_of
from bench.statistics.comparing import Difference, compare
from bench.statistics.paired import Paired, pair
from bench.store.names import comparison_label
from bench.store.runs import Result, Score

STANDARD = (FLOOR, SINGLE, MULTI)
"""The arms that every comparison should have."""

DEMO = "demo"

NOT_RUN = "no seed has been run in both arms"
EXAMPLES = "numbers of examples"
# What runs must have in common on a task, or no difference between them means anything.
MUST_MATCH: Mapping[str, Callable[[Result, str], object]] = {
    "corpora": lambda result, task: result.fingerprints.corpora.get(task),
    EXAMPLES: lambda result, task: sorted(result.scores[task].examples.items()),
    "metrics": lambda result, task: [(one.name, one.formula, one.columns) for one in result.scores[task].metrics],
    # The floor has none.
    "encoders": lambda result, task: None if result.baseline == FLOOR else result.fingerprints.encoder,
}


def mismatches(task: str, results: Sequence[Result]) -> list[str]:
    """Which of the things that must match differ between these runs of a task."""
    return [what for what, of in MUST_MATCH.items() if len(numbers.distinct(of(one, task) for one in results)) > 1]


def kind_of(corpus: str) -> str:
    """Demo or official: the demo's corpora of another size are called demo-x<scale>."""
    return corpus.partition("-")[0]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which results are reported; an empty tuple selects everything."""

    tasks: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    corpora: tuple[str, ...] = ()

    def takes(self, result: Result) -> bool:
        """Whether a result is selected."""
        filters = (
            (self.tasks, result.scores),
            (self.baselines, (result.baseline, result.arm)),
            # The floor has one seed, which stands for all.
            (self.seeds if result.baseline != FLOOR else (), (result.seed,)),
            (self.corpora, (result.corpus, kind_of(result.corpus))),
        )
        return all(not wanted or {*wanted} & {*found} for wanted, found in filters)


@dataclass(frozen=True, slots=True)
class Contrast:
    """What an arm gains over the single-task baseline, and the evidence for it, task by task.

    `unpaired` says why a task cannot be compared; `mean` is None unless every task has the same seeds.
    """

    arm: str
    pairs: tuple[Paired, ...]
    each: tuple[Difference, ...]
    mean: Difference | None
    unpaired: Mapping[str, str]

    @property
    def lines(self) -> list[Difference]:
        """The tasks, then their mean where there is one."""
        return [*self.each, *([self.mean] if self.mean else [])]


@dataclass(frozen=True, eq=False)
class Comparison:
    """All arms on one corpus with one encoder and span head; `tasks` and `seeds` are those that any arm has, in order.

    `columns` names the arms that a reader looks for, run or not.
    """

    corpus: str
    encoder: str
    span_head: str
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    arms: tuple[ArmRuns, ...]
    columns: tuple[str, ...]

    @property
    def demo(self) -> bool:
        """Whether the corpora are made up."""
        return kind_of(self.corpus) == DEMO

    @property
    def name(self) -> str:
        """What its folder and files are called."""
        return comparison_label(self.corpus, self.encoder, self.span_head)

    @property
    def title(self) -> str:
        """What is compared; it says so where the corpora are made up."""
        corpora = "Demo corpora (made up: these are not clinical results)" if self.demo else "Official corpora"
        head = "" if self.span_head == Settings.span_head else f", {self.span_head} span heads"
        return f"{corpora}, encoder {self.encoder}{head}"

    @property
    def trained(self) -> tuple[ArmRuns, ...]:
        """The arms that have been run and learn something: all but the floor."""
        return tuple(arm for arm in self.arms if arm.results[0].baseline != FLOOR)

    @property
    def results(self) -> list[Result]:
        """Every run of every arm."""
        return [result for arm in self.arms for result in arm.results]

    @property
    def learned(self) -> list[Result]:
        """Every run of the arms that learn."""
        return [result for arm in self.trained for result in arm.results]

    def arm(self, name: str) -> ArmRuns | None:
        """The arm of that name, if any of it has been run."""
        return next((arm for arm in self.arms if arm.name == name), None)

    def runs_of(self, task: str) -> list[tuple[str, Result]]:
        """The name of the arm and the result, of every run that answered a task."""
        return [(arm.name, result) for arm in self.arms for result in arm.of_task(task).values()]

    def score(self, task: str) -> Score:
        """What the first run says of a task: its kind, metrics and sizes."""
        return self.runs_of(task)[0][1].scores[task]

    def primary(self, task: str) -> str:
        """The name of the metric that stands for a task."""
        return self.score(task).metrics[0].name

    def values(self, name: str, task: str, metric: str = "") -> dict[int, float]:
        """Seed -> value of a metric, the primary one unless named: nan where not defined; empty without the arm."""
        metric, arm = metric or self.primary(task), self.arm(name)
        metrics = {seed: result.scores[task].metrics for seed, result in arm.of_task(task).items()} if arm else {}
        return {seed: one.value for seed, found in metrics.items() for one in found if one.name == metric}

    def missing_seeds(self, name: str, task: str) -> list[int]:
        """The seeds with which an arm has not answered a task; one seed is enough for the floor."""
        arm = self.arm(name)
        seeds = arm.of_task(task) if arm else {}
        if name == FLOOR:
            return [] if seeds else list(self.seeds[:1])
        return [seed for seed in self.seeds if seed not in seeds]

    @cached_property
    def contrasts(self) -> tuple[Contrast, ...]:
        """Every arm that learns against the single-task baseline; once, since it takes long."""
        single = self.arm(SINGLE)
        return tuple(_contrast(self.tasks, single, arm) for arm in self.trained if arm is not single) if single else ()

    def contrast(self, arm: str) -> Contrast | None:
        """An arm against the single-task baseline, where both have been run."""
        return next((found for found in self.contrasts if found.arm == arm), None)


def comparisons(results: Iterable[Result], selection: Selection) -> list[Comparison]:
    """One comparison for each corpus, encoder and span head, demo first."""
    results = list(results)
    # A start is looked for among all results, selected or not.
    stored = {result.name: result for result in results} if any(result.start for result in results) else {}
    found: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        if selection.takes(result):
            found.setdefault((result.corpus, result.encoder, result.settings.span_head), []).append(result)
    return [_comparison(key, selection, arms_of(found[key], stored)) for key in sorted(found)]


def _comparison(key: tuple[str, str, str], selection: Selection, arms: tuple[ArmRuns, ...]) -> Comparison:
    results = [result for arm in arms for result in arm.results]
    scores = {task: score for result in results for task, score in result.scores.items()}
    wanted = [task for task in scores if not selection.tasks or task in selection.tasks]
    # Tasks of a kind stand together: what is said of tokens first, then of texts, then of sentences.
    tasks = sorted(sorted(wanted), key=lambda task: (scores[task].pipeline, scores[task].kind), reverse=True)
    # The floor learns nothing: a seed of it alone asks for no trainings with that seed.
    learned = {result.seed for result in results if result.baseline != FLOOR}
    seeds = set(selection.seeds) or learned or {result.seed for result in results}
    standard = [name for name in STANDARD if not selection.baselines or name in selection.baselines]
    columns = (*standard, *(arm.name for arm in arms if arm.name not in standard))
    return Comparison(*key, tuple(tasks), tuple(sorted(seeds)), arms, columns)


def _contrast(tasks: Sequence[str], single: ArmRuns, arm: ArmRuns) -> Contrast:
    """One arm against the single-task baseline, over the seeds both have; a mean only over tasks that all have them."""
    found, seeds = {}, set()
    for task in tasks:
        first, second = single.of_task(task), arm.of_task(task)
        both = tuple(seed for seed in first if seed in second)
        seeds.add(both)
        found[task] = _paired(task, [first[seed] for seed in both], [second[seed] for seed in both])
    pairs = tuple(paired for paired in found.values() if isinstance(paired, Paired))
    unpaired = {task: reason for task, reason in found.items() if isinstance(reason, str)}
    each, mean = compare(pairs)
    return Contrast(arm.name, pairs, tuple(each), mean if not unpaired and len(seeds) == 1 else None, unpaired)


def _paired(task: str, single: Sequence[Result], other: Sequence[Result]) -> Paired | str:
    """The evidence of both arms for a task's primary metric, or the reason why it cannot be paired."""
    if not single:
        return NOT_RUN
    if found := mismatches(task, [*single, *other]):
        return f"different {' and '.join(found)}"
    metric = single[0].scores[task].metrics[0]
    evidence = [[result.evidence[task] for result in results] for results in (single, other)]
    if not all(np.array_equal(evidence[0][0].ids, one.ids) for arm in evidence for one in arm):
        return "different test examples"
    first, second = ([one.rows[metric.name] for one in arm] for arm in evidence)
    return pair(task, (first, second), metric.formula, metric.columns)
