"""What a metric is: rows of numbers that add up, one for each example, and a formula over their sum.

B examples, K columns of evidence.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np

from tasks.core.metrics.formulas import FORMULAS

Example = TypeVar("Example")
Answer = TypeVar("Answer")


class Metric(ABC, Generic[Example, Answer]):
    """One way to score answers.

    `formula` names the function in FORMULAS that turns a total row into the score, so that stored evidence
    (columns, formula, rows) can be scored again without the task that made it.
    """

    name: str
    title: str
    formula: str
    columns: tuple[str, ...]

    @abstractmethod
    def observe(self, example: Example, answer: Answer) -> Sequence[float]:
        """The evidence of one example: K numbers, one for each column."""

    def settled(self, rows: np.ndarray) -> np.ndarray:
        """The evidence of all examples [B, K] once it is together; a metric that must see all at once does so here."""
        return rows

    def value(self, totals: np.ndarray) -> np.ndarray:
        """The score of each total row, [..., K] -> [...]; nan where it is not defined."""
        return FORMULAS[self.formula](np.asarray(totals, dtype=float), self.columns)


class Observed(Generic[Example, Answer]):
    """What a metric observes of examples that come one after another: numbers alone, no example is held."""

    def __init__(self, metric: Metric[Example, Answer]) -> None:
        self._metric, self._numbers = metric, array("d")

    def add(self, examples: Sequence[Example], answers: Sequence[Answer]) -> None:
        """Observe the next examples."""
        for example, answer in zip(examples, answers, strict=True):
            self._numbers.extend(self._metric.observe(example, answer))

    def rows(self) -> np.ndarray:
        """The evidence of all of them, [B, K]."""
        return self._metric.settled(np.array(self._numbers).reshape(-1, len(self._metric.columns)))


def evidence(metric: Metric[Example, Answer], examples: Sequence[Example], answers: Sequence[Answer]) -> np.ndarray:
    """The rows a metric observes, [B, K]."""
    observed = Observed(metric)
    observed.add(examples, answers)
    return observed.rows()
