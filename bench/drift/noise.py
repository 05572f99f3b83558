"""How far a mean score may move by chance alone: with other trainings, and with another test set.

B examples, K columns of evidence, n trainings in the reference, m new ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist, fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.statistics import student

Rows = NDArray[Any]
ScoreOf = Callable[[Rows], Rows]
"""Column sums [..., K] -> scores [...]."""


def noise(before: Sequence[Rows], now: Sequence[Rows], score_of: ScoreOf, false_alarm: float) -> float:
    """The half-width that the difference of mean scores leaves by chance with this probability; nan if undefined.

    `before` and `now` are the evidence of each training, [B, K]. The wider of two: the prediction interval of m new
    trainings from n, with the variance pooled over both sides, and the normal interval of the paired difference over
    test sets of such documents, which keeps the first from being trusted where few trainings agree by chance.
    """
    # The jackknife (Efron 1982): each document is left out once, of every training of both sides.
    without = [np.mean([score_of(rows.sum(axis=0) - rows) for rows in side], axis=0) for side in (before, now)]
    differences = without[1] - without[0]
    document_error = float(np.sqrt((len(differences) - 1) * np.var(differences)))
    documents = NormalDist().inv_cdf(1 - false_alarm / 2) * document_error
    df = len(before) + len(now) - 2
    if df == 0:  # One training on either side: their variance is not known.
        return documents
    squares = 0.0
    for side in (before, now):
        scores = scores_of(side, score_of)
        squares += sum((score - fmean(scores)) ** 2 for score in scores)
    training_error = math.sqrt(squares / df * (1 / len(before) + 1 / len(now)))
    trainings = float(student.quantile(1 - false_alarm, df)) * training_error
    return float(np.maximum(documents, trainings))  # Unlike max, it does not lose a nan.


def scores_of(side: Sequence[Rows], score_of: ScoreOf) -> list[float]:
    """The score of each training."""
    return [float(score_of(rows.sum(axis=0))) for rows in side]
