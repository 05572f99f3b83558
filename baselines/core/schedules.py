"""Which batch of which task comes when, at which learning rate, and which epoch is kept.

A task has an endless row of batches, numbered from 0; which windows batch k holds depends on seed, task and k alone. A
schedule says in which order the batches of the tasks come. It divides a training into epochs, after each of which the
model is scored on the dev sets. For one task all schedules are the same: its own epochs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from baselines.core.rng import rng
from baselines.core.settings import Settings

Step = tuple[tuple[str, int], ...]
"""The (task, batch number) pairs whose losses are added in one update."""


@dataclass(frozen=True)
class TaskPlan:
    """A task's part in a training: how many windows it has, how many are a batch, and for how many epochs."""

    task: str
    windows: int
    batch: int
    epochs: int

    @property
    def batches_per_epoch(self) -> int:
        """Batches in one epoch; the last may be smaller."""
        return -(-self.windows // self.batch)

    @property
    def batches(self) -> int:
        """Batches in the task's own training."""
        return self.epochs * self.batches_per_epoch

    def indices(self, seed: int, number: int) -> np.ndarray:
        """The windows in batch `number`: each epoch has its own order."""
        epoch, within = divmod(number, self.batches_per_epoch)
        order = _order(seed, self.task, epoch, self.windows)
        return order[within * self.batch : (within + 1) * self.batch]


@lru_cache(maxsize=16)  # One for each task under way: to draw it takes time in proportion to the corpus.
def _order(seed: int, task: str, epoch: int, windows: int) -> np.ndarray:
    return rng(seed, task, "order", epoch).permutation(windows)


def epochs(plans: Sequence[TaskPlan], seed: int, settings: Settings) -> list[list[Step]]:
    """The steps of each epoch of a training; the task with most epochs says how many there are."""
    plans = sorted(plans, key=lambda plan: plan.task)
    count = max(plan.epochs for plan in plans)
    if settings.schedule == "interleaved":
        return list(_interleaved(plans, count, seed))
    largest = max(plan.batches for plan in plans)
    if settings.schedule == "round_robin":
        steps: list[Step] = [((plan.task, k),) for k in range(largest) for plan in plans]
    elif settings.schedule == "loss_sum":
        steps = [tuple((plan.task, k) for plan in plans) for k in range(largest)]
    else:
        steps = list(_drawn(plans, seed, settings.temperature))
    return [steps[epoch * len(steps) // count : (epoch + 1) * len(steps) // count] for epoch in range(count)]


def _interleaved(plans: Sequence[TaskPlan], count: int, seed: int) -> Iterator[list[Step]]:
    """Each task's own batches in their own order, the tasks mixed at random within each epoch."""
    for epoch in range(count):
        # A task of fewer epochs has its batches spread over all of them.
        due = {plan.task: range(epoch * plan.batches // count, (epoch + 1) * plan.batches // count) for plan in plans}
        turns = [task for task, numbers in due.items() for _ in numbers]
        rng(seed, "mixture", epoch).shuffle(turns)
        numbers = {task: iter(numbers) for task, numbers in due.items()}
        yield [((task, next(numbers[task])),) for task in turns]


def _drawn(plans: Sequence[TaskPlan], seed: int, temperature: float) -> Iterator[Step]:
    """As many steps as interleaving has, each of a task drawn in proportion to size ** (1 / temperature)."""
    weights = np.array([plan.windows for plan in plans], dtype=float) ** (1 / temperature)
    total = sum(plan.batches for plan in plans)
    reached = [0] * len(plans)
    for drawn in rng(seed, "mixture").choice(len(plans), size=total, p=weights / weights.sum()):
        yield ((plans[drawn].task, reached[drawn]),)
        reached[drawn] += 1


def lr_factor(update: int, updates: int, settings: Settings) -> float:
    """The part of the learning rate that holds at an update: linear warm-up, then linear decay to 0 or none."""
    warm = settings.warmup * updates
    if update < warm:
        return (update + 1) / (warm + 1)
    return 1.0 if settings.lr_schedule == "constant" else (updates - update) / (updates - warm)


def best_epoch(dev_scores: Sequence[Mapping[str, float]]) -> int:
    """The epoch, from 1, with the best dev scores: the highest mean among those in which most tasks have a score.

    A task without a score in any epoch, as where its dev set holds no mention, has no say. Of equal epochs the later
    has learnt more: a small or easy dev set is soon at its best, and says nothing from there on.
    """

    def worth(number: int) -> tuple[int, float, int]:
        defined = [score for score in dev_scores[number].values() if math.isfinite(score)]
        return len(defined), sum(defined) / max(len(defined), 1), number

    return max(range(len(dev_scores)), key=worth) + 1
