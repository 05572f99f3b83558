"""Made-up evidence of two arms whose true difference is known: what the statistics are calibrated on.

How well an answer goes adds up, as a logit, from: how hard the example is (the same in every training), how hard it is
for that arm, what this one training makes of it, how well the training went (the luck of its seed), and the arm's gain.
S seeds, B examples, K columns of evidence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from bench.statistics.paired import Array, Paired
from tasks.core.metrics.formulas import FORMULAS

Stream = np.random.Generator

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
class Kind:
    """How the evidence of a formula comes about: `answer` turns ease and quality [..., B] into rows [..., B, K]."""

    formula: str
    columns: tuple[str, ...]
    answer: Callable[[Stream, Array, Array], Array]
    quality: float
    spread: Spread

    def evidence(self, stream: Stream, shift: Array, examples: int) -> Array:
        """Rows [2, S, B, K] of two arms whose trainings are shifted in quality by [2, S]."""
        arms, seeds = shift.shape
        ease = self.spread.example * stream.normal(size=examples)
        ease = ease + self.spread.arm * stream.normal(size=(arms, 1, examples))
        ease = ease + self.spread.training * stream.normal(size=(arms, seeds, examples))
        return self.answer(stream, ease, np.broadcast_to(self.quality + shift[..., None], ease.shape))

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


def _chance(logits: Array) -> Array:
    chance: Array = 1 / (1 + np.exp(-logits))
    return chance


def _gold(stream: Stream, examples: int, mentions: Array) -> tuple[Array, Array]:
    """Mentions in each document, the same for every training, and how many its length lets one expect: [B, labels]."""
    expected = mentions * np.exp(_LENGTH_SPREAD * stream.normal(size=(examples, 1)))
    return stream.poisson(expected), expected


def _spans(mentions: Array, stream: Stream, ease: Array, quality: Array) -> Array:
    chance = _chance(quality + ease)[..., None]
    gold, expected = _gold(stream, ease.shape[-1], mentions)
    true = stream.binomial(*np.broadcast_arrays(gold, chance))
    false = stream.poisson(expected * (1 - chance))
    return np.stack([true, false, gold - true], axis=-1).reshape(*ease.shape, -1).astype(float)


def _overlaps(stream: Stream, ease: Array, quality: Array) -> Array:
    """Gold found and answers right are counted apart: some wrong answers touch a mention that was found."""
    chance = _chance(quality + ease)
    gold, expected = (side[:, 0] for side in _gold(stream, ease.shape[-1], _ALL_MENTIONS))
    found = stream.binomial(*np.broadcast_arrays(gold, chance))
    wrong = stream.poisson(expected * (1 - chance))
    right = found + stream.binomial(wrong, 0.2)
    return np.stack(np.broadcast_arrays(found, gold, right, found + wrong), axis=-1).astype(float)


def _classes(stream: Stream, ease: Array, quality: Array) -> Array:
    right = stream.random(ease.shape) < _chance(quality + ease)
    return np.stack([right, np.ones(ease.shape)], axis=-1).astype(float)


def _similarities(stream: Stream, ease: Array, quality: Array) -> Array:
    """Gold scores from 0 to 5; what was ease is the error here, and quality makes it smaller."""
    x = np.broadcast_to(stream.uniform(0, 5, size=ease.shape[-1]), ease.shape)
    y = x + ease * np.exp(-quality)
    return np.stack([np.ones(x.shape), x, y, x * x, y * y, x * y], axis=-1)


def _span_kind(formula: str, mentions: Array) -> Kind:
    columns = tuple(f"{label}:{role}" for label in range(len(mentions)) for role in ("tp", "fp", "fn"))
    return Kind(formula, columns, partial(_spans, mentions), 1.6, _SPAN_SPREAD)


_SPAN_SPREAD = Spread(0.8, 0.3, 0.3)
KINDS = {
    kind.formula: kind
    for kind in (
        _span_kind("micro_f1", _ALL_MENTIONS),
        _span_kind("macro_f1", _MENTIONS),
        Kind("two_sided_f1", ("found", "gold", "right", "answered"), _overlaps, 1.6, _SPAN_SPREAD),
        Kind("proportion", ("correct", "count"), _classes, 2.2, Spread(2.5, 0.8, 0.5)),
        Kind("pearson", ("n", "x", "y", "xx", "yy", "xy"), _similarities, 0.0, Spread(0.6, 0.5, 0.4)),
    )
}


@dataclass(frozen=True, slots=True)
class Truth:
    """What is so in a simulated world, in score units: how far trainings of an arm differ, what the second gains."""

    seed_spread: float
    gain: float


def draw(stream: Stream, formulas: tuple[str, ...], sizes: tuple[int, int], truth: Truth) -> list[Paired]:
    """One experiment of `sizes` = seeds and examples: a task for each formula, answered by the same trainings."""
    seeds, examples = sizes
    shared = stream.normal(size=seeds)
    pairs = []
    for place, formula in enumerate(formulas):
        kind = KINDS[formula]
        luck = stream.normal(size=(2, seeds))
        # The second arm is the multitask one; a task alone is a single training, whose luck is its own.
        if len(formulas) > 1:
            luck[1] = np.sqrt(_SHARED_LUCK) * shared + np.sqrt(1 - _SHARED_LUCK) * luck[1]
        shift = (truth.seed_spread * luck + [[0.0], [truth.gain]]) / kind.slope
        rows = kind.evidence(stream, shift, examples)
        pairs.append(Paired(f"{formula}-{place}", rows[0], rows[1], formula, kind.columns))
    return pairs


def true_gain(formula: str, truth: Truth) -> float:
    """The mean gain over all seeds on unlimited examples: `truth.gain`, but for the bend of the score's curve."""
    kind = KINDS[formula]
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    luck = truth.seed_spread / kind.slope * nodes
    gains = kind.curve(luck + truth.gain / kind.slope) - kind.curve(luck)
    return float(gains @ weights / weights.sum())
