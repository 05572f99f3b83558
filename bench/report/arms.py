"""The arms of a comparison: the runs that share a baseline and what it was trained on and started from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.store.names import RunName
from bench.store.runs import Result

FLOOR, SINGLE, MULTI, FINETUNED = "majority", "single_task", "multitask", "multitask_finetuned"
ARM_ORDER = (FLOOR, SINGLE, MULTI, FINETUNED)


@dataclass(frozen=True, eq=False)
class ArmRuns:
    """The runs of one arm; those that trained jointly on other tasks, or start from another arm, are another.

    `stored` are all results by name, or none where no run starts from another.
    """

    name: str
    results: tuple[Result, ...]
    stored: Mapping[RunName, Result]

    def of_task(self, task: str) -> dict[int, Result]:
        """Seed -> result, seeds in order; empty where the arm has not answered the task."""
        answered = [result for result in self.results if task in result.scores]
        return {result.seed: result for result in sorted(answered, key=lambda result: result.seed)}

    def starts_of(self, runs: Iterable[Result]) -> list[Result | None]:
        """The runs that these start from, and those that they start from in turn, each once; None is not there."""
        names = dict.fromkeys(name for run in runs for name in run.name.starts)
        return [self.stored.get(name) for name in names]


def arms_of(results: Iterable[Result], stored: Mapping[RunName, Result]) -> tuple[ArmRuns, ...]:
    """The arms of these results, the standard ones first.

    Of arms of one name, that with the most tasks, or whose start has the most, carries it; others add these to it.
    """
    groups: dict[tuple[str, tuple[str, ...], int, str], list[Result]] = {}
    for result in results:
        tasks = tuple(sorted(result.tasks)) if result.joint else ()
        company = len(result.start.tasks) if result.start else 0
        groups.setdefault((result.arm, tasks, company, result.name.origin), []).append(result)
    order = {name: rank for rank, name in enumerate(ARM_ORDER)}

    def rank(group: tuple[str, tuple[str, ...], int, str]) -> tuple[object, ...]:
        name, tasks, company, origin = group
        return order.get(name, len(order)), name, -len(tasks), tasks, -company, origin

    arms: dict[str, ArmRuns] = {}
    for group in sorted(groups, key=rank):
        name, tasks, _, origin = group
        own = f"{name} ({', '.join(filter(None, ('+'.join(tasks), origin and f'from {origin}')))})"
        own = own if name in arms else name
        arms[own] = ArmRuns(own, tuple(groups[group]), stored)
    return tuple(arms.values())
