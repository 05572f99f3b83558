"""The same differences by resampling: what the field prints, beside the t that is judged by."""

from __future__ import annotations

from bench.report import numbers
from bench.report.comparison import Comparison
from bench.report.contrasts import Contrast
from bench.report.table import Table
from bench.statistics.resampling import RESAMPLES, resample


def table(comparison: Comparison, contrast: Contrast) -> Table:
    """One row a task: what the hierarchical bootstrap and paired randomisation say."""
    each, mean = resample(contrast.pairs)
    resampled = [*each, *([mean] if mean and contrast.mean else [])]
    return Table(
        title=f"The same by resampling: {contrast.arm} minus single_task, in points",
        align="lrrr",
        header=("task", "95 % interval (t)", "95 % interval (bootstrap)", "p (randomisation)"),
        rows=tuple(
            (
                line.name,
                numbers.interval(line.low, line.high),
                numbers.interval(one.low, one.high),
                "" if line is contrast.mean else numbers.p_value(one.p),
            )
            for line, one in zip(contrast.lines, resampled, strict=True)
        ),
        notes=(
            "Percentile bootstrap of seeds, then examples, and approximate randomisation over examples within matched "
            f"seeds, {RESAMPLES:,} draws each, the same in both arms, p not corrected. Neither keeps its "
            "error with few seeds (docs/statistics.md), so verdicts rest on t.",
        ),
    )
