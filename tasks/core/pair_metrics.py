"""Scores of pairs of sentences: how many classes are right, and how well graded scores follow gold.

Spearman's rho of all pairs is no function of a sum over pairs: it would be Pearson's r of ranks among all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.core.examples import Pair
from tasks.core.metrics import Metric


class Accuracy(Metric[Pair[str], str]):
    """The share of pairs whose class is right."""

    name = "accuracy"
    title = "accuracy"
    formula = "proportion"
    columns = ("correct", "count")

    def observe(self, example: Pair[str], answer: str) -> Sequence[float]:
        """Whether one pair is right, and one."""
        return float(answer == example.gold), 1


class Pearson(Metric[Pair[float], float]):
    """Pearson's correlation of answers with gold."""

    name = "pearson"
    title = "Pearson's r"
    formula = "pearson"
    columns = ("n", "x", "y", "xx", "yy", "xy")

    def observe(self, example: Pair[float], answer: float) -> Sequence[float]:
        """One, gold, answer, their squares and their product."""
        x, y = example.gold, answer
        return 1, x, y, x * x, y * y, x * y
