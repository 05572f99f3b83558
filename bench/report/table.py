"""What every format of the report is made from: sections of tables, whose cells are text already.

Tables are drawn as lines of text by tabulate, which aligns and rules, and rewrites no figure. Which columns stand
together and where cells are wrapped is our own: tabulate cuts no table, and wraps by maxcolwidths only what it has read
as numbers before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.report import numbers

PARTLY = "*"
"""Marks a cell for which only some of the seeds have been run."""

GAP = 2
_SIDES = {"l": "left", "r": "right"}


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


def draw_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], align: Sequence[str], form: str, total: bool = False
) -> str:
    """Cells that are harmless already, in a form of tabulate's; `total` sets the last row apart by a rule."""
    from tabulate import SEPARATING_LINE, tabulate

    lines = [*rows[:-1], SEPARATING_LINE, rows[-1]] if total and len(rows) > 1 else [*rows]
    options = {"tablefmt": form, "colalign": [_SIDES[side] for side in align], "disable_numparse": True}
    if form == "simple":
        # As a heading, the header would widen every column by two and take away the outer rules.
        return str(tabulate([header, SEPARATING_LINE, *lines], **options))
    return str(tabulate(lines, header, **options))


def column_groups(widths: Sequence[int], cuts: Sequence[int], limit: int) -> Iterator[list[int]]:
    """Which columns stand together in `limit` characters: a wide table goes on below, its first column repeated."""
    group = [0]
    for k in range(1, len(widths)):
        while len(group) > 1 and sum(widths[c] + GAP for c in group) + widths[k] > limit:
            cut = max((c for c in cuts if c in group[2:]), default=k)
            yield [c for c in group if c < cut]
            group = [0, *range(cut, k)]
        group.append(k)
    yield group
