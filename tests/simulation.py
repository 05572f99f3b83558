"""Simulated evidence of two arms whose true difference is known: the statistics are calibrated on it.

The quality of an answer is a logit, the sum of: how hard the example is (the same in every training), how hard it is
for that arm, what this one training makes of it, how well the training went (the luck of its seed), and the arm's gain.
S seeds, B examples, K columns of evidence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from bench.statistics.paired import Paired
from tasks.core.metrics.formulas import FORMULAS

Rng = np.random.Generator

# Mentions in a document of common length, label by label: from some in every paragraph to some in every other document.
_MENTIONS = np.array([6.0, 4.0, 2.5, 1.5, 0.8, 0.4])
# Micro-averages do not look at labels, and are spared them.
_ALL_MENTIONS = _MENTIONS.sum(keepdims=True)
# Standard deviation of the logarithm of a document's length.
_LENGTH_SPREAD = 0.6
# The part of the variance of a multitask training's luck that all of its tasks share.
_SHARED_LUCK = 0.5
# How the score follows quality is measured on this many examples, at these shifts of the logit.
_POPULATION = 50_000
_SHIFTS = np.linspace(-0.6, 0.6, 13)


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations of how hard an example is: in all trainings, for an arm, and in one training."""

    example: float
    arm: float
    training: float


@dataclass(frozen=True)
class SimulatedKind:
    """How the evidence of a formula is simulated: `answer` turns ease and quality [..., B] into rows [..., B, K]."""

    formula: str
    columns: tuple[str, ...]
    answer: Callable[[Rng, np.ndarray, np.ndarray], np.ndarray]
    quality: float
    spread: Spread

    def evidence(self, rng: Rng, shift: np.ndarray, examples: int) -> np.ndarray:
        """Rows [2, S, B, K] of two arms whose trainings are shifted in quality by [2, S]."""
        arms, seeds = shift.shape
        ease = self.spread.example * rng.normal(size=examples)
        ease = ease + self.spread.arm * rng.normal(size=(arms, 1, examples))
        ease = ease + self.spread.training * rng.normal(size=(arms, seeds, examples))
        return self.answer(rng, ease, np.broadcast_to(self.quality + shift[..., None], ease.shape))

    @cached_property
    def curve(self) -> np.polynomial.Polynomial:
        """The score on unlimited examples, by the shift of quality."""
        rows = self.evidence(np.random.default_rng(0), np.stack([_SHIFTS, _SHIFTS]), _POPULATION)
        measured = FORMULAS[self.formula](rows.sum(axis=2), self.columns).mean(axis=0)
        return np.polynomial.Polynomial.fit(_SHIFTS, measured, 3)

    @property
    def slope(self) -> float:
        """Score units per unit of quality."""
        return float(self.curve.deriv()(0.0))


def _chance(logits: np.ndarray) -> np.ndarray:
    chance: np.ndarray = 1 / (1 + np.exp(-logits))
    return chance


def _gold(rng: Rng, examples: int, mentions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mentions in each document, the same for every training, and how many its length lets one expect: [B, labels]."""
    expected = mentions * np.exp(_LENGTH_SPREAD * rng.normal(size=(examples, 1)))
    return rng.poisson(expected), expected


def _spans(mentions: np.ndarray, rng: Rng, ease: np.ndarray, quality: np.ndarray) -> np.ndarray:
    chance = _chance(quality + ease)[..., None]
    gold, expected = _gold(rng, ease.shape[-1], mentions)
    true = rng.binomial(*np.broadcast_arrays(gold, chance))
    false = rng.poisson(expected * (1 - chance))
    return np.stack([true, false, gold - true], axis=-1).reshape(*ease.shape, -1).astype(float)


def _overlaps(rng: Rng, ease: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """Gold found and answers right are counted apart: some wrong answers touch a mention that was found."""
    chance = _chance(quality + ease)
    gold, expected = (side[:, 0] for side in _gold(rng, ease.shape[-1], _ALL_MENTIONS))
    found = rng.binomial(*np.broadcast_arrays(gold, chance))
    wrong = rng.poisson(expected * (1 - chance))
    right = found + rng.binomial(wrong, 0.2)
    return np.stack(np.broadcast_arrays(found, gold, right, found + wrong), axis=-1).astype(float)


def _classes(rng: Rng, ease: np.ndarray, quality: np.ndarray) -> np.ndarray:
    right = rng.random(ease.shape) < _chance(quality + ease)
    return np.stack([right, np.ones(ease.shape)], axis=-1).astype(float)


def _similarities(rng: Rng, ease: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """Gold scores from 0 to 5; what was ease is the error here, and quality makes it smaller."""
    x = np.broadcast_to(rng.uniform(0, 5, size=ease.shape[-1]), ease.shape)
    y = x + ease * np.exp(-quality)
    return np.stack([np.ones(x.shape), x, y, x * x, y * y, x * y], axis=-1)


def _span_kind(formula: str, mentions: np.ndarray) -> SimulatedKind:
    columns = tuple(f"{label}:{role}" for label in range(len(mentions)) for role in ("tp", "fp", "fn"))
    return SimulatedKind(formula, columns, partial(_spans, mentions), 1.6, _SPAN_SPREAD)


_SPAN_SPREAD = Spread(0.8, 0.3, 0.3)
KINDS = {
    kind.formula: kind
    for kind in (
        _span_kind("micro_f1", _ALL_MENTIONS),
        _span_kind("macro_f1", _MENTIONS),
        SimulatedKind("two_sided_f1", ("found", "gold", "right", "answered"), _overlaps, 1.6, _SPAN_SPREAD),
        SimulatedKind("proportion", ("correct", "count"), _classes, 2.2, Spread(2.5, 0.8, 0.5)),
        SimulatedKind("pearson", ("n", "x", "y", "xx", "yy", "xy"), _similarities, 0.0, Spread(0.6, 0.5, 0.4)),
    )
}


@dataclass(frozen=True, slots=True)
class Truth:
    """The truth of a simulated world, in score units: how far trainings of an arm differ, what the second gains."""

    seed_spread: float
    gain: float


def draw(rng: Rng, formulas: tuple[str, ...], sizes: tuple[int, int], truth: Truth) -> list[Paired]:
    """One experiment of `sizes` = seeds and examples: a task for each formula, answered by the same trainings."""
    seeds, examples = sizes
    shared = rng.normal(size=seeds)
    pairs = []
    for number, formula in enumerate(formulas):
        kind = KINDS[formula]
        luck = rng.normal(size=(2, seeds))
        # The second arm is the multitask one; a task alone is a single training, whose luck is its own.
        if len(formulas) > 1:
            luck[1] = np.sqrt(_SHARED_LUCK) * shared + np.sqrt(1 - _SHARED_LUCK) * luck[1]
        shift = (truth.seed_spread * luck + [[0.0], [truth.gain]]) / kind.slope
        rows = kind.evidence(rng, shift, examples)
        pairs.append(Paired(f"{formula}-{number}", rows[0], rows[1], formula, kind.columns))
    return pairs


def true_gain(formula: str, truth: Truth) -> float:
    """The mean gain over all seeds on unlimited examples: `truth.gain`, but for the bend of the score's curve."""
    kind = KINDS[formula]
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    luck = truth.seed_spread / kind.slope * nodes
    gains = kind.curve(luck + truth.gain / kind.slope) - kind.curve(luck)
    return float(gains @ weights / weights.sum())
