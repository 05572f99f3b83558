"""What a seed budget buys: how many seeds would decide, if the difference and the variances seen are the true ones."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from bench.statistics import student
from bench.statistics.comparing import MARGIN, Difference
from bench.statistics.variance import LEVEL, degrees_of_freedom

MOST_SEEDS = 1000
# The chance of a decision that a budget should buy.
POWER = 0.8


def seeds_to_decide(difference: Difference, tests: int = 1, margin: float = MARGIN) -> float:
    """The fewest seeds that reach a verdict other than undecided in 8 of 10 such experiments.

    inf where not even MOST_SEEDS would, since what the examples leave open no seed closes; nan with one seed, whose
    variance is unknown. `tests` is how many tasks Holm corrects for, taken at its most severe.
    """
    if not difference.seed_spread >= 0:
        return math.nan
    seeds = np.arange(2, MOST_SEEDS + 1)
    of_seeds = difference.seed_spread**2 * difference.seeds / seeds
    parts = np.stack([of_seeds, np.full(len(seeds), difference.example_spread**2)], axis=-1)
    error = np.sqrt(parts.sum(axis=-1))
    df = degrees_of_freedom(
        parts / error[:, None] ** 2, np.stack([seeds - 1, np.full(len(seeds), difference.examples - 1)], axis=-1)
    )
    luck = NormalDist().inv_cdf(POWER)
    no_worse = difference.value + margin > (student.quantile(LEVEL, df) + luck) * error
    worse = -difference.value > (student.quantile(1 - (1 - LEVEL) / tests, df) + luck) * error
    decided = seeds[no_worse | worse]
    return float(decided[0]) if len(decided) else math.inf
