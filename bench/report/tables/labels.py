"""Scores of each label with its support, from the evidence of the first metric that counts labels apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from bench.report import numbers
from bench.report.comparison import Comparison
from bench.report.table import Table, mean_cell
from bench.store.runs import MetricScore, Result, Score
from tasks.core.metrics.formulas import by_label

_FORMULA = "micro_f1"


@dataclass(frozen=True, slots=True)
class LabelScore:
    """The F1 of one label in one run; `support` counts its mentions in gold, and without any F1 may be nan."""

    label: str
    support: int
    value: float


def metric_of_labels(score: Score) -> MetricScore | None:
    """The first metric of a task whose evidence is true and false positives and negatives of each label."""
    return next((one for one in score.metrics if one.formula == _FORMULA and ":" in one.columns[0]), None)


def label_scores(result: Result, task: str) -> list[LabelScore]:
    """The score of each label in one run; empty where its evidence does not tell labels apart."""
    metric = metric_of_labels(result.scores[task])
    if metric is None:
        return []
    totals = result.evidence[task].rows[metric.name].sum(axis=0)
    counts = dict(zip(metric.columns, totals, strict=True))
    return [
        LabelScore(label, round(counts[f"{label}:tp"] + counts[f"{label}:fn"]), float(value))
        for label, value in by_label(totals, metric.columns, _FORMULA).items()
    ]


def table(comparison: Comparison) -> Table:
    """One row a label of each task: its mentions in the test set, and its F1 in each arm."""
    return Table(
        title="F1 of each label (x100), by the metric named",
        align="lllr" + "r" * len(comparison.columns),
        header=("task", "metric", "label", "support", *comparison.columns),
        rows=tuple(row for task in comparison.tasks for row in _rows(comparison, task)),
        notes=("support: mentions in the gold of the test set. A label with neither gold nor answer is undefined.",),
    )


def _rows(comparison: Comparison, task: str) -> Iterator[tuple[str, ...]]:
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
