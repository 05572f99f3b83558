"""Scores of each label with its support, from the evidence of the first metric that counts labels apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.report import words
from bench.report.comparison import Comparison
from bench.report.table import Cell, Table
from bench.store import Metric, Result, Score, read_evidence
from tasks.core.formulas import by_label

_FORMULA = "micro_f1"


@dataclass(frozen=True, slots=True)
class LabelScore:
    """The F1 of one label in one run; `support` counts its mentions in gold, and without any F1 may be nan."""

    label: str
    support: int
    value: float


@dataclass(frozen=True, slots=True)
class LabelScores:
    """What a task's arms score on its labels: label -> support, and (arm, label) -> one value a seed."""

    metric: str
    support: dict[str, int]
    values: dict[tuple[str, str], list[float]]


def counted_apart(score: Score) -> Metric | None:
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


def label_scores(comparison: Comparison) -> dict[str, LabelScores]:
    """Task -> the scores of its labels, for the tasks that have any."""
    found = {}
    for task in comparison.tasks:
        metric = counted_apart(comparison.score(task))
        if metric:
            found[task] = LabelScores(metric.title, {}, {})
            for arm in comparison.arms:
                for result in arm.by_task.get(task, {}).values():
                    _add(found[task], arm.name, of_run(result, task))
    return found


def _add(scores: LabelScores, arm: str, run: Sequence[LabelScore]) -> None:
    for one in run:
        scores.support[one.label] = one.support
        scores.values.setdefault((arm, one.label), []).append(one.value)


def label_table(comparison: Comparison, arms: Sequence[str], found: dict[str, LabelScores]) -> Table:
    """One row a label of each task: its mentions in the test set, and its F1 in each arm."""
    rows = [row for task, scores in found.items() for row in _rows(task, scores, arms)]
    return Table(
        name=f"{comparison.name}-labels",
        title="F1 of each label (x100), by the metric named",
        align="lllr" + "r" * len(arms),
        header=("task", "metric", "label", "support", *arms),
        rows=tuple(rows),
        notes=("support: mentions in the gold of the test set. A label with neither gold nor answer is undefined.",),
        detail=True,
    )


def _rows(task: str, scores: LabelScores, arms: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for label, support in sorted(scores.support.items(), key=lambda item: (-item[1], item[0])):
        cells = [_cell(scores.values.get((arm, label), [])) for arm in arms]
        yield (task, scores.metric, label, words.count(support), *cells)


def _cell(values: Sequence[float]) -> Cell:
    return Cell(words.mean_and_spread(values), words.each(values))
