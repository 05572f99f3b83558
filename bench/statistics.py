"""Is a difference real? Bootstrap, paired randomisation, multiplicity and margins, on stored evidence alone.

S seeds, B examples, K columns of evidence, R resamples. Examples are crossed with seeds, not nested in them: every seed
answers the same test set. So one draw picks seeds and examples with replacement and uses both picks in both arms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.formulas import FORMULAS

RESAMPLES = 10_000
LEVEL = 0.95
MARGIN = 0.01  # one point: what a clinic would hardly notice, and the scale on which the papers differ

# Draws are made in slabs of this many numbers (32 MB), so that memory does not grow with resamples times examples.
_SLAB = 4_000_000
# A draw may be undefined (Pearson of a constant resample). More than this share of them, and no interval is given.
_UNDEFINED_SHARE = 0.01

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Paired:
    """The evidence of two arms for one task, [S, B, K] each: same seeds, same examples, same order."""

    name: str
    first: Array
    second: Array
    formula: str
    columns: tuple[str, ...]

    @property
    def seeds(self) -> int:
        """How many trainings stand behind each arm."""
        return int(self.first.shape[0])

    @property
    def examples(self) -> int:
        """How many documents or pairs were answered."""
        return int(self.first.shape[1])


@dataclass(frozen=True, slots=True)
class Difference:
    """Second arm minus first, in score units (0.01 is a point); nan where it is not defined.

    `p` is corrected by Holm when it comes from `compare`, and is nan for a mean over tasks.
    """

    name: str
    value: float
    low: float
    high: float
    p: float
    seeds: int
    examples: int


def scores(totals: Array, paired: Paired) -> Array:
    """The score of each total row, [..., K] -> [...]."""
    return FORMULAS[paired.formula](totals, paired.columns)


def seed_differences(paired: Paired) -> Array:
    """Second minus first for each seed, [S]."""
    return scores(paired.second.sum(axis=1), paired) - scores(paired.first.sum(axis=1), paired)


def _stream(purpose: str) -> np.random.Generator:
    """A named stream, so that a task's draws do not depend on which other tasks are reported."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "big"))


def _counts(stream: np.random.Generator, rows: int, of: int) -> Array:
    """How often each of `of` things is drawn in `of` draws with replacement, [rows, of]."""
    picks = stream.integers(0, of, size=(rows, of)) + of * np.arange(rows)[:, None]
    return np.bincount(picks.ravel(), minlength=rows * of).reshape(rows, of).astype(float)


def _slabs(resamples: int, width: int) -> Iterator[int]:
    """Row counts that add up to `resamples`, each slab holding about _SLAB numbers."""
    size = max(1, _SLAB // max(width, 1))
    for start in range(0, resamples, size):
        yield min(size, resamples - start)


def bootstrap(paired: Paired, resamples: int = RESAMPLES) -> Array:
    """Draws of the mean difference over seeds, seeds and examples both resampled, [R]."""
    examples, width = paired.examples, paired.seeds * len(paired.columns)
    arms = (paired.first, paired.second)
    flat = np.concatenate([arm.transpose(1, 0, 2).reshape(examples, width) for arm in arms], axis=1)
    stream, shape = _stream(f"examples:{paired.name}"), (2, paired.seeds, len(paired.columns))
    drawn = []
    for rows in _slabs(resamples, max(examples, 2 * width)):
        totals = (_counts(stream, rows, examples) @ flat).reshape(rows, *shape)
        values = scores(totals, paired)
        drawn.append(values[:, 1] - values[:, 0])
    # One multitask training answers all tasks, so the pick of seeds is shared between tasks.
    weights = _counts(_stream(f"seeds:{paired.seeds}"), resamples, paired.seeds) / paired.seeds
    draws: Array = (np.concatenate(drawn) * weights).sum(axis=1)
    return draws


def interval(draws: Array, level: float = LEVEL) -> tuple[float, float]:
    """The percentile interval of bootstrap draws; (nan, nan) where too many of them are undefined."""
    defined = draws[np.isfinite(draws)]
    if not defined.size or defined.size < (1 - _UNDEFINED_SHARE) * draws.size:
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def randomisation(paired: Paired, resamples: int = RESAMPLES) -> float:
    """The two-sided p-value of swapping the arms' answers at random, one coin for each example; nan if undefined.

    A coin swaps an example in every seed at once, since what is hard about a document is hard in all of them. The test
    is about these trained models: it does not know how much another seed would have changed them.
    """
    observed = abs(float(seed_differences(paired).mean()))
    if not np.isfinite(observed):
        return float("nan")
    examples, width = paired.examples, paired.seeds * len(paired.columns)
    swap = (paired.second - paired.first).transpose(1, 0, 2).reshape(examples, width)
    first, second = paired.first.sum(axis=1), paired.second.sum(axis=1)
    stream, at_least = _stream(f"coins:{paired.name}"), 0
    for rows in _slabs(resamples, max(examples, 2 * width)):
        moved = (stream.integers(0, 2, size=(rows, examples)).astype(float) @ swap).reshape(rows, *first.shape)
        swapped = np.abs((scores(second - moved, paired) - scores(first + moved, paired)).mean(axis=1))
        # An undefined swap counts against the difference, and so does rounding.
        at_least += int(np.sum(~(swapped < observed - 1e-12)))
    return (at_least + 1) / (resamples + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (Scand. J. Statist. 6:65, 1979); undefined values stay so and are not counted."""
    known = sorted((p, place) for place, p in enumerate(p_values) if np.isfinite(p))
    corrected, highest = [float("nan")] * len(p_values), 0.0
    for rank, (p, place) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - rank)))
        corrected[place] = highest
    return corrected


def compare(pairs: Sequence[Paired], resamples: int = RESAMPLES) -> tuple[list[Difference], Difference | None]:
    """The difference of each task, p-values corrected over all of them, and of their mean (None below two tasks)."""
    draws = [bootstrap(paired, resamples) for paired in pairs]
    p_values = holm([randomisation(paired, resamples) for paired in pairs])
    each = [
        Difference(
            paired.name, float(seed_differences(paired).mean()), *interval(drawn), p, paired.seeds, paired.examples
        )
        for paired, drawn, p in zip(pairs, draws, p_values, strict=True)
    ]
    if len(each) < 2:
        return each, None
    value = float(np.mean([difference.value for difference in each]))
    seeds = min(difference.seeds for difference in each)
    examples = sum(difference.examples for difference in each)
    return each, Difference("mean", value, *interval(np.mean(draws, axis=0)), float("nan"), seeds, examples)


def verdict(difference: Difference, margin: float = MARGIN, level: float = LEVEL) -> str:
    """better, no worse (than the margin), worse or undecided; better and worse need the p-value's consent too.

    A mean over tasks has no p-value: its interval decides alone. Written so that anything undefined is undecided.
    """
    agreed = np.isnan(difference.p) or difference.p < 1 - level
    if difference.low > 0 and agreed:
        return "better"
    if difference.low > -margin:
        return "no worse"
    return "worse" if difference.high < 0 and agreed else "undecided"
