"""What the trainings really saw of each task."""

from __future__ import annotations

from statistics import fmean

from bench.report import numbers
from bench.report.arms import ArmRuns
from bench.report.comparison import Comparison
from bench.report.table import Table


def table(comparison: Comparison) -> Table:
    """One row a task, mean over seeds; arms that saw the same share a row."""
    rows = []
    for task in comparison.tasks:
        seen = {arm.name: _seen(arm, task) for arm in comparison.trained if arm.of_task(task)}
        for cells in dict.fromkeys(seen.values()):
            names = [name for name in seen if seen[name] == cells]
            rows.append((task, "every arm" if len(names) == len(seen) > 1 else " = ".join(names), *cells))
    return Table(
        title="What each task saw in training, mean over seeds",
        align="llrrrr",
        header=("task", "arm", "updates", "examples", "tokens", "epochs"),
        rows=tuple(rows),
    )


def _seen(arm: ArmRuns, task: str) -> tuple[str, ...]:
    counts = [run.training.task_counts.get(task) for run in arm.of_task(task).values()]
    found = [one for one in counts if one]
    if not found:
        return (numbers.UNKNOWN,) * 4
    columns = ([one.updates for one in found], [one.examples for one in found], [one.tokens for one in found])
    return (*(numbers.count(fmean(column)) for column in columns), f"{fmean(one.epochs for one in found):.1f}")
