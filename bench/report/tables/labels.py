"""Scores of each label with its support, from the evidence of the first metric that counts labels apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.report import words
from bench.report.comparison import Comparison
from bench.report.table import Cell, Table
from bench.store.runs import MetricScore, Result, Score, read_evidence
from tasks.core.metrics.formulas import by_label

_FORMULA = "micro_f1"


@dataclass(frozen=True, slots=True)
class LabelScore:
    """The F1 of one label in one run; `support` counts its mentions in gold, and without any F1 may be nan."""

    label: str
    support: int
    value: float


def counted_apart(score: Score) -> MetricScore | None:
    """The first metric of a task whose evidence is true and false positives and negatives of each label."""
    return next((one for one in score.metrics if one.formula == _FORMULA and ":" in one.columns[0]), None)


def of_run(result: Result, task: str) -> list[LabelScore]:
    """The score of each label in one run; empty where its evidence does not tell labels apart."""
    metric = counted_apart(result.scores[task])
    if metric is None:
        return []
    totals = read_evidence(result, task).rows[metric.name].sum(axis=0)
    counts = dict(zip(metric.columns, totals, strict=True))
    return [
        LabelScore(label, round(counts[f"{label}:tp"] + counts[f"{label}:fn"]), float(value))
        for label, value in by_label(totals, metric.columns, _FORMULA).items()
    ]


def label_table(comparison: Comparison, arms: Sequence[str]) -> Table:
    """One row a label of each task: its mentions in the test set, and its F1 in each arm."""
    return Table(
        name=f"{comparison.name}-labels",
        title="F1 of each label (x100), by the metric named",
        align="lllr" + "r" * len(arms),
        header=("task", "metric", "label", "support", *arms),
        rows=tuple(row for task in comparison.tasks for row in _rows(comparison, task, arms)),
        notes=("support: mentions in the gold of the test set. A label with neither gold nor answer is undefined.",),
        detail=True,
    )


def _rows(comparison: Comparison, task: str, arms: Sequence[str]) -> Iterator[tuple[str, ...]]:
    metric = counted_apart(comparison.score(task))
    support: dict[str, dict[int, None]] = {}
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for arm in comparison.arms:
        for result in arm.by_task.get(task, {}).values():
            for one in of_run(result, task):
                support.setdefault(one.label, {})[one.support] = None
                values[arm.name, one.label].append(one.value)
    for label, mentions in sorted(support.items(), key=lambda item: (-max(item[1]), item[0])):
        cells = [Cell(words.mean_and_spread(found), words.each(found)) for found in (values[a, label] for a in arms)]
        yield (task, metric.title if metric else "", label, " or ".join(map(words.count, mentions)), *cells)
