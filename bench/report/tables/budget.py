"""How much doubt comes from seeds and how much from examples, and how many seeds would decide."""

from __future__ import annotations

import math

from bench.report import numbers
from bench.report.comparison import Comparison
from bench.report.contrasts import Contrast
from bench.report.table import Table
from bench.statistics.comparing import MOST_SEEDS, UNDECIDED, Difference, seeds_to_decide, verdict


def table(comparison: Comparison, contrast: Contrast) -> Table:
    """One row a task, then their mean."""
    return Table(
        title=f"What the doubt comes from: {contrast.arm} minus single_task, and the seeds that would settle it",
        align="lrrrrr",
        header=("task", "seeds", "from seeds", "examples", "from examples", "seeds to decide"),
        rows=tuple(
            (
                line.name,
                str(line.seeds),
                numbers.UNKNOWN if line.seeds == 1 else numbers.points(line.seed_spread),
                str(line.examples),
                numbers.points(line.example_spread),
                _seeds(line, 1 if line is contrast.mean else len(contrast.each)),
            )
            for line in contrast.lines
        ),
        notes=(
            "From seeds, from examples: standard deviations of the difference, in points, that other trainings and "
            "another test set would cause. Seeds to decide: the fewest with which 8 of 10 such experiments reach a "
            "verdict, if difference and variances seen are the true ones; none: what the examples leave open remains "
            f"open with {MOST_SEEDS} seeds.",
        ),
    )


def _seeds(difference: Difference, tests: int) -> str:
    if verdict(difference) != UNDECIDED:
        return "decided"
    needed = seeds_to_decide(difference, tests)
    if math.isnan(needed):
        return numbers.UNKNOWN if difference.seeds == 1 else numbers.UNDEFINED
    return "none" if math.isinf(needed) else str(round(needed))
