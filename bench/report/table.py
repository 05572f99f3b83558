"""What every format of the report is made from: sections of tables, whose cells are text already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.report import numbers

PARTLY = "*"
"""Marks a cell for which only some of the seeds have been run."""


class CellText(str):
    """The text of a cell, with what a page can add: `hover` is shown on pointing at it, `file` is what it links to."""

    hover: str
    file: Path | None

    def __new__(cls, text: str, hover: str = "", file: Path | None = None) -> CellText:
        cell = super().__new__(cls, text)
        cell.hover, cell.file = hover, file
        return cell


def mean_cell(by_seed: Mapping[int, float], partly: bool = False) -> CellText:
    """Mean and spread of scores, marked where seeds are missing; each seed's score on pointing at it."""
    each = "; ".join(f"seed {seed}: {numbers.points(value)}" for seed, value in by_seed.items())
    return CellText(numbers.mean_and_spread(list(by_seed.values())) + (PARTLY if partly and by_seed else ""), each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells as text. `align` is one of l and r for each column; `total` sets the last row apart.

    `commands` are what fills the cells that are missing; `name` is the stem of the files that hold the table. Where it
    is too wide it is best cut before one of the columns `cuts`; `detail` says that few readers look for it.
    """

    name: str = ""
    title: str
    align: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    total: bool = False
    cuts: tuple[int, ...] = ()
    detail: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure as files: `name` is their stem, `files` holds the content of each form."""

    name: str
    title: str
    files: dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One comparison: a corpus and an encoder, its answer, and what a reader must know before its tables.

    The answer is a verdict, the figures for it, and what it does not show; there may be less of it.
    """

    name: str
    title: str
    answer: tuple[str, ...] = ()
    notes: tuple[str, ...]
    tables: tuple[Table, ...]
