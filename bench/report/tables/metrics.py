"""Every metric of every task in every arm, and the scores of each label where a metric counts labels apart."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

from bench.report import numbers
from bench.report.comparison import Comparison
from bench.report.table import CellText, Table, mean_cell
from bench.store.runs import MetricScore, Result, Score
from tasks.core.metrics.formulas import by_label

_F1_FORMULA = "micro_f1"


def score_cell(comparison: Comparison, arm: str, task: str, metric: str = "") -> CellText:
    """Mean and spread of a metric, of the primary one unless another is named; it says where seeds are missing."""
    return mean_cell(comparison.values(arm, task, metric), partly=bool(comparison.missing_seeds(arm, task)))


def metrics(comparison: Comparison) -> Table:
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


@dataclass(frozen=True, slots=True)
class LabelScore:
    """The F1 of one label in one run; `support` counts its mentions in gold, and without any F1 may be nan."""

    label: str
    support: int
    value: float


def metric_of_labels(score: Score) -> MetricScore | None:
    """The first metric of a task whose evidence is true and false positives and negatives of each label."""
    return next((one for one in score.metrics if one.formula == _F1_FORMULA and ":" in one.columns[0]), None)


def label_scores(result: Result, task: str) -> list[LabelScore]:
    """The score of each label in one run; empty where its evidence does not tell labels apart."""
    metric = metric_of_labels(result.scores[task])
    if metric is None:
        return []
    totals = result.evidence[task].rows[metric.name].sum(axis=0)
    counts = dict(zip(metric.columns, totals, strict=True))
    return [
        LabelScore(label, round(counts[f"{label}:tp"] + counts[f"{label}:fn"]), float(value))
        for label, value in by_label(totals, metric.columns, _F1_FORMULA).items()
    ]


def labels(comparison: Comparison) -> Table:
    """One row a label of each task: its mentions in the test set, and its F1 in each arm."""
    return Table(
        title="F1 of each label (x100), by the metric named",
        align="lllr" + "r" * len(comparison.columns),
        header=("task", "metric", "label", "support", *comparison.columns),
        rows=tuple(row for task in comparison.tasks for row in _label_rows(comparison, task)),
        notes=("support: mentions in the gold of the test set. A label with neither gold nor answer is undefined.",),
    )


def _label_rows(comparison: Comparison, task: str) -> Iterator[tuple[str, ...]]:
    metric = metric_of_labels(comparison.score(task))
    supports: dict[str, dict[int, None]] = {}
    values: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for arm, result in comparison.runs_of(task):
        for one in label_scores(result, task):
            supports.setdefault(one.label, {})[one.support] = None
            values[arm, one.label][result.seed] = one.value
    for label, support in sorted(supports.items(), key=lambda item: (-max(item[1]), item[0])):
        cells = [mean_cell(values[arm, label]) for arm in comparison.columns]
        yield task, metric.title if metric else "", label, " or ".join(map(numbers.count, support)), *cells
