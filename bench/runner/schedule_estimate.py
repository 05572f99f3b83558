"""How long runs take on several GPUs, on paper: a list schedule of their seconds, whose rule is Graham's (1969)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush


@dataclass(frozen=True, slots=True)
class ScheduleEstimate:
    """The seconds from the first run's begin to the last one's end, and those of all runs together."""

    seconds: float
    run_seconds: float
    workers: int

    @property
    def efficiency(self) -> float:
        """The part of the workers' time in which they are busy; 1 where there is nothing to do."""
        return min(1.0, self.run_seconds / (self.workers * self.seconds)) if self.seconds else 1.0


Runs = Sequence[tuple[float, int | None]]
"""The seconds of each run, and the index of the run that it waits for."""


def schedule(runs: Runs, workers: int) -> ScheduleEstimate:
    """What runs take on workers that do one at a time.

    A free worker takes, of the runs that wait for nothing, the one with the longest chain from its begin to the end of
    the last run that waits for it: without such waiting, the longest.
    """
    waiting: list[list[int]] = [[] for _ in runs]
    for index, (_, start) in enumerate(runs):
        if start is not None:
            waiting[start].append(index)
    first = [index for index, (_, start) in enumerate(runs) if start is None]
    chains = _chains(runs, first, waiting)
    free = sorted((-chains[index], index) for index in first)
    busy: list[tuple[float, int]] = []
    now = 0.0
    while free or busy:
        while free and len(busy) < workers:
            _, index = heappop(free)
            heappush(busy, (now + runs[index][0], index))
        now, done = heappop(busy)
        for index in waiting[done]:
            heappush(free, (-chains[index], index))
    return ScheduleEstimate(now, sum(seconds for seconds, _ in runs), workers)


def _chains(runs: Runs, first: Sequence[int], waiting: Sequence[list[int]]) -> list[float]:
    """For each run its seconds and those of the longest chain of runs that wait for it."""
    order = list(first)
    for index in order:  # It grows while it is read: each run comes after the one that it waits for.
        order += waiting[index]
    if len(order) < len(runs):
        raise ValueError("runs wait for each other in a circle")
    chains = [0.0] * len(runs)
    for index in reversed(order):
        chains[index] = runs[index][0] + max((chains[after] for after in waiting[index]), default=0.0)
    return chains
