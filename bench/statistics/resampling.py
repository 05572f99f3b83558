"""Hierarchical bootstrap and approximate randomisation of paired evidence: what the field prints, beside the t.

S seeds, B examples, K columns of evidence, R resamples. Examples are crossed with seeds, not nested in them: every seed
answers the same test set. So one resample draws seeds and examples with replacement, and takes both draws in both arms
(Davison & Hinkley 1997, 3.8; Berg-Kirkpatrick et al. 2012). A score is a function of column sums, so a resample is how
often each example was drawn, and the sums of many resamples are one matrix product, [R, B] @ [B, 2 S K].
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.statistics.paired import Array, Paired, scores, seed_differences
from bench.statistics.variance import LEVEL

RESAMPLES = 10_000

# Counts are drawn in slabs of this many numbers (16 MB), so that memory does not grow with R times B.
_SLAB = 2_000_000
# A resample may be undefined (Pearson of constant scores). More than this share of them, and no interval is given.
_UNDEFINED_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Resampled:
    """The percentile interval of the bootstrap, in score units, and the p-value of randomisation, uncorrected."""

    low: float
    high: float
    p: float


def resample(pairs: Sequence[Paired], resamples: int = RESAMPLES) -> tuple[list[Resampled], Resampled | None]:
    """Each task, and the mean over tasks (None below two): its resamples are the means of theirs; it has no p."""
    draws = [bootstrap(paired, resamples) for paired in pairs]
    each = [
        Resampled(*interval(drawn), randomisation(paired, resamples))
        for paired, drawn in zip(pairs, draws, strict=True)
    ]
    mean = Resampled(*interval(np.mean(draws, axis=0)), float("nan")) if len(pairs) > 1 else None
    return each, mean


def bootstrap(paired: Paired, resamples: int = RESAMPLES) -> Array:
    """The mean difference over seeds in each resample of seeds and examples, [R]."""
    narrow = paired.narrowed()
    flat = np.concatenate([_by_example(arm) for arm in (narrow.first, narrow.second)], axis=1)
    rng, shape = _rng(f"examples:{paired.name}"), (2, paired.seeds, len(narrow.columns))
    by_seed = []
    for rows in _slabs(resamples, max(flat.shape)):
        totals = (_counts(rng, rows, paired.examples) @ flat).reshape(rows, *shape)
        values = scores(totals, narrow)
        by_seed.append(values[:, 1] - values[:, 0])
    # One multitask training answers all tasks, so all tasks share the draws of seeds: their mean keeps the covariance.
    weights = _counts(_rng(f"seeds:{paired.seeds}"), resamples, paired.seeds) / paired.seeds
    differences: Array = (np.concatenate(by_seed) * weights).sum(axis=1)
    return differences


def interval(draws: Array) -> tuple[float, float]:
    """The 95 % percentile interval of bootstrap draws; (nan, nan) where too many of them are undefined."""
    defined = draws[np.isfinite(draws)]
    if not defined.size or defined.size < (1 - _UNDEFINED_SHARE) * draws.size:
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def randomisation(paired: Paired, resamples: int = RESAMPLES) -> float:
    """The two-sided p-value of swapping the arms' answers, each example with probability 1/2; nan if undefined.

    One coin swaps an example in every seed at once, since an example that is hard is hard in all of them (Noreen 1989;
    Yeh 2000). The test speaks of these trained models alone: it does not know how far another seed would lie.
    """
    narrow = paired.narrowed()
    observed = abs(float(seed_differences(narrow).mean()))
    if not np.isfinite(observed):
        return float("nan")
    swap = _by_example(narrow.second - narrow.first)
    first, second = narrow.first.sum(axis=1), narrow.second.sum(axis=1)
    rng, at_least = _rng(f"coins:{paired.name}"), 0
    for rows in _slabs(resamples, max(swap.shape)):
        coins = rng.integers(0, 2, size=(rows, paired.examples), dtype=np.int8)
        moved = (coins.astype(float) @ swap).reshape(rows, *first.shape)
        swapped = np.abs((scores(second - moved, narrow) - scores(first + moved, narrow)).mean(axis=1))
        # An undefined swap counts against the difference, and so does one that is equal but for rounding.
        at_least += int(np.sum(~(swapped < observed - 1e-12)))
    return (at_least + 1) / (resamples + 1)


def _rng(purpose: str) -> np.random.Generator:
    """A named random stream: a task's draws do not depend on which other tasks are reported."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "big"))


def _counts(rng: np.random.Generator, rows: int, of: int) -> Array:
    """How often each of `of` things is drawn in `of` draws with replacement, [rows, of]."""
    # Each row draws numbers of its own range, so that one bincount counts all rows.
    picks = rng.integers(0, of, size=(rows, of)) + of * np.arange(rows)[:, None]
    return np.bincount(picks.ravel(), minlength=rows * of).reshape(rows, of).astype(float)


def _slabs(resamples: int, width: int) -> Iterator[int]:
    """Row counts that add up to `resamples`, each slab holding about _SLAB numbers."""
    size = max(1, _SLAB // max(width, 1))
    for start in range(0, resamples, size):
        yield min(size, resamples - start)


def _by_example(arm: Array) -> Array:
    """[S, B, K] -> [B, S * K]."""
    return arm.transpose(1, 0, 2).reshape(arm.shape[1], -1)
