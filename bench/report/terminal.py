"""Sections as text for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from bench.report.inert import plain
from bench.report.table import Section, Table

WIDTH = 80
_GAP = "  "
_LONGEST_CELL = 30


def render(sections: Sequence[Section]) -> str:
    """The whole report, every line at most WIDTH characters."""
    return "\n".join(line.rstrip() for section in sections for line in _section(section)) + "\n"


def _section(section: Section) -> Iterator[str]:
    yield from _wrapped(section.title)
    yield "=" * WIDTH
    for note in section.notes:
        yield from _wrapped(note)
    for table in section.tables:
        yield ""
        yield from _table(table)
    yield ""


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(plain(text), WIDTH, break_on_hyphens=False) or [""]


def _table(table: Table) -> Iterator[str]:
    yield from _wrapped(table.title)
    grid = [[_cut(plain(cell)) for cell in row] for row in (table.header, *table.rows)]
    widths = [max(len(row[k]) for row in grid) for k in range(len(table.header))]
    for columns in _pages(widths):
        lines = [_line(row, columns, widths, table.align) for row in grid]
        rule = "-" * len(lines[0])
        last = len(lines) - 1 if table.total else len(lines)
        yield from (rule, lines[0], rule, *lines[1:last], *([rule] if table.total else []), *lines[last:], rule)
    for note in table.notes:
        yield from _wrapped(note)
    for command in table.commands:
        yield from _command(plain(command))


def _cut(cell: str) -> str:
    return cell if len(cell) <= _LONGEST_CELL else cell[: _LONGEST_CELL - 1] + "…"


def _pages(widths: Sequence[int]) -> Iterator[list[int]]:
    """Which columns stand together: a table too wide goes on below, its first column repeated."""
    page = [0]
    for k in range(1, len(widths)):
        if len(page) > 1 and sum(widths[c] + len(_GAP) for c in page) + widths[k] > WIDTH:
            yield page
            page = [0]
        page.append(k)
    yield page


def _line(row: Sequence[str], columns: Sequence[int], widths: Sequence[int], align: str) -> str:
    return _GAP.join(row[k].ljust(widths[k]) if align[k] == "l" else row[k].rjust(widths[k]) for k in columns)


def _command(command: str) -> list[str]:
    """A command that can be copied as it stands, also over several lines."""
    lines = textwrap.wrap(
        command, WIDTH - 4, initial_indent="  ", subsequent_indent="      ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]
