"""What the doubt in a difference comes from, and how many seeds would settle it."""

from __future__ import annotations

import math

from bench.report import words
from bench.report.comparison import Comparison
from bench.report.differences import Contrast, lines
from bench.report.table import Table
from bench.statistics.budget import MOST_SEEDS, seeds_to_decide
from bench.statistics.comparing import UNDECIDED, Difference, verdict


def budget_table(comparison: Comparison, found: Contrast) -> Table:
    """One row a task: how much doubt comes from seeds and how much from examples, and what seeds would decide."""
    return Table(
        name=f"{comparison.name}-budget-{found.arm}",
        title=f"What the doubt comes from: {found.arm} minus single_task, and the seeds that would settle it",
        align="lrrrrr",
        header=("task", "seeds", "from seeds", "examples", "from examples", "seeds to decide"),
        rows=tuple(_doubt(difference, len(found.each)) for difference in lines(found)),
        notes=(
            "From seeds, from examples: standard deviations of the difference, in points, that other trainings and "
            "another test set would cause. Seeds to decide: the fewest with which 8 of 10 such experiments reach a "
            "verdict, if difference and variances seen are the true ones; none: what the examples leave open remains "
            f"open with {MOST_SEEDS} seeds.",
        ),
        total=found.mean is not None,
    )


def _doubt(difference: Difference, tasks: int) -> tuple[str, ...]:
    return (
        difference.name,
        str(difference.seeds),
        words.UNKNOWN if difference.seeds == 1 else words.points(difference.seed_spread),
        str(difference.examples),
        words.points(difference.example_spread),
        _budget(difference, 1 if difference.name == "mean" else tasks),
    )


def _budget(difference: Difference, tests: int) -> str:
    if verdict(difference) != UNDECIDED:
        return "decided"
    needed = seeds_to_decide(difference, tests)
    if math.isnan(needed):
        return words.UNKNOWN if difference.seeds == 1 else words.UNDEFINED
    return "none" if math.isinf(needed) else str(round(needed))
