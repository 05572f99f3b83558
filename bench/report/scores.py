"""The tables of scores: the primary metric of every task in every arm, every metric, and what papers printed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import fmean

from bench.report import words
from bench.report.comparison import FLOOR, MULTI, SINGLE, Arm, Comparison
from bench.report.missing import gaps
from bench.report.published import CAVEATS, PUBLISHED
from bench.report.table import Table

PARTLY = "*"


def primary_table(comparison: Comparison, arms: Sequence[str], commands: Sequence[str]) -> Table:
    """One row a task: primary metric, size of the test set, and each arm with its difference from single_task."""
    columns = list(_columns(arms))
    primary = {task: comparison.score(task).metrics[0].name for task in comparison.tasks}
    rows = [
        (
            *(task, metric, words.count(comparison.score(task).examples.get("test"))),
            *(
                _difference(comparison, name, task, metric) if less else _cell(comparison, name, task, metric)
                for name, less in columns
            ),
        )
        for task, metric in primary.items()
    ]
    means = {name: _means(comparison, name) for name in arms}
    total = (
        _paired(means[SINGLE], means[name]) if less else _mean_cell(comparison, name, means[name])
        for name, less in columns
    )
    return Table(
        name=f"{comparison.name}-scores",
        title="Scores on the test sets (x100)",
        align="ll" + "r" * (1 + len(columns)),
        header=("task", "metric", "test", *("diff." if less else name for name, less in columns)),
        rows=(*rows, ("mean", "", "", *total)),
        notes=tuple(_notes(comparison, arms)),
        commands=tuple(commands),
        total=True,
    )


def _columns(arms: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Each arm, and after what learns in company its difference from what learns alone."""
    for name in arms:
        yield name, False
        if SINGLE in arms and name not in (FLOOR, SINGLE):
            yield name, True


def metrics_table(comparison: Comparison, arms: Sequence[str]) -> Table:
    """One row for every metric of every task."""
    rows = [
        (task, metric.title, *(_cell(comparison, name, task, metric.name) for name in arms))
        for task in comparison.tasks
        for metric in comparison.score(task).metrics
    ]
    return Table(
        name=f"{comparison.name}-metrics",
        title="Every metric (x100); the first of each task is the primary one",
        align="ll" + "r" * len(arms),
        header=("task", "metric", *arms),
        rows=tuple(rows),
    )


def published_table(comparison: Comparison) -> Table:
    """Our two arms beside what papers printed for the same tasks."""
    columns = [column for column in PUBLISHED if set(column.figures) & set(comparison.tasks)]
    ours = [arm.name for arm in comparison.arms if arm.name in (SINGLE, MULTI)]
    rows = [
        (
            task,
            *(_cell(comparison, name, task, comparison.score(task).metrics[0].name) for name in ours),
            *(f"{column.figures[task]:.1f}" if task in column.figures else "" for column in columns),
        )
        for task in comparison.tasks
    ]
    marks = [f"[{place}] {column.system}" for place, column in enumerate(columns, 1)]
    return Table(
        name=f"{comparison.name}-published",
        title=f"Ours ({comparison.encoder}) beside published figures (x100)",
        align="l" + "r" * (len(ours) + len(columns)),
        header=("task", *ours, *(f"[{k}]" for k in range(1, len(columns) + 1))),
        rows=tuple(rows),
        notes=(*(f"{mark}: {column.source}." for mark, column in zip(marks, columns, strict=True)), *CAVEATS),
    )


def values(comparison: Comparison, name: str, task: str, metric: str) -> dict[int, float]:
    """Seed -> value of a metric in an arm; empty where the arm is missing."""
    arm = comparison.arm(name)
    return arm.values(task, metric) if arm else {}


def _cell(comparison: Comparison, name: str, task: str, metric: str) -> str:
    found = list(values(comparison, name, task, metric).values())
    return words.mean_and_spread(found) + (PARTLY if found and gaps(comparison, name, task) else "")


def _difference(comparison: Comparison, name: str, task: str, metric: str) -> str:
    return _paired(values(comparison, SINGLE, task, metric), values(comparison, name, task, metric))


def _mean_cell(comparison: Comparison, name: str, means: dict[int, float]) -> str:
    partly = means and any(gaps(comparison, name, task) for task in comparison.tasks)
    return words.mean_and_spread(list(means.values())) + (PARTLY if partly else "")


def _means(comparison: Comparison, name: str) -> dict[int, float]:
    """Seed -> mean of the primary scores over all tasks, for the seeds that have them all."""
    scores = [values(comparison, name, task, comparison.score(task).metrics[0].name) for task in comparison.tasks]
    whole = set.intersection(*map(set, scores))
    return {seed: fmean(score[seed] for score in scores) for seed in sorted(whole)}


def _paired(first: dict[int, float], second: dict[int, float]) -> str:
    both = [second[seed] - first[seed] for seed in first if seed in second]
    return words.points(fmean(both), signed=True) if both else words.MISSING


def _notes(comparison: Comparison, arms: Sequence[str]) -> list[str]:
    seeds = ", ".join(map(str, comparison.seeds))
    notes = [
        f"Mean ± standard deviation over seeds {seeds}."
        if len(comparison.seeds) > 1
        else f"One seed ({seeds}): how much another seed would change these scores is unknown."
    ]
    if SINGLE in arms and len(arms) > 1:
        notes.append("diff.: the arm to its left minus single_task, over the seeds both have.")
    ceilings = [f"{task} {words.points(best)}" for task in comparison.tasks if (best := _ceiling(comparison, task))]
    if ceilings:
        notes.append(f"Ceiling (recall of perfect tags: what of gold they can express): {', '.join(ceilings)}.")
    if any(gaps(comparison, name, task) for name in arms for task in comparison.tasks):
        notes.append(f'Cells that say "missing", or end in {PARTLY} (only some seeds are there), are filled by:')
    return notes


def _ceiling(comparison: Comparison, task: str) -> float | None:
    found = [_arm_ceiling(arm, task) for arm in comparison.trained]
    return max((ceiling for ceiling in found if ceiling is not None), default=None)


def _arm_ceiling(arm: Arm, task: str) -> float | None:
    ceilings = [result.scores[task].ceiling for result in arm.by_task.get(task, {}).values()]
    known = [ceiling for ceiling in ceilings if ceiling is not None and math.isfinite(ceiling)]
    return known[0] if known else None
