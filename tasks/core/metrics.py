"""What a metric is: rows of numbers that add up, one for each example, and a formula over their sum.

B examples, K columns of evidence.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np

from tasks.core.formulas import FORMULAS

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

    def rows(self, examples: Sequence[Example], answers: Sequence[Answer]) -> Sequence[Sequence[float]]:
        """The evidence of all examples, B rows of K numbers; a metric that must see all at once does so here."""
        return [self.observe(example, answer) for example, answer in zip(examples, answers, strict=True)]

    def value(self, totals: np.ndarray) -> np.ndarray:
        """The score of each total row, [..., K] -> [...]; nan where it is not defined."""
        return FORMULAS[self.formula](np.asarray(totals, dtype=float), self.columns)


def evidence(metric: Metric[Example, Answer], examples: Sequence[Example], answers: Sequence[Answer]) -> np.ndarray:
    """The rows a metric observes, [B, K]."""
    return np.asarray(metric.rows(examples, answers), dtype=float).reshape(len(examples), len(metric.columns))
