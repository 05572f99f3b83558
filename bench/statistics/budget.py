"""What a seed budget buys: how many seeds would decide, if the difference and the variances seen are the true ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from bench.statistics import student
from bench.statistics.comparing import MARGIN, Difference
from bench.statistics.student import Array
from bench.statistics.variance import LEVEL, degrees_of_freedom

Quantile = Callable[[float, Array], Array]

MOST_SEEDS = 1000
# The chance of a decision that a budget should buy.
POWER = 0.8
_AT_ONCE = 32


def seeds_to_decide(difference: Difference, tests: int = 1, margin: float = MARGIN) -> float:
    """The fewest seeds that reach a verdict other than undecided in 8 of 10 such experiments.

    inf where not even MOST_SEEDS would, since what the examples leave open no seed closes; nan with one seed, whose
    variance is unknown. `tests` is how many tasks Holm corrects for, taken at its most severe.
    """
    if not difference.seed_spread >= 0:
        return math.nan
    seeds = np.arange(2, MOST_SEEDS + 1)
    # The normal quantile is below every t's and costs nothing: where it does not decide, no t does.
    possible = seeds[_decided(difference, seeds, tests, margin, _normal)]
    for start in range(0, len(possible), _AT_ONCE):
        some = possible[start : start + _AT_ONCE]
        decided = some[_decided(difference, some, tests, margin, student.quantile)]
        if len(decided):
            return float(decided[0])
    return math.inf


def _decided(difference: Difference, seeds: Array, tests: int, margin: float, quantile: Quantile) -> Array:
    """Whether each number of seeds would decide."""
    of_seeds = difference.seed_spread**2 * difference.seeds / seeds
    parts = np.stack([of_seeds, np.full(len(seeds), difference.example_spread**2)], axis=-1)
    error = np.sqrt(parts.sum(axis=-1))
    df = degrees_of_freedom(
        parts / error[:, None] ** 2, np.stack([seeds - 1, np.full(len(seeds), difference.examples - 1)], axis=-1)
    )
    luck = NormalDist().inv_cdf(POWER)
    no_worse = difference.value + margin > (quantile(LEVEL, df) + luck) * error
    worse = -difference.value > (quantile(1 - (1 - LEVEL) / tests, df) + luck) * error
    decided: Array = no_worse | worse
    return decided


def _normal(level: float, df: Array) -> Array:
    return np.full(len(df), NormalDist().inv_cdf((1 + level) / 2))
