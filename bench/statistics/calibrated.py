"""The error rates of the statistics on simulated experiments, as tests/calibrate.py measured and stored them.

A report looks up here where its intervals and p-values do not hold.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean

STORED = Path(__file__).with_name("calibration.json")
# The demands on the type I error at 5 % and on the coverage of the 95 % interval.
TYPE_ONE = (0.035, 0.065)
COVERAGE = (0.935, 0.965)


@dataclass(frozen=True, slots=True)
class CalibrationCell:
    """The error rates in one corner of the grid: shares of the repetitions; width in score units.

    `coverage`, `width` and `power` are at a true gain of 2 points. The type I errors of the percentile bootstrap and of
    randomisation are None where they were not measured.
    """

    formula: str
    examples: int
    seeds: int
    seed_spread: float
    repetitions: int
    type_one: float
    coverage: float
    width: float
    power: float
    bootstrap_type_one: float | None = None
    randomisation_type_one: float | None = None


def holds(cells: Sequence[CalibrationCell]) -> bool:
    """Whether type I error and coverage are as demanded in the mean over cells; a single cell also errs by chance."""
    type_one, coverage = fmean(cell.type_one for cell in cells), fmean(cell.coverage for cell in cells)
    return TYPE_ONE[0] <= type_one <= TYPE_ONE[1] and COVERAGE[0] <= coverage <= COVERAGE[1]


@cache
def stored() -> tuple[CalibrationCell, ...]:
    """The calibration of this version."""
    return tuple(CalibrationCell(**cell) for cell in json.loads(STORED.read_text(encoding="utf-8")))


def nearest(formula: str, examples: int, seeds: int) -> tuple[CalibrationCell, ...]:
    """The cells nearest to a test: as many seeds and examples, or the next fewer that were measured; else none."""
    own = [cell for cell in stored() if cell.formula == formula and cell.examples <= examples and cell.seeds <= seeds]
    most = max(((cell.seeds, cell.examples) for cell in own), default=None)
    return tuple(cell for cell in own if (cell.seeds, cell.examples) == most)
