"""Is a difference real? On stored evidence alone; docs/statistics.md tells what each number is."""

from bench.statistics.budget import MOST_SEEDS, seeds_to_decide
from bench.statistics.calibrated import Cell, holds, nearest
from bench.statistics.comparing import BETTER, MARGIN, UNDECIDED, WORSE, Difference, compare, holm, verdict
from bench.statistics.paired import Paired, scores, seed_differences
from bench.statistics.resampling import RESAMPLES, Resampled, bootstrap, interval, randomisation, resample
from bench.statistics.variance import (
    LEVEL,
    Effect,
    Estimate,
    error_reduction,
    estimate,
    mean_over_tasks,
    relative_change,
)

__all__ = [
    "BETTER",
    "LEVEL",
    "MARGIN",
    "MOST_SEEDS",
    "RESAMPLES",
    "UNDECIDED",
    "WORSE",
    "Cell",
    "Difference",
    "Effect",
    "Estimate",
    "Paired",
    "Resampled",
    "bootstrap",
    "compare",
    "error_reduction",
    "estimate",
    "holds",
    "holm",
    "interval",
    "mean_over_tasks",
    "nearest",
    "randomisation",
    "relative_change",
    "resample",
    "scores",
    "seed_differences",
    "seeds_to_decide",
    "verdict",
]
