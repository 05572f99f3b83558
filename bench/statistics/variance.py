"""What another set of seeds and another test set would have changed: two variances, one t statistic.

Every seed answers every example, so the two are crossed. With g[s] the gain of seed s on the whole test set, and
h[s, b] the influence of example b on it (S seeds, B examples), the variance of the mean gain is the sum of

    var(g) / S                            from seeds, which holds what seed and example do together, and
    var(mean of h over seeds) / B - rest  from examples, where `rest` is that same interplay, lest it count twice.

This is the analysis of readers crossed with cases in diagnostic imaging (Obuchowski & Rockette, Commun. Statist. Simul.
24:285, 1995), with seeds as readers. Influence is the infinitesimal jackknife (Jaeckel, Bell Labs memorandum, 1972).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.statistics import student
from bench.statistics.paired import Array, Paired, scores

LEVEL = 0.95
# The exponent of each part's share of the variance in the degrees of freedom. Satterthwaite's (Biometrics Bull. 2:110,
# 1946) is 2: three seeds that agree by luck then leave the examples' many degrees of freedom, and a difference that is
# not there is called in 8 % of cases instead of 5 %. Chosen by simulation; `python -m bench calibrate` measures it.
_CAUTION = 1.1
# By which part of itself an example is weighed up and down to see what it does to the score.
_STEP = 0.01
# A variance below this is rounding. Answers that never differ do not tell how often others would.
_NONE = 1e-18

Effect = Callable[[Array, Array], Array]


def difference(first: Array, second: Array) -> Array:
    """In score units."""
    return second - first


def relative_change(first: Array, second: Array) -> Array:
    """As a part of the first score; nan unless that is positive."""
    return (second - first) / np.where(first > 0, first, np.nan)


def error_reduction(first: Array, second: Array) -> Array:
    """Which part of what the first arm lacked to a perfect score is gone; nan where it lacked nothing."""
    return (second - first) / np.where(first < 1, 1 - first, np.nan)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the second arm gains with each seed [S], and how much the choice of examples moves the mean of that."""

    gains: Array
    example_variance: float
    example_df: float

    @property
    def value(self) -> float:
        """The mean gain over seeds."""
        return float(self.gains.mean())

    @property
    def seed_variance(self) -> float:
        """How much the choice of seeds moves the mean gain; nan (unknown) with one seed."""
        seeds = len(self.gains)
        return float(self.gains.var(ddof=1)) / seeds if seeds > 1 else float("nan")

    @property
    def error(self) -> float:
        """The standard error of the mean gain, of the examples alone with one seed; nan where nothing varies."""
        variance = self._of_seeds + self.example_variance
        return float(np.sqrt(variance)) if variance > _NONE else float("nan")

    @property
    def df(self) -> float:
        """Of `error`; nan where nothing varies."""
        parts = np.array([self._of_seeds, self.example_variance]) / self.error**2
        return float(degrees_of_freedom(parts, np.array([max(len(self.gains) - 1, 1), self.example_df])))

    @property
    def p(self) -> float:
        """Two-sided, of no gain."""
        return float(student.two_sided_p(self.value / self.error, self.df))

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Excludes 0 exactly where p < 1 - level."""
        half = float(student.quantile(level, self.df)) * self.error
        return self.value - half, self.value + half

    @property
    def _of_seeds(self) -> float:
        return self.seed_variance if len(self.gains) > 1 else 0.0


def degrees_of_freedom(shares: Array, df: Array) -> Array:
    """Of a sum of variances, from each one's share of it and its own degrees of freedom, [..., parts] -> [...]."""
    found: Array = 1 / (shares**_CAUTION / df).sum(axis=-1)
    return found


def estimate(paired: Paired, effect: Effect = difference) -> Estimate:
    """The gain of a task, in the terms of `effect`; what is not defined is nan."""
    return estimate_of(*influences(paired, effect))


def influences(paired: Paired, effect: Effect = difference) -> tuple[Array, Array]:
    """The gain of each seed [S], and what each example contributes to it, beyond the mean example [S, B]."""
    narrow = paired.narrowed()
    arms = (narrow.first, narrow.second)
    totals = [arm.sum(axis=1, keepdims=True) for arm in arms]
    gains = effect(*(scores(total, narrow) for total in totals))[:, 0]
    more, less = (
        effect(*(scores(total + step * arm, narrow) for total, arm in zip(totals, arms, strict=True)))
        for step in (_STEP, -_STEP)
    )
    return gains, paired.examples * (more - less) / (2 * _STEP)


def estimate_of(gains: Array, influence: Array) -> Estimate:
    """The variance of the mean gain that examples cause in all seeds alike; nan with one example."""
    seeds, examples = influence.shape
    if examples < 2:
        return Estimate(gains, float("nan"), 1)
    by_example = influence.mean(axis=0)
    seen = float(by_example.var(ddof=1)) / examples
    if seeds == 1:
        return Estimate(gains, seen, examples - 1)
    # No need to take out the seeds' own means: no score changes when all examples weigh more.
    rest = ((influence - by_example) ** 2).sum() / ((seeds - 1) * (examples - 1)) / (seeds * examples)
    return Estimate(gains, float(np.maximum(seen - rest, 0.0)), examples - 1)


def mean_over_tasks(estimates: Sequence[Estimate]) -> Estimate:
    """The mean gain: a seed is shared between tasks, since one multitask training answers all; examples are not."""
    variances = np.array([one.example_variance for one in estimates]) / len(estimates) ** 2
    total = float(variances.sum())
    lost = sum(float(variance) / one.example_df for variance, one in zip(variances, estimates, strict=True))
    gains = np.mean([one.gains for one in estimates], axis=0)
    return Estimate(gains, total, total / lost if lost > 0 else min(one.example_df for one in estimates))
