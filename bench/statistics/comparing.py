"""Is the difference real? An interval, p-value and verdict for each task and their mean, and the seeds that decide."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from bench.statistics import student
from bench.statistics.paired import Array, Paired
from bench.statistics.variance import LEVEL, GainEstimate, degrees_of_freedom, estimate, mean_over_tasks

MARGIN = 0.01  # one point: what a clinic would hardly notice, and the scale on which the papers differ

MOST_SEEDS, POWER = 1000, 0.8
"""The most seeds that are looked at, and the probability of a decision, for the seeds that would decide."""

BETTER, WORSE, UNDECIDED = "better", "worse", "undecided"


@dataclass(frozen=True, slots=True)
class Difference:
    """Second arm minus first, in score units (0.01 is a point); nan where it is not defined or not known.

    `seed_spread` and `example_spread` are the standard deviations of `value` that the choice of seeds and of examples
    causes; the first is unknown with one seed, and then `low`, `high` and `p` speak of these trained models alone.
    `p` is corrected by Holm over the tasks; that of their mean is a single test.
    """

    name: str
    value: float
    low: float
    high: float
    p: float
    seeds: int
    examples: int
    seed_spread: float = math.nan
    example_spread: float = math.nan


def compare(pairs: Sequence[Paired]) -> tuple[list[Difference], Difference | None]:
    """The difference of each task, p-values corrected over all of them, and of their mean.

    The mean is None below two tasks, and where tasks have other numbers of seeds.
    """
    estimates = [estimate(paired) for paired in pairs]
    p_values = holm([one.p for one in estimates])
    each = [
        _difference(paired.name, one, p, paired.examples)
        for paired, one, p in zip(pairs, estimates, p_values, strict=True)
    ]
    if len(each) < 2 or len({paired.seeds for paired in pairs}) > 1:
        return each, None
    mean = mean_over_tasks(estimates)
    return each, _difference("mean", mean, mean.p, sum(paired.examples for paired in pairs))


def _difference(name: str, one: GainEstimate, p: float, examples: int) -> Difference:
    spreads = np.sqrt(one.seed_variance), np.sqrt(one.example_variance)
    return Difference(name, one.value, *one.interval(), p, len(one.gains), examples, *map(float, spreads))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (Scand. J. Statist. 6:65, 1979); undefined values stay so and are not counted."""
    known = sorted((p, index) for index, p in enumerate(p_values) if np.isfinite(p))
    corrected, highest = [math.nan] * len(p_values), 0.0
    for rank, (p, index) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - rank)))
        corrected[index] = highest
    return corrected


def verdict(difference: Difference, margin: float = MARGIN) -> str:
    """better, no worse than the margin (non-inferiority), worse or undecided, which is all that is not defined.

    better and worse need the interval and the corrected p-value.
    """
    significant = difference.p < 1 - LEVEL
    if difference.low > 0 and significant:
        return BETTER
    if difference.low > -margin:
        points = f"{100 * margin:g}"
        return f"no worse than {points} point{'' if points == '1' else 's'}"
    return WORSE if difference.high < 0 and significant else UNDECIDED


Quantile = Callable[[float, Array], Array | float]


def seeds_to_decide(difference: Difference, tests: int = 1) -> float:
    """The fewest seeds that decide in 8 of 10 such experiments, if difference and variances are the true ones.

    inf where not even MOST_SEEDS would, since no number of seeds makes V_examples smaller; nan with one seed, whose
    variance is unknown. `tests` is how many tasks Holm corrects for, taken at its most severe.
    """
    if not difference.seed_spread >= 0:
        return math.nan
    seeds = np.arange(2, MOST_SEEDS + 1)
    # The normal quantile is below every t's and costs nothing: where it does not decide, no t does.
    possible = seeds[_decides(difference, seeds, tests, lambda level, _: NormalDist().inv_cdf((1 + level) / 2))]
    for some in np.split(possible, range(32, len(possible), 32)):
        deciding = some[_decides(difference, some, tests, student.quantile)]
        if len(deciding):
            return float(deciding[0])
    return math.inf


def _decides(difference: Difference, seeds: Array, tests: int, quantile: Quantile) -> Array:
    """Whether each number of seeds n would decide with probability POWER: the power analysis of both tests.

    V_seeds of n seeds is V_seeds of S seeds times S / n; V_examples stays. A test decides with that probability where
    the distance to its bound exceeds (t + z) standard errors: t is its own quantile, z the normal one of POWER.
    """
    of_seeds = difference.seed_spread**2 * difference.seeds / seeds
    variances = np.stack([of_seeds, np.full(len(seeds), difference.example_spread**2)], axis=-1)
    error = np.sqrt(variances.sum(axis=-1))
    own_df = np.stack([seeds - 1, np.full(len(seeds), difference.examples - 1)], axis=-1)
    # Without any spread the shares do not matter, since no quantile does.
    shares = np.divide(variances, error[:, None] ** 2, out=np.full_like(variances, 0.5), where=error[:, None] > 0)
    df = degrees_of_freedom(shares, own_df)
    z = NormalDist().inv_cdf(POWER)
    no_worse = difference.value + MARGIN > (quantile(LEVEL, df) + z) * error
    worse = -difference.value > (quantile(1 - (1 - LEVEL) / tests, df) + z) * error
    decides: Array = no_worse | worse
    return decides
