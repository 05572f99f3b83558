"""The tables of scores: the main one, every metric, each label, and ours beside what papers printed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from bench.report import numbers
from bench.report.arms import FLOOR, MULTI, SINGLE
from bench.report.comparison import NOT_RUN, Comparison, Contrast
from bench.report.held import metric_of_labels
from bench.report.papers import JAMIA_MULTI, JAMIA_SINGLE, footnotes, published_for
from bench.report.table import CellText, Table, mean_cell
from bench.report.tables.differences import difference_cells, not_compared, unreliable
from bench.statistics.comparing import MARGIN
from bench.store.runs import Result
from tasks.core.metrics.formulas import by_label

_MEAN = "mean"


@dataclass(frozen=True, slots=True)
class _Column:
    """The cells of all rows under a heading; `cut`: a table too wide is best cut before it."""

    head: str
    cells: Sequence[str]
    side: str = "r"
    cut: bool = False


def scores(comparison: Comparison) -> Table:
    """One row a task: primary metric, size of the test set, the score of each arm, and its difference from single."""
    beside = [paper for paper in published_for(comparison) if paper in (JAMIA_SINGLE, JAMIA_MULTI)]
    columns = list(_columns(comparison))
    for index, paper in enumerate(beside):
        short, cells = paper.system.split(",")[0].removesuffix(" task"), [*map(paper.cell, comparison.tasks), ""]
        columns.append(_Column(f"{paper.source.mark} {short}", cells, cut=index == 0))
    return Table(
        title="Scores on the test sets (x100)",
        align="".join(column.side for column in columns),
        header=tuple(column.head for column in columns),
        rows=tuple(zip(*(column.cells for column in columns), strict=True)),
        # What holds of two arms is said once.
        notes=tuple(dict.fromkeys((*_notes(comparison), *footnotes(beside)))),
        total=True,
        cuts=tuple(index for index, column in enumerate(columns) if column.cut),
    )


def _columns(comparison: Comparison) -> Iterator[_Column]:
    """Task, metric and test set; then each arm and, if it learns in company, how it differs from what learns alone."""
    tasks, others = comparison.tasks, _contrasted(comparison)
    yield _Column("task", [*tasks, _MEAN], "l")
    yield _Column("metric", [*map(comparison.primary, tasks), ""], "l")
    tested = {
        task: dict.fromkeys(numbers.count(run.scores[task].examples.get("test")) for _, run in comparison.runs_of(task))
        for task in tasks
    }
    yield _Column("test", [*map(" or ".join, tested.values()), ""])
    for name in comparison.columns:
        scores = [score_cell(comparison, name, task) for task in tasks]
        yield _Column(name, [*scores, _mean(comparison, name)], cut=name in others[1:])
        if name in others:
            found = comparison.contrast(name)
            gain, interval, p, judged = zip(*(_difference(found, row) for row in (*tasks, _MEAN)), strict=True)
            yield _Column("diff.", gain, cut=name == others[0])
            yield _Column("95 % interval", interval)
            yield _Column("p (Holm)", p)
            yield _Column("verdict", judged, "l")


def _contrasted(comparison: Comparison) -> list[str]:
    return [arm for arm in comparison.columns if SINGLE in comparison.columns and arm not in (FLOOR, SINGLE)]


def _difference(contrast: Contrast | None, row: str) -> tuple[str, str, str, str]:
    for found in contrast.lines if contrast else ():
        if found.name == row:
            return difference_cells(found)
    reason = contrast.unpaired.get(row, NOT_RUN) if contrast else NOT_RUN
    return (numbers.MISSING,) * 4 if reason == NOT_RUN else ("none", "none", "none", f"not compared: {reason}")


def _mean(comparison: Comparison, name: str) -> CellText:
    """The mean over tasks of the seeds that have them all."""
    scores = [comparison.values(name, task) for task in comparison.tasks]
    means = {seed: fmean(one[seed] for one in scores) for seed in sorted(set.intersection(*map(set, scores)))}
    return mean_cell(means, partly=any(comparison.missing_seeds(name, task) for task in comparison.tasks))


def _notes(comparison: Comparison) -> Iterator[str]:
    if len(comparison.seeds) > 1:
        yield f"Mean ± standard deviation over seeds {', '.join(map(str, comparison.seeds))}."
    else:
        yield f"One seed ({comparison.seeds[0]}): how much another seed would change these scores is unknown."
    if _contrasted(comparison):
        yield (
            "diff.: the arm to its left minus single_task, over the seeds both have. p: after Holm's correction over "
            f"the tasks. The margin of the verdict is {numbers.points(MARGIN)} points."
        )
    for contrast in comparison.contrasts:
        yield from unreliable(contrast)
        yield from (f"Not compared: {contrast.arm}, {what}." for what in not_compared(contrast))


def published(comparison: Comparison) -> Table:
    """One row a system, one column a task: our two arms, then what papers printed, each marked by its source."""
    tasks, rows = comparison.tasks, published_for(comparison)
    ours = [
        (f"{arm}, {comparison.encoder}", "ours", *(score_cell(comparison, arm, task) for task in tasks))
        for arm in (SINGLE, MULTI)
        if comparison.arm(arm)
    ]
    return Table(
        title="Ours beside published figures (x100)",
        align="ll" + "r" * len(tasks),
        header=("system", "source", *tasks),
        rows=(*ours, *((row.system, row.source.mark, *(row.cell(task) for task in tasks)) for row in rows)),
        notes=tuple(footnotes(rows)),
    )


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


def label_scores(result: Result, task: str) -> dict[str, tuple[int, float]]:
    """Label -> its mentions in gold, and its F1, which may be nan without any; empty if labels are not told apart."""
    metric = metric_of_labels(result.scores[task])
    if metric is None:
        return {}
    totals = result.evidence[task].rows[metric.name].sum(axis=0, dtype=float)
    counts = dict(zip(metric.columns, totals, strict=True))
    return {
        label: (round(counts[f"{label}:tp"] + counts[f"{label}:fn"]), float(value))
        for label, value in by_label(totals, metric.columns, metric.formula).items()
    }


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
        for label, (support, value) in label_scores(result, task).items():
            supports.setdefault(label, {})[support] = None
            values[arm, label][result.seed] = value
    for label, mentions in sorted(supports.items(), key=lambda item: (-max(item[1]), item[0])):
        cells = [mean_cell(values[arm, label]) for arm in comparison.columns]
        yield task, metric.title if metric else "", label, " or ".join(map(numbers.count, mentions)), *cells
