"""Every metric of every task in every arm, with the share of gold that tags can express."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from bench.report import words
from bench.report.comparison import Comparison
from bench.report.missing import gaps
from bench.report.table import Cell, Table

PARTLY = "*"


def values(comparison: Comparison, name: str, task: str, metric: str) -> dict[int, float]:
    """Seed -> value of a metric in an arm; empty where the arm is missing."""
    arm = comparison.arm(name)
    return arm.values(task, metric) if arm else {}


def score_cell(comparison: Comparison, name: str, task: str, metric: str = "") -> Cell:
    """Mean and spread of a metric, of the primary one unless another is named; it says where seeds are missing."""
    found = values(comparison, name, task, metric or comparison.primary(task))
    partly = PARTLY if found and gaps(comparison, name, task) else ""
    each = "; ".join(f"seed {seed}: {words.points(value)}" for seed, value in found.items())
    return Cell(words.mean_and_spread(list(found.values())) + partly, each)


def metrics_table(comparison: Comparison, arms: Sequence[str]) -> Table:
    """One row for every metric of every task, and for its ceiling."""
    rows = []
    for task in comparison.tasks:
        for metric in comparison.score(task).metrics:
            rows.append((task, metric.title, *(score_cell(comparison, name, task, metric.name) for name in arms)))
        ceilings = {name: ceiling(comparison, name, task) for name in arms}
        if any(ceilings.values()):
            cells = (words.points(best) if best else "" for best in ceilings.values())
            rows.append((task, "ceiling", *cells))
    return Table(
        name=f"{comparison.name}-metrics",
        title="Every metric (x100); the first of each task is the primary one",
        align="ll" + "r" * len(arms),
        header=("task", "metric", *arms),
        rows=tuple(rows),
        notes=("ceiling: the recall that perfect tags would reach, the share of gold that they can express.",),
        detail=True,
    )


def ceiling(comparison: Comparison, name: str, task: str) -> float | None:
    """The mean over seeds of the recall that perfect tags would reach; None where nothing is lost or it is unknown."""
    arm = comparison.arm(name)
    found = [result.scores[task].ceiling for result in arm.by_task.get(task, {}).values()] if arm else []
    known = [one for one in found if one is not None and math.isfinite(one)]
    return fmean(known) if known else None
