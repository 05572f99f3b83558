"""Do the statistics keep what they promise? Type I error, coverage, width and power on simulated experiments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.statistics import student
from bench.statistics.calibrated import GAIN, MEAN, Cell
from bench.statistics.paired import Array, Paired
from bench.statistics.resampling import bootstrap, interval, randomisation
from bench.statistics.simulation import KINDS, Truth, draw, true_gain
from bench.statistics.variance import LEVEL, Estimate, estimate_of, influences, mean_over_tasks

SEEDS = (1, 2, 3, 5)
SEED_SPREADS = (0.0, 0.005, 0.015)
_EIGHT = ("micro_f1",) * 5 + ("proportion",) * 2 + ("pearson",)
# The methods that resample are slow and here for comparison: fewer repetitions, fewer resamples.
_RESAMPLED_SEEDS = (3, 5)
_RESAMPLED_PART = 5
_RESAMPLES = 500


@dataclass(frozen=True, slots=True)
class World:
    """One simulated world: a metric kind, a test set's size and how far trainings differ (score units)."""

    formula: str
    examples: int
    seed_spread: float

    @property
    def formulas(self) -> tuple[str, ...]:
        """The tasks that one experiment answers."""
        return _EIGHT if self.formula == MEAN else (self.formula,)


def worlds() -> list[World]:
    """The grid: spans are scored by document, 20 or 500; pairs are 20 or 300."""
    sizes = {name: (20, 300) if name in ("proportion", "pearson") else (20, 500) for name in (*KINDS, MEAN)}
    return [World(name, examples, spread) for name in sizes for examples in sizes[name] for spread in SEED_SPREADS]


def calibrate(repetitions: int, tell: Callable[[World], None]) -> list[Cell]:
    """Every cell of the grid; `tell` hears which world comes next."""
    cells: list[Cell] = []
    for world in worlds():
        tell(world)
        cells += measure(world, repetitions)
    return cells


def measure(world: World, repetitions: int) -> list[Cell]:
    """A cell for each number of seeds: experiments of the most seeds, of which the first few are looked at too."""
    stream = np.random.default_rng([world.examples, round(1e4 * world.seed_spread), sum(map(ord, world.formula))])
    null = _Outcomes(world, Truth(world.seed_spread, 0.0), repetitions, stream)
    gain = _Outcomes(world, Truth(world.seed_spread, GAIN), repetitions, stream)
    truth = float(np.mean([true_gain(formula, gain.truth) for formula in world.formulas]))
    resampled = null.resampled()
    return [
        Cell(
            world.formula, world.examples, seeds, world.seed_spread, repetitions,
            type_one=_share(null.p(place, 0.0) < 1 - LEVEL), coverage=_share(gain.p(place, truth) >= 1 - LEVEL),
            width=float(np.nanmean(gain.widths(place))), power=_share(gain.p(place, 0.0) < 1 - LEVEL),
            bootstrap_type_one=resampled[seeds][0] if seeds in resampled else None,
            randomisation_type_one=resampled[seeds][1] if seeds in resampled else None,
        )
        for place, seeds in enumerate(SEEDS)
    ]  # fmt: skip


def _share(cases: Array) -> float:
    return float(np.mean(cases))


class _Outcomes:
    """What repeated experiments of one world came to: value, error and degrees of freedom, [N, len(SEEDS)] each."""

    def __init__(self, world: World, truth: Truth, repetitions: int, stream: np.random.Generator) -> None:
        self.truth = truth
        self._experiments: list[list[Paired]] = []
        rows = []
        for repetition in range(repetitions):
            pairs = draw(stream, world.formulas, (max(SEEDS), world.examples), truth)
            known = [influences(paired) for paired in pairs]
            rows.append([_figures([estimate_of(gains[:s], own[:s]) for gains, own in known]) for s in SEEDS])
            # A fifth is kept for the methods that resample, which know no mean's p-value.
            if repetition % _RESAMPLED_PART == 0 and len(pairs) == 1:
                self._experiments.append(pairs)
        self._value, self._error, self._df = np.array(rows).transpose(2, 0, 1)

    def p(self, place: int, true: float) -> Array:
        """The p-values of this true gain; nan where nothing varied, which is neither a call nor a cover."""
        return student.two_sided_p((self._value[:, place] - true) / self._error[:, place], self._df[:, place])

    def widths(self, place: int) -> Array:
        """How wide the 95 % intervals are."""
        widths: Array = 2 * self._error[:, place] * student.quantile(LEVEL, self._df[:, place])
        return widths

    def resampled(self) -> dict[int, tuple[float, float]]:
        """How often bootstrap and randomisation call a difference, by number of seeds."""
        found = {}
        for seeds in _RESAMPLED_SEEDS if self._experiments else ():
            few = [_first(paired, seeds) for (paired,) in self._experiments]
            bounds = np.array([interval(bootstrap(paired, _RESAMPLES)) for paired in few])
            calls = np.array([randomisation(paired, _RESAMPLES) < 1 - LEVEL for paired in few])
            found[seeds] = _share((bounds[:, 0] > 0) | (bounds[:, 1] < 0)), _share(calls)
        return found


def _figures(tasks: Sequence[Estimate]) -> tuple[float, float, float]:
    one = mean_over_tasks(tasks) if len(tasks) > 1 else tasks[0]
    return one.value, one.error, one.df


def _first(paired: Paired, seeds: int) -> Paired:
    return Paired(paired.name, paired.first[:seeds], paired.second[:seeds], paired.formula, paired.columns)
