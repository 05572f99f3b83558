"""A metric turns each example into a row of numbers that add up, and the sum of the rows into a score.

B examples, K columns of evidence.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from tasks.core.metrics.formulas import FORMULAS

Example = TypeVar("Example")
Answer = TypeVar("Answer")


def unchanged(rows: np.ndarray) -> np.ndarray:
    """The evidence as it was observed."""
    return rows


@dataclass(frozen=True)
class Metric(Generic[Example, Answer]):
    """One way to score answers.

    `observe(example, answer)` gives K numbers, one for each column. `formula` names the function in FORMULAS that
    turns their sum into the score, so that stored evidence (columns, formula, rows) can be scored again without the
    task. A metric that must see the rows [B, K] of all examples at once changes them in `transform`.
    """

    name: str
    title: str
    formula: str
    columns: tuple[str, ...]
    observe: Callable[[Example, Answer], Sequence[float]]
    transform: Callable[[np.ndarray], np.ndarray] = unchanged

    def value(self, totals: np.ndarray) -> np.ndarray:
        """The score of each total row, [..., K] -> [...]; nan where it is not defined."""
        return FORMULAS[self.formula](np.asarray(totals, dtype=float), self.columns)


class Observed(Generic[Example, Answer]):
    """The evidence of examples that come one after another: numbers alone, no example is held."""

    def __init__(self, metric: Metric[Example, Answer]) -> None:
        self._metric, self._numbers = metric, array("d")

    def add(self, examples: Sequence[Example], answers: Sequence[Answer]) -> None:
        """Observe the next examples."""
        for example, answer in zip(examples, answers, strict=True):
            self._numbers.extend(self._metric.observe(example, answer))

    def rows(self) -> np.ndarray:
        """The evidence of all of them, [B, K]."""
        return self._metric.transform(np.array(self._numbers).reshape(-1, len(self._metric.columns)))


def evidence(metric: Metric[Example, Answer], examples: Sequence[Example], answers: Sequence[Answer]) -> np.ndarray:
    """The rows a metric observes, [B, K]."""
    observed = Observed(metric)
    observed.add(examples, answers)
    return observed.rows()
