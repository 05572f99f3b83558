"""The evidence of two arms side by side: the input of every statistic of a difference.

S seeds, B examples, K columns of evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.metrics.formulas import FORMULAS

Array = NDArray[Any]

# These formulas read a column's role alone, never its label: the labels of a role may be added up beforehand.
_BY_ROLE = frozenset({"micro_f1", "micro_precision", "micro_recall", "two_sided_f1", "proportion", "pearson"})


@dataclass(frozen=True, slots=True)
class Paired:
    """The evidence of two arms for one task, [S, B, K] each: same seeds, same examples, same order."""

    name: str
    first: Array
    second: Array
    formula: str
    columns: tuple[str, ...]

    @property
    def seeds(self) -> int:
        """S: the number of trainings of each arm."""
        return int(self.first.shape[0])

    @property
    def examples(self) -> int:
        """B: the number of documents or pairs in the test set."""
        return int(self.first.shape[1])

    def narrowed(self) -> Paired:
        """The same evidence in the fewest columns that the formula needs."""
        (first, columns), (second, _) = (narrowed(arm, self.formula, self.columns) for arm in (self.first, self.second))
        return Paired(self.name, first, second, self.formula, columns)


def pair(name: str, arms: Sequence[Sequence[Array]], formula: str, columns: tuple[str, ...]) -> Paired:
    """The rows [B, K] of each seed of two arms as one, in the fewest columns: never all seeds in more than these."""
    first, second = (np.stack([narrowed(rows, formula, columns)[0] for rows in arm]) for arm in arms)
    return Paired(name, first, second, formula, narrowed(arms[0][0], formula, columns)[1])


def narrowed(rows: Array, formula: str, columns: tuple[str, ...]) -> tuple[Array, tuple[str, ...]]:
    """Rows [..., K] and columns, the fewest that the formula needs: 3 for micro F1, however many labels."""
    if formula not in _BY_ROLE:
        return rows.astype(float, copy=False), columns
    roles = [column.rpartition(":")[2] for column in columns]
    kept = tuple(dict.fromkeys(roles))
    return rows @ np.array([[role == one for one in kept] for role in roles], dtype=float), kept


def scores(totals: Array, paired: Paired) -> Array:
    """The score of each total row, [..., K] -> [...]."""
    return FORMULAS[paired.formula](totals, paired.columns)


def seed_differences(paired: Paired) -> Array:
    """The paired difference of scores, second minus first, for each seed, [S]."""
    return scores(paired.second.sum(axis=1), paired) - scores(paired.first.sum(axis=1), paired)
