"""`python -m bench calibrate`: how often the statistics err on simulated results whose true difference is known."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from bench.cli.options import work
from tasks.core.errors import InputError

if TYPE_CHECKING:
    from bench.statistics.calibrated import Cell
    from bench.statistics.calibration import World

REPETITIONS, QUICK = 2000, 100
DOCS = Path(__file__).parents[2] / "docs" / "statistics.md"
_MARKS = ("<!-- calibration -->\n", "<!-- end of calibration -->\n")
_TYPICAL_SPREAD = 0.005

HEADER = ("metric", "n", "seeds", "type I", "coverage", "width", "power", "boot.", "rand.")
ALIGN = "lrrrrrrrr"
_LEGEND = (
    "n: documents or pairs. type I: how often (%) a difference that is not there is called at 5 %; 3.5 to 6.5 is "
    "demanded. coverage: how often (%) the 95 % interval holds the true difference; 93.5 to 96.5 is demanded. Both are "
    "from least to most over trainings whose scores spread by 0, 0.5 and 1.5 points; * where one is not as demanded. "
    "width (points) of the interval and power (%) are at 0.5 points and a true gain of 2 points. boot., rand.: "
    "type I error of the percentile bootstrap and of randomisation."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `calibrate`."""
    many = parser.add_mutually_exclusive_group()
    many.add_argument(
        "--repetitions", type=work, default=REPETITIONS, metavar="N",
        help=f"experiments in each corner of the grid (default: {REPETITIONS})",
    )  # fmt: skip
    many.add_argument("--quick", action="store_true", help=f"{QUICK} repetitions: enough to see that it works")
    parser.add_argument("--store", action="store_true", help="keep the figures: for reports, and in docs/statistics.md")


def main(args: argparse.Namespace) -> int:
    """Prints the table; 0. InputError where there are no docs to store it in."""
    if args.store and not DOCS.exists():
        raise InputError(f"--store needs a clone of the repository: there is no {DOCS}")
    from bench.report.formats.layout import draw_table
    from bench.statistics.calibrated import STORED, save
    from bench.statistics.calibration import calibrate

    cells = calibrate(QUICK if args.quick else args.repetitions, _tell)
    sys.stdout.write("\n".join([draw_table(HEADER, rows(cells), ALIGN, "simple"), *wrap(_LEGEND, 80), ""]))
    if args.store:
        save(cells, STORED)
        write_table(DOCS, cells)
    return 0


def _tell(world: World) -> None:
    spread = f"{100 * world.seed_spread:g}"
    sys.stderr.write(f"{world.formula}, {world.examples} examples, trainings that differ by {spread} points\n")


def rows(cells: Sequence[Cell]) -> list[tuple[str, ...]]:
    """One row for each metric, size and number of seeds; ranges are over how far trainings differ."""
    groups: dict[tuple[str, int, int], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.formula, cell.examples, cell.seeds), []).append(cell)
    return [(*map(str, key), *_figures(group)) for key, group in groups.items()]


def _figures(group: Sequence[Cell]) -> tuple[str, ...]:
    (typical,) = (cell for cell in group if cell.seed_spread == _TYPICAL_SPREAD)
    return (
        _range([cell.type_one for cell in group]) + ("" if all(cell.holds for cell in group) else "*"),
        _range([cell.coverage for cell in group]),
        f"{100 * typical.width:.1f}",
        f"{100 * typical.power:.0f}",
        _range([cell.bootstrap_type_one for cell in group if cell.bootstrap_type_one is not None], 0),
        _range([cell.randomisation_type_one for cell in group if cell.randomisation_type_one is not None], 0),
    )


def _range(shares: Sequence[float], decimals: int = 1) -> str:
    return f"{100 * min(shares):.{decimals}f}-{100 * max(shares):.{decimals}f}" if shares else "-"


def write_table(docs: Path, cells: Sequence[Cell]) -> None:
    """Puts the table in the place of the one in the docs."""
    from bench.report.formats.layout import draw_table

    table = f"{cells[0].repetitions:,} repetitions. {_LEGEND}\n\n{draw_table(HEADER, rows(cells), ALIGN, 'pipe')}\n"
    begin, end = map(re.escape, _MARKS)
    text = docs.read_text(encoding="utf-8")
    new = re.sub(f"({begin}).*({end})", lambda marks: f"{marks[1]}\n{table}\n{marks[2]}", text, flags=re.DOTALL)
    docs.write_text(new, encoding="utf-8")
