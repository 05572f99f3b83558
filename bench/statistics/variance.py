"""How far a mean difference would move with other seeds and another test set: two variances, one t statistic.

S seeds, B examples, K columns of evidence. Every seed answers every example: two crossed factors without replication.
With the gain g[s] of seed s on the whole test set and the influence h[s, b] of example b on it,

    V_seeds       = var(g) / S                                  which contains the interaction of seed and example
    V_interaction = sum((h - mean_s h)^2) / ((S - 1)(B - 1) S B)
    V_examples    = max(0, var_b(mean_s h) / B - V_interaction) which does not, lest it count twice

and the variance of the mean gain is V_seeds + V_examples. This is the analysis of readers crossed with cases in
diagnostic imaging (Obuchowski & Rockette, Commun. Statist. Simul. 24:285, 1995), with seeds as readers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.statistics import student
from bench.statistics.paired import Array, Paired, scores

LEVEL = 0.95
# The exponent of each variance's share in the degrees of freedom. Satterthwaite's (Biometrics Bull. 2:110, 1946) is 2:
# where three seeds agree by chance, V_seeds is tiny, nearly all degrees of freedom are the examples', and a difference
# that is not there is called in 8 % of cases instead of 5 %. 1.1 was chosen by simulation; `tox -e calibrate` measures.
_DF_EXPONENT = 1.1
# The infinitesimal jackknife weighs an example by 1 % more and less, where the jackknife leaves it out.
_WEIGHT_STEP = 0.01
# A variance below this is rounding. Answers that never differ do not tell how often others would.
_NO_VARIANCE = 1e-18

Effect = Callable[[Array, Array], Array]
"""What a gain is, as a function of the scores of the first arm and of the second."""


def difference(first: Array, second: Array) -> Array:
    """In score units."""
    return second - first


def relative_change(first: Array, second: Array) -> Array:
    """As a part of the first score; nan unless that is positive."""
    return (second - first) / np.where(first > 0, first, np.nan)


def error_reduction(first: Array, second: Array) -> Array:
    """As a part of the first arm's distance to a perfect score; nan where there is none."""
    return (second - first) / np.where(first < 1, 1 - first, np.nan)


@dataclass(frozen=True, slots=True)
class GainEstimate:
    """The gain of each seed [S], and the variance of their mean that the choice of examples causes, with its df."""

    gains: Array
    example_variance: float
    example_df: float

    @property
    def value(self) -> float:
        """The mean gain over seeds."""
        return float(self.gains.mean())

    @property
    def seed_variance(self) -> float:
        """The variance of the mean gain that the choice of seeds causes; nan (unknown) with one seed."""
        seeds = len(self.gains)
        return float(self.gains.var(ddof=1)) / seeds if seeds > 1 else float("nan")

    @property
    def error(self) -> float:
        """The standard error of the mean gain, of the examples alone with one seed; nan where nothing varies."""
        variance = sum(self._variances)
        return float(np.sqrt(variance)) if variance > _NO_VARIANCE else float("nan")

    @property
    def df(self) -> float:
        """The degrees of freedom of `error`; nan where nothing varies."""
        shares = np.array(self._variances) / self.error**2
        return float(degrees_of_freedom(shares, np.array([max(len(self.gains) - 1, 1), self.example_df])))

    @property
    def p(self) -> float:
        """Two-sided, of no gain."""
        return float(student.two_sided_p(self.value / self.error, self.df))

    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the mean gain; it excludes 0 exactly where p < 0.05."""
        half = float(student.quantile(LEVEL, self.df)) * self.error
        return self.value - half, self.value + half

    @property
    def _variances(self) -> tuple[float, float]:
        return self.seed_variance if len(self.gains) > 1 else 0.0, self.example_variance


def degrees_of_freedom(shares: Array, df: Array) -> Array:
    """Of a sum of variances, from each one's share of it and its own degrees of freedom, [..., parts] -> [...]."""
    found: Array = 1 / (shares**_DF_EXPONENT / df).sum(axis=-1)
    return found


def estimate(paired: Paired, effect: Effect = difference) -> GainEstimate:
    """The gain of a task; what is not defined is nan."""
    return crossed_estimate(*influences(paired, effect))


def influences(paired: Paired, effect: Effect = difference) -> tuple[Array, Array]:
    """The gain of each seed [S], and the influence of each example on it [S, B].

    The infinitesimal jackknife (Jaeckel, Bell Labs memorandum, 1972): B times the derivative of the gain by the weight
    of one example, here a central difference. Of a mean, the influence is the example's own gain minus the mean gain.
    """
    narrow = paired.narrowed()
    arms = (narrow.first, narrow.second)
    totals = [arm.sum(axis=1, keepdims=True) for arm in arms]
    gains = effect(*(scores(total, narrow) for total in totals))[:, 0]
    more, less = (
        effect(*(scores(total + step * arm, narrow) for total, arm in zip(totals, arms, strict=True)))
        for step in (_WEIGHT_STEP, -_WEIGHT_STEP)
    )
    return gains, paired.examples * (more - less) / (2 * _WEIGHT_STEP)


def crossed_estimate(gains: Array, influence: Array) -> GainEstimate:
    """The estimate from gains [S] and influences [S, B]; its variance is nan with one example."""
    seeds, examples = influence.shape
    if examples < 2:
        return GainEstimate(gains, float("nan"), 1)
    by_example = influence.mean(axis=0)
    of_examples = float(by_example.var(ddof=1)) / examples
    if seeds == 1:
        return GainEstimate(gains, of_examples, examples - 1)
    # In the two-way layout the residual also loses each seed's mean over examples. Here that is 0: a score is a ratio
    # of sums, which does not change when all examples weigh more, so the influences of a seed add up to 0.
    interaction = ((influence - by_example) ** 2).sum() / ((seeds - 1) * (examples - 1)) / (seeds * examples)
    return GainEstimate(gains, float(np.maximum(of_examples - interaction, 0.0)), examples - 1)


def mean_over_tasks(estimates: Sequence[GainEstimate]) -> GainEstimate:
    """The mean gain of tasks whose seeds are shared, since one multitask training answers all, and examples are not.

    So gains are averaged seed by seed, which keeps their covariance. The variances of examples add up, and 1 / df is
    the mean of theirs, weighted by variance: Satterthwaite's formula with exponent 1, which is more cautious than 2.
    """
    variances = np.array([one.example_variance for one in estimates]) / len(estimates) ** 2
    total = float(variances.sum())
    per_df = sum(float(variance) / one.example_df for variance, one in zip(variances, estimates, strict=True))
    gains = np.mean([one.gains for one in estimates], axis=0)
    return GainEstimate(gains, total, total / per_df if per_df > 0 else min(one.example_df for one in estimates))
