"""How often the statistics err on simulated experiments with a known difference: the table of docs/statistics.md.

    python tests/calibrate.py [--store]                   # or: tox -e calibrate -- --store

Type I error, coverage, width and power of interval and p. `--store` writes bench/statistics/calibration.json, where a
report looks up which intervals do not hold, and the table in docs/statistics.md. 6.5 minutes of one core.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import wrap

import numpy as np

from bench.report.table import draw_table
from bench.statistics import student
from bench.statistics.calibrated import CalibrationCell, holds
from bench.statistics.paired import Paired
from bench.statistics.resampling import bootstrap, interval, randomisation
from bench.statistics.variance import LEVEL, GainEstimate, crossed_estimate, influences, mean_over_tasks
from simulation import KINDS, Truth, draw, true_gain

ROOT = Path(__file__).resolve().parent.parent
# The files of the clone: the installed wheel, which tox measures, has no docs.
STORED, DOCS = ROOT / "bench" / "statistics" / "calibration.json", ROOT / "docs" / "statistics.md"
REPETITIONS, QUICK = 2000, 100

SEEDS = (1, 2, 3, 5)
SEED_SPREADS = (0.0, 0.005, 0.015)
GAIN = 0.02
MEAN = "mean of 8 tasks"
_EIGHT = ("micro_f1",) * 5 + ("proportion",) * 2 + ("pearson",)
# The methods that resample are slow and here for comparison: fewer repetitions, fewer resamples.
_RESAMPLED_SEEDS = (3, 5)
_RESAMPLED_PART = 5
_RESAMPLES = 500

HEADER = ("metric", "n", "seeds", "type I", "coverage", "width", "power", "boot.", "rand.")
ALIGN = "lrrrrrrrr"
_TYPICAL_SPREAD = 0.005
_LEGEND = (
    "n: documents or pairs. type I: how often (%) a difference that is not there is called at 5 %; 3.5 to 6.5 is "
    "demanded. coverage: how often (%) the 95 % interval holds the true difference; 93.5 to 96.5 is demanded. Both are "
    "from least to most over trainings whose scores spread by 0, 0.5 and 1.5 points; * where one is not as demanded. "
    "width (points) of the interval and power (%) are at 0.5 points and a true gain of 2 points. boot., rand.: "
    "type I error of the percentile bootstrap and of randomisation."
)


@dataclass(frozen=True, slots=True)
class World:
    """One simulated world: a metric kind, a test set's size and how far trainings differ (score units)."""

    formula: str
    examples: int
    seed_spread: float

    @property
    def formulas(self) -> tuple[str, ...]:
        """The tasks of one experiment."""
        return _EIGHT if self.formula == MEAN else (self.formula,)


def main(argv: Sequence[str]) -> int:
    """Measures, prints the table, and stores it if asked to; 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, metavar="N", help="experiments in each world")
    parser.add_argument("--quick", dest="repetitions", action="store_const", const=QUICK, help=f"{QUICK} of them")
    parser.add_argument("--store", action="store_true", help="keep the figures: for reports, and in docs/statistics.md")
    args = parser.parse_args(argv)
    cells: list[CalibrationCell] = []
    for world in worlds():
        spread = f"{100 * world.seed_spread:g}"
        sys.stderr.write(f"{world.formula}, {world.examples} examples, trainings that differ by {spread} points\n")
        cells += measure(world, args.repetitions)
    print("\n".join([draw_table(HEADER, rows(cells), ALIGN, "simple"), *wrap(_LEGEND, 80)]))
    if args.store:
        # One cell a line, so that a change of figures can be read in a diff.
        lines = ",\n".join(json.dumps(asdict(cell)) for cell in cells)
        STORED.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        _write_table(cells)
    return 0


def worlds() -> list[World]:
    """The grid: spans are scored by document, 20 or 500; pairs are 20 or 300."""
    sizes = {name: (20, 300) if name in ("proportion", "pearson") else (20, 500) for name in (*KINDS, MEAN)}
    return [World(name, examples, spread) for name in sizes for examples in sizes[name] for spread in SEED_SPREADS]


def measure(world: World, repetitions: int) -> list[CalibrationCell]:
    """A cell for each number of seeds: experiments with the most seeds, of which the first few are used too."""
    rng = np.random.default_rng([world.examples, round(1e4 * world.seed_spread), sum(map(ord, world.formula))])
    null = _Outcomes(world, Truth(world.seed_spread, 0.0), repetitions, rng)
    gain = _Outcomes(world, Truth(world.seed_spread, GAIN), repetitions, rng)
    truth = float(np.mean([true_gain(formula, gain.truth) for formula in world.formulas]))
    resampled = null.resampled()
    return [
        CalibrationCell(
            world.formula, world.examples, seeds, world.seed_spread, repetitions,
            type_one=_share(null.p(k, 0.0) < 1 - LEVEL), coverage=_share(gain.p(k, truth) >= 1 - LEVEL),
            width=float(np.nanmean(gain.widths(k))), power=_share(gain.p(k, 0.0) < 1 - LEVEL),
            bootstrap_type_one=resampled[seeds][0] if seeds in resampled else None,
            randomisation_type_one=resampled[seeds][1] if seeds in resampled else None,
        )
        for k, seeds in enumerate(SEEDS)
    ]  # fmt: skip


def _share(cases: np.ndarray) -> float:
    return float(np.mean(cases))


class _Outcomes:
    """The results of N repeated experiments in one world: value, error and degrees of freedom, [N, len(SEEDS)] each."""

    def __init__(self, world: World, truth: Truth, repetitions: int, rng: np.random.Generator) -> None:
        self.truth = truth
        self._experiments: list[Paired] = []
        found = []
        for repetition in range(repetitions):
            pairs = draw(rng, world.formulas, (max(SEEDS), world.examples), truth)
            known = [influences(paired) for paired in pairs]
            found.append([_figures([crossed_estimate(gains[:s], own[:s]) for gains, own in known]) for s in SEEDS])
            # A fifth is kept for the methods that resample, which have no p-value of a mean.
            if repetition % _RESAMPLED_PART == 0 and len(pairs) == 1:
                self._experiments += pairs
        self._value, self._error, self._df = np.array(found).transpose(2, 0, 1)

    def p(self, k: int, true: float) -> np.ndarray:
        """The p-values of this true gain with SEEDS[k] seeds; nan where nothing varied: neither called nor covered."""
        return student.two_sided_p((self._value[:, k] - true) / self._error[:, k], self._df[:, k])

    def widths(self, k: int) -> np.ndarray:
        """The widths of the 95 % intervals."""
        widths: np.ndarray = 2 * self._error[:, k] * student.quantile(LEVEL, self._df[:, k])
        return widths

    def resampled(self) -> dict[int, tuple[float, float]]:
        """The shares of experiments in which bootstrap and randomisation call a difference, by number of seeds."""
        found = {}
        for seeds in _RESAMPLED_SEEDS if self._experiments else ():
            few = [
                Paired(one.name, one.first[:seeds], one.second[:seeds], one.formula, one.columns)
                for one in self._experiments
            ]
            bounds = np.array([interval(bootstrap(paired, _RESAMPLES)) for paired in few])
            calls = np.array([randomisation(paired, _RESAMPLES) < 1 - LEVEL for paired in few])
            found[seeds] = _share((bounds[:, 0] > 0) | (bounds[:, 1] < 0)), _share(calls)
        return found


def _figures(tasks: Sequence[GainEstimate]) -> tuple[float, float, float]:
    one = mean_over_tasks(tasks) if len(tasks) > 1 else tasks[0]
    return one.value, one.error, one.df


def rows(cells: Sequence[CalibrationCell]) -> list[tuple[str, ...]]:
    """One row for each metric, size and number of seeds; ranges are over how far trainings differ."""
    groups: dict[tuple[str, int, int], list[CalibrationCell]] = {}
    for cell in cells:
        groups.setdefault((cell.formula, cell.examples, cell.seeds), []).append(cell)
    return [(*map(str, key), *_row(group)) for key, group in groups.items()]


def _row(group: Sequence[CalibrationCell]) -> tuple[str, ...]:
    (typical,) = (cell for cell in group if cell.seed_spread == _TYPICAL_SPREAD)
    return (
        _range([cell.type_one for cell in group]) + ("" if all(holds([cell]) for cell in group) else "*"),
        _range([cell.coverage for cell in group]),
        f"{100 * typical.width:.1f}",
        f"{100 * typical.power:.0f}",
        _range([cell.bootstrap_type_one for cell in group if cell.bootstrap_type_one is not None], 0),
        _range([cell.randomisation_type_one for cell in group if cell.randomisation_type_one is not None], 0),
    )


def _range(shares: Sequence[float], decimals: int = 1) -> str:
    return f"{100 * min(shares):.{decimals}f}-{100 * max(shares):.{decimals}f}" if shares else "-"


def _write_table(cells: Sequence[CalibrationCell]) -> None:
    """Puts the table between its marks in the docs."""
    table = f"{cells[0].repetitions:,} repetitions. {_LEGEND}\n\n{draw_table(HEADER, rows(cells), ALIGN, 'pipe')}\n"
    old = re.compile("(<!-- calibration -->\n).*(<!-- end of calibration -->\n)", re.DOTALL)
    text = DOCS.read_text(encoding="utf-8")
    DOCS.write_text(old.sub(lambda marks: f"{marks[1]}\n{table}\n{marks[2]}", text), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
