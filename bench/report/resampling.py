"""What the bootstrap and randomisation say of a difference, for readers who look for them."""

from __future__ import annotations

from bench.report import words
from bench.report.comparison import Comparison
from bench.report.differences import Contrast, bounds, lines
from bench.report.table import Table
from bench.statistics.resampling import RESAMPLES, resample


def resampling_table(comparison: Comparison, found: Contrast) -> Table:
    """One row a task: what the hierarchical bootstrap and paired randomisation say, beside the t that is judged by."""
    each, mean = resample(found.pairs)
    both = zip(lines(found), [*each, *([mean] if mean and found.mean else [])], strict=True)
    return Table(
        name=f"{comparison.name}-resampling-{found.arm}",
        title=f"The same by resampling: {found.arm} minus single_task, in points",
        align="lrrr",
        header=("task", "95 % interval (t)", "95 % interval (bootstrap)", "p (randomisation)"),
        rows=tuple(
            (
                line.name,
                bounds(line.low, line.high),
                bounds(one.low, one.high),
                "" if line is found.mean else words.p_value(one.p),
            )
            for line, one in both
        ),
        notes=(
            "Percentile bootstrap of seeds, then examples, and approximate randomisation over examples within matched "
            f"seeds, {RESAMPLES:,} draws each, the same in both arms, p not corrected. Neither keeps its "
            "error with few seeds (docs/statistics.md), so verdicts rest on t.",
        ),
        total=found.mean is not None,
    )
