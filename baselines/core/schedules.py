"""Which batch of which task comes when, at which rate, and which round is kept: the schedules of a training.

A task has an endless row of batches, numbered from 0; which examples batch k holds depends on seed, task and k alone.
A schedule says in which order the batches of the tasks come, in rounds: the model is scored on the development
split after each. For one task every schedule is the same: its own epochs.
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
    """A task's part in a training: its windows, their number in a batch, and how often they are passed."""

    task: str
    windows: int
    batch: int
    epochs: int

    @property
    def batches_per_epoch(self) -> int:
        """Batches in one pass; the last may be smaller."""
        return -(-self.windows // self.batch)

    @property
    def batches(self) -> int:
        """Batches in the task's own training."""
        return self.epochs * self.batches_per_epoch

    def indices(self, seed: int, number: int) -> np.ndarray:
        """The windows in batch `number`: each epoch has its own order."""
        epoch, place = divmod(number, self.batches_per_epoch)
        order = _order(seed, self.task, epoch, self.windows)
        return order[place * self.batch : (place + 1) * self.batch]


@lru_cache(maxsize=16)  # One for each task that is under way: drawing it takes time in proportion to the corpus.
def _order(seed: int, task: str, epoch: int, windows: int) -> np.ndarray:
    return rng(seed, task, "order", epoch).permutation(windows)


def rounds(shares: Sequence[TaskPlan], seed: int, settings: Settings) -> list[list[Step]]:
    """Every step of a training, in its rounds; as many rounds as the longest task has epochs."""
    shares = sorted(shares, key=lambda share: share.task)
    count = max(share.epochs for share in shares)
    if settings.schedule == "interleaved":
        return list(_interleaved(shares, count, seed))
    largest = max(share.batches for share in shares)
    if settings.schedule == "round_robin":
        steps: list[Step] = [((share.task, k),) for k in range(largest) for share in shares]
    elif settings.schedule == "loss_sum":
        steps = [tuple((share.task, k) for share in shares) for k in range(largest)]
    else:
        steps = list(_drawn(shares, seed, settings.temperature))
    return [steps[r * len(steps) // count : (r + 1) * len(steps) // count] for r in range(count)]


def _interleaved(shares: Sequence[TaskPlan], count: int, seed: int) -> Iterator[list[Step]]:
    """Each task's own batches in their own order, the tasks mixed at random within each round."""
    for r in range(count):
        due = {share.task: range(r * share.batches // count, (r + 1) * share.batches // count) for share in shares}
        turns = [task for task, numbers in due.items() for _ in numbers]
        rng(seed, "mixture", r).shuffle(turns)
        numbers = {task: iter(numbers) for task, numbers in due.items()}
        yield [((task, next(numbers[task])),) for task in turns]


def _drawn(shares: Sequence[TaskPlan], seed: int, temperature: float) -> Iterator[Step]:
    """As many steps as interleaving has, each task drawn in proportion to size ** (1 / temperature)."""
    weights = np.array([share.windows for share in shares], dtype=float) ** (1 / temperature)
    total = sum(share.batches for share in shares)
    drawn = rng(seed, "mixture").choice(len(shares), size=total, p=weights / weights.sum())
    reached = [0] * len(shares)
    for which in drawn:
        yield ((shares[which].task, reached[which]),)
        reached[which] += 1


def rate_factor(update: int, updates: int, settings: Settings) -> float:
    """The part of the learning rate that holds at an update: linear warm-up, then linear decay to 0 or none."""
    warm = settings.warmup * updates
    if update < warm:
        return (update + 1) / (warm + 1)
    return 1.0 if settings.lr_schedule == "constant" else (updates - update) / (updates - warm)


def best_round(development: Sequence[Mapping[str, float]]) -> int:
    """The round, from 1, with the best development scores: the highest mean of those in which most tasks have one.

    A task that has none in any round, as where there is nothing to find, takes no part. Of equals the later has learned
    more: a small or easy split is soon at its best, and says nothing from there on.
    """

    def worth(number: int) -> tuple[int, float, int]:
        defined = [score for score in development[number].values() if math.isfinite(score)]
        return len(defined), sum(defined) / max(len(defined), 1), number

    return max(range(len(development)), key=worth) + 1
