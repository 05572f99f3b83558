"""The results on disk, put side by side: which arms answered which tasks with which seeds, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from baselines.core.settings import Settings
from bench.report.arms import ARM_ORDER, DEMO, FLOOR, SINGLE, ArmRuns, Selection, arms_of, kind_of
from bench.report.contrasts import Contrast, contrast
from bench.store.names import comparison_label
from bench.store.runs import Result, Score


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
        return tuple(arm for arm in self.arms if arm.baseline != FLOOR)

    @property
    def results(self) -> list[Result]:
        """Every run of every arm."""
        return [result for arm in self.arms for result in arm.results]

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
        """Seed -> value of a metric, the primary one unless named; empty where the arm is missing."""
        arm = self.arm(name)
        return arm.values(task, metric or self.primary(task)) if arm else {}

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
        others = [arm for arm in self.trained if arm.name != SINGLE]
        return tuple(contrast(self.tasks, single, arm) for arm in others) if single else ()

    def contrast(self, arm: str) -> Contrast | None:
        """An arm against the single-task baseline, where both have been run."""
        return next((found for found in self.contrasts if found.arm == arm), None)


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
    arms = arms_of(results)
    standard = [name for name in ARM_ORDER if not selection.baselines or name in selection.baselines]
    columns = (*standard, *(arm.name for arm in arms if arm.name not in standard))
    return Comparison(*key, tuple(tasks), tuple(sorted(seeds)), arms, columns)
