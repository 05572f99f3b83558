"""What every format of the report is made from: sections of tables, already in words and figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells as text. `align` is one of l and r for each column; `total` sets the last row apart.

    `commands` are what fills the cells that are missing; `name` is the stem of the files that hold the table.
    """

    name: str
    title: str
    align: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One comparison: a corpus and an encoder, with what a reader must know before its tables."""

    name: str
    title: str
    notes: tuple[str, ...]
    tables: tuple[Table, ...]
