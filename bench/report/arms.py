"""Which results a report is of, and the arms that they form: runs that differ in their task and seed alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from bench.store.runs import Result

FLOOR, SINGLE, MULTI = "majority", "single_task", "multitask"
ARM_ORDER = (FLOOR, SINGLE, MULTI)
DEMO, OFFICIAL = "demo", "official"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which results are reported; an empty tuple selects everything."""

    tasks: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    corpora: tuple[str, ...] = ()

    def takes(self, result: Result) -> bool:
        """Whether a result is selected."""
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


def kind_of(corpus: str) -> str:
    """Demo or official: the demo's corpora of another size are called demo-x<scale>."""
    return corpus.partition("-")[0]


@dataclass(frozen=True, eq=False)
class ArmRuns:
    """The runs of one arm; joint arms that trained on other sets of tasks are arms of their own."""

    name: str
    results: tuple[Result, ...]

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

    def of_task(self, task: str) -> dict[int, Result]:
        """Seed -> result; empty where the arm has not answered the task."""
        return self.by_task.get(task, {})

    def values(self, task: str, metric: str) -> dict[int, float]:
        """Seed -> value of a metric where it was measured; nan where it is not defined."""
        metrics = {seed: result.scores[task].metrics for seed, result in self.of_task(task).items()}
        return {seed: one.value for seed, found in metrics.items() for one in found if one.name == metric}


def arms_of(results: Iterable[Result]) -> tuple[ArmRuns, ...]:
    """The arms of a comparison, the standard ones first.

    The joint arm with the most tasks carries the bare name; those that trained on fewer name their tasks.
    """
    groups: dict[tuple[str, tuple[str, ...]], list[Result]] = {}
    for result in results:
        groups.setdefault((result.arm, tuple(sorted(result.tasks)) if result.joint else ()), []).append(result)
    order = {name: rank for rank, name in enumerate(ARM_ORDER)}
    arms: dict[str, ArmRuns] = {}
    for name, tasks in sorted(groups, key=lambda group: (order.get(group[0], 3), group[0], -len(group[1]), group[1])):
        own = f"{name} ({'+'.join(tasks)})" if name in arms else name
        arms[own] = ArmRuns(own, tuple(groups[name, tasks]))
    return tuple(arms.values())
