"""What is guarded of a task: its primary metric, and where a miss harms patients the recall of what must be found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.drift.findings import PHI, Tolerance
from bench.store import Metric, Score

PHI_TASK, PHI_METRIC = "i2b2_2014", "binary_f1"
"""The counts of exact stretches whatever their label: a name taken for a city is removed all the same."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that a formula makes of a metric's evidence; `both_ways`: whether a gain is drift too."""

    title: str
    metric: str
    formula: str
    tolerance: Tolerance
    both_ways: bool = True

    def beyond(self, change: float, bound: float) -> bool:
        """Whether a change is out of bounds, as it is where either is no number."""
        return not (abs(change) <= bound or (change > 0 and not self.both_ways))


def measures(task: str, score: Score, tolerance: Tolerance) -> Iterator[Measure]:
    """What is guarded of a task; the tolerance is for its primary metric alone."""
    primary: Metric = score.metrics[0]
    yield Measure(primary.title, primary.name, primary.formula, tolerance)
    if task == PHI_TASK:
        yield Measure("recall of PHI", PHI_METRIC, "micro_recall", PHI, both_ways=False)
