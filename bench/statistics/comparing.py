"""Is the difference real? One interval, p-value and verdict for each task, and for their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.statistics.paired import Paired
from bench.statistics.variance import LEVEL, GainEstimate, estimate, mean_over_tasks

MARGIN = 0.01  # one point: what a clinic would hardly notice, and the scale on which the papers differ

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
    seed_spread: float = float("nan")
    example_spread: float = float("nan")


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
    corrected, highest = [float("nan")] * len(p_values), 0.0
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
