"""How many seeds would decide a comparison, if the difference and variances seen are the true ones: a power analysis.

V_seeds of n seeds is V_seeds of S seeds times S / n; V_examples stays. An experiment with standard error SE decides
with probability POWER where the distance to a bound exceeds (t + z) SE: t is the quantile that the interval or the test
uses, z the normal quantile of POWER.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from bench.statistics import student
from bench.statistics.comparing import MARGIN, Difference
from bench.statistics.paired import Array
from bench.statistics.variance import LEVEL, degrees_of_freedom

MOST_SEEDS = 1000
POWER = 0.8

Quantile = Callable[[float, Array], Array | float]


def seeds_to_decide(difference: Difference, tests: int = 1, margin: float = MARGIN) -> float:
    """The fewest seeds that reach a verdict other than undecided in 8 of 10 such experiments.

    inf where not even MOST_SEEDS would, since no number of seeds makes V_examples smaller; nan with one seed, whose
    variance is unknown. `tests` is how many tasks Holm corrects for, taken at its most severe.
    """
    if not difference.seed_spread >= 0:
        return math.nan
    seeds = np.arange(2, MOST_SEEDS + 1)
    # The normal quantile is below every t's and costs nothing: where it does not decide, no t does.
    possible = seeds[_decides(difference, seeds, tests, margin, lambda level, _: NormalDist().inv_cdf((1 + level) / 2))]
    for some in np.split(possible, range(32, len(possible), 32)):
        deciding = some[_decides(difference, some, tests, margin, student.quantile)]
        if len(deciding):
            return float(deciding[0])
    return math.inf


def _decides(difference: Difference, seeds: Array, tests: int, margin: float, quantile: Quantile) -> Array:
    """Whether each number of seeds would decide."""
    of_seeds = difference.seed_spread**2 * difference.seeds / seeds
    variances = np.stack([of_seeds, np.full(len(seeds), difference.example_spread**2)], axis=-1)
    error = np.sqrt(variances.sum(axis=-1))
    own_df = np.stack([seeds - 1, np.full(len(seeds), difference.examples - 1)], axis=-1)
    df = degrees_of_freedom(variances / error[:, None] ** 2, own_df)
    z = NormalDist().inv_cdf(POWER)
    no_worse = difference.value + margin > (quantile(LEVEL, df) + z) * error
    worse = -difference.value > (quantile(1 - (1 - LEVEL) / tests, df) + z) * error
    decides: Array = no_worse | worse
    return decides
