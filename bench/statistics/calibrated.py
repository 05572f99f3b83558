"""What `python -m bench calibrate` measured, kept beside the code so that a report can say where an interval fails."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import fmean

STORED = Path(__file__).with_name("calibration.json")
MEAN = "mean of 8 tasks"
GAIN = 0.02
# What is demanded of the type I error at 5 % and of the 95 % interval.
TYPE_ONE = (0.035, 0.065)
COVERAGE = (0.935, 0.965)


@dataclass(frozen=True, slots=True)
class Cell:
    """What was measured in one corner of the grid: shares of the repetitions, width in score units.

    `coverage`, `width` and `power` are at a true gain of GAIN (but for the bend of the score's curve). The type I
    errors of the percentile bootstrap and of randomisation are None where they were not measured.
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

    @property
    def holds(self) -> bool:
        """Whether type I error and coverage are as demanded."""
        return holds([self])


def holds(cells: Sequence[Cell]) -> bool:
    """Whether type I error and coverage are as demanded in the mean over cells; of one cell, chance takes a part."""
    type_one, coverage = fmean(cell.type_one for cell in cells), fmean(cell.coverage for cell in cells)
    return TYPE_ONE[0] <= type_one <= TYPE_ONE[1] and COVERAGE[0] <= coverage <= COVERAGE[1]


def save(cells: Sequence[Cell], path: Path) -> None:
    """One cell a line, so that a change of figures can be read in a diff."""
    lines = ",\n".join(json.dumps(asdict(cell)) for cell in cells)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


@cache
def stored() -> tuple[Cell, ...]:
    """The calibration that this version was given; empty where there is none."""
    return tuple(Cell(**cell) for cell in json.loads(STORED.read_text(encoding="utf-8"))) if STORED.exists() else ()


def nearest(formula: str, examples: int, seeds: int) -> tuple[Cell, ...]:
    """The cells that speak of such a test: as many seeds and examples or the next fewer that were measured, or none."""
    own = [cell for cell in stored() if cell.formula == formula and cell.examples <= examples and cell.seeds <= seeds]
    most = max(((cell.seeds, cell.examples) for cell in own), default=None)
    return tuple(cell for cell in own if (cell.seeds, cell.examples) == most)
