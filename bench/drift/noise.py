"""How far a score may move by chance alone: by other trainings, and by the documents that stand in the test set.

B examples, K columns of evidence, S trainings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.statistics import student
from tasks.core.metrics.formulas import FORMULAS

Rows = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Sides:
    """The evidence of one metric, [B, K] for each training, and how it becomes a score."""

    before: Sequence[Rows]
    now: Sequence[Rows]
    formula: str
    columns: tuple[str, ...]

    def scores(self, side: Sequence[Rows]) -> list[float]:
        """The score of each training of a side."""
        return [float(self._score(rows.sum(axis=0))) for rows in side]

    def _score(self, totals: Rows) -> Rows:
        return FORMULAS[self.formula](totals, self.columns)

    def noise(self, false_alarm: float) -> float:
        """The half-width beyond which a difference of means is more than noise; nan where it is not defined.

        The wider of two: the prediction interval of new trainings given those of both sides (Student's t, S - 2
        degrees of freedom), and the normal interval of the difference over test sets of such documents. With one
        training on either side the first is not known, and the second stands alone.
        """
        documents = NormalDist().inv_cdf(1 - false_alarm / 2) * self._document_error()
        free = len(self.before) + len(self.now) - 2
        if free == 0:
            return documents
        trainings = float(student.quantile(1 - false_alarm, free)) * self._training_error(free)
        return float(np.maximum(documents, trainings))  # Unlike max, it does not lose a nan.

    def _training_error(self, free: int) -> float:
        sides = [self.scores(side) for side in (self.before, self.now)]
        squares = sum(sum((score - fmean(side)) ** 2 for score in side) for side in sides)
        return math.sqrt(squares / free * sum(1 / len(side) for side in sides))

    def _document_error(self) -> float:
        """The standard error of the paired difference by the jackknife: each document left out once, in both sides."""
        sides = (self.before, self.now)
        before, now = (np.mean([self._score(rows.sum(axis=0) - rows) for rows in side], axis=0) for side in sides)
        left_out = now - before
        return float(np.sqrt((len(left_out) - 1) * np.var(left_out)))
