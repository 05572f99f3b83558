"""Scores of pairs of sentences: how many classes are right, and how well graded scores follow gold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tasks.core.errors import InputError
from tasks.core.examples import Pair
from tasks.core.metrics.metric import Metric

LARGEST_SCORE = 1e100
"""Beyond it the square of a score would not be a number."""
NEAR = 1e-3
"""Scores that lie nearer to their median, in proportion to their size, are counted from it."""


def _is_right(example: Pair[str], answer: str) -> Sequence[float]:
    return float(answer == example.gold), 1


ACCURACY = Metric("accuracy", "accuracy", "proportion", ("correct", "count"), _is_right)
"""The share of pairs whose class is right."""


def _scores(example: Pair[float], answer: float) -> Sequence[float]:
    x, y = _number(example.gold, example.id, "gold score"), _number(answer, example.id, "answer")
    return 1, x, y, x * x, y * y, x * y


def _number(score: float, pair: str, what: str) -> float:
    if not abs(score) <= LARGEST_SCORE:
        raise InputError(f"the {what} of pair {pair} is {score}: it cannot be scored, give it a finite number")
    return score


def _centred(rows: np.ndarray) -> np.ndarray:
    """Nearly equal scores are counted from their median: their squares would drown their differences."""
    return _moments(rows[:, 0], *(_from_median(rows[:, k]) for k in (1, 2)))


def _from_median(scores: np.ndarray) -> np.ndarray:
    apart = scores - (np.median(scores) if len(scores) else 0.0)
    return apart if np.linalg.norm(apart) < NEAR * np.linalg.norm(scores) else scores


def _ranked(rows: np.ndarray) -> np.ndarray:
    return _moments(rows[:, 0], _ranks(rows[:, 1]), _ranks(rows[:, 2]))


def _ranks(scores: np.ndarray) -> np.ndarray:
    """Ranks [B] from the middle one, so that their sum is 0; equal scores share the mean of theirs."""
    _, group, count = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: np.ndarray = (last - (count - 1) / 2 - (len(scores) + 1) / 2)[group]
    return ranks


def _moments(n: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([n, x, y, x * x, y * y, x * y], axis=1)


PEARSON = Metric("pearson", "Pearson's r", "pearson", ("n", "x", "y", "xx", "yy", "xy"), _scores, _centred)
"""Pearson's correlation of answers with gold, the score of the n2c2 2019 track on similarity.

InputError where a score is nan, infinite or larger than LARGEST_SCORE.
"""

SPEARMAN = replace(PEARSON, name="spearman", title="Spearman's rho", transform=_ranked)
"""Spearman's rank correlation: Pearson's of the ranks among all examples, those of ties their mean.

The evidence of an example is its ranks in the whole test set. Where examples are resampled those ranks stay as they
are, so that the resampled score is Pearson's of fixed ranks: near Spearman's of the resample, and not equal.
"""
