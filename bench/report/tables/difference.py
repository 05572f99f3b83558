"""What an arm gains over the single-task baseline, as it is judged."""

from __future__ import annotations

from bench.report import numbers
from bench.report.comparison import Comparison
from bench.report.contrasts import Contrast, unreliable
from bench.report.table import Table
from bench.statistics.comparing import MARGIN, Difference, verdict


def difference_cells(found: Difference) -> tuple[str, str, str, str]:
    """The difference in points, its interval, its p-value and its verdict."""
    gain = numbers.points(found.value, signed=True)
    return gain, numbers.interval(found.low, found.high), numbers.p_value(found.p), verdict(found)


def table(comparison: Comparison, contrast: Contrast) -> Table:
    """One row a task: difference, interval, p-value after Holm, verdict; then the mean over tasks."""
    rows = []
    for line in contrast.lines:
        *figures, judged = difference_cells(line)
        rows.append((line.name, *figures, str(line.seeds), judged))
    notes = [
        "Interval and p: Student's t, of seeds crossed with examples (docs/statistics.md); Holm corrects p over the "
        "tasks, not the intervals, and the mean is one test of its own. better, worse: the interval leaves out 0 and "
        f"p < 0.05. no worse: the interval ends above -{numbers.points(MARGIN)} points.",
        *unreliable(contrast),
    ]
    if contrast.mean is None and (contrast.unpaired or len(contrast.each) > 1):
        notes.append("No mean over tasks: not every task has the same seeds in both arms.")
    return Table(
        title=f"Difference: {contrast.arm} minus single_task, in points",
        align="lrrrrl",
        header=("task", "diff.", "95 % interval", "p (Holm)", "seeds", "verdict"),
        rows=tuple(rows),
        notes=(*notes, *(f"Not compared: {what}." for what in contrast.not_compared)),
    )
