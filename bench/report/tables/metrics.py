"""Every metric of every task in every arm, with the share of gold that tags can express."""

from __future__ import annotations

import math
from statistics import fmean

from bench.report import numbers
from bench.report.comparison import Comparison
from bench.report.table import CellText, Table, mean_cell


def score_cell(comparison: Comparison, arm: str, task: str, metric: str = "") -> CellText:
    """Mean and spread of a metric, of the primary one unless another is named; it says where seeds are missing."""
    return mean_cell(comparison.values(arm, task, metric), partly=bool(comparison.missing_seeds(arm, task)))


def table(comparison: Comparison) -> Table:
    """One row for every metric of every task, and for its ceiling."""
    rows, arms = [], comparison.columns
    for task in comparison.tasks:
        for metric in comparison.score(task).metrics:
            rows.append((task, metric.title, *(score_cell(comparison, arm, task, metric.name) for arm in arms)))
        ceilings = [_ceiling(comparison, arm, task) for arm in arms]
        if any(ceilings):
            rows.append((task, "ceiling", *(numbers.points(ceiling) if ceiling else "" for ceiling in ceilings)))
    return Table(
        title="Every metric (x100); the first of each task is the primary one",
        align="ll" + "r" * len(arms),
        header=("task", "metric", *arms),
        rows=tuple(rows),
        notes=("ceiling: the recall that perfect tags would reach, the share of gold that they can express.",),
    )


def _ceiling(comparison: Comparison, arm: str, task: str) -> float | None:
    """The mean over seeds of the recall that perfect tags would reach; None where nothing is lost or it is unknown."""
    ceilings = [result.scores[task].ceiling for name, result in comparison.runs_of(task) if name == arm]
    known = [one for one in ceilings if one is not None and math.isfinite(one)]
    return fmean(known) if known else None
