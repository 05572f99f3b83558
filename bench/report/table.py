"""What every format of the report is made from: sections of tables, already in words and figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class Cell(str):
    """The text of a cell, with what a page can add: `hover` is shown on pointing at it, `file` is what it links to."""

    hover: str
    file: Path | None

    def __new__(cls, text: str, hover: str = "", file: Path | None = None) -> Cell:
        cell = super().__new__(cls, text)
        cell.hover, cell.file = hover, file
        return cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells as text. `align` is one of l and r for each column; `total` sets the last row apart.

    `commands` are what fills the cells that are missing; `name` is the stem of the files that hold the table. Where it
    is too wide it is best cut before one of the columns `cuts`; `detail` says that few readers look for it.
    """

    name: str
    title: str
    align: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    total: bool = False
    cuts: tuple[int, ...] = ()
    detail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One comparison: a corpus and an encoder, its answer, and what a reader must know before its tables."""

    name: str
    title: str
    answer: str = ""
    notes: tuple[str, ...]
    tables: tuple[Table, ...]
