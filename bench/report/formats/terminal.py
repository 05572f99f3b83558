"""Sections as text for a terminal of 80 columns."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator, Sequence

from bench.report.table import Section, Table, column_groups, draw_table
from bench.store.sanitise import sanitise

WIDTH = 80
_LONGEST_CELL, _LONGEST_NAME = 30, 40


def render(sections: Sequence[Section]) -> str:
    """The whole report, every line at most WIDTH characters."""
    return "\n".join(line.rstrip() for section in sections for line in _section(section)) + "\n"


def _section(section: Section) -> Iterator[str]:
    yield from _wrapped(section.title)
    yield "=" * WIDTH
    for text in (*section.answer, *section.notes):
        yield from _wrapped(text)
    for table in section.tables:
        yield ""
        yield from _table(table)
    yield ""


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(sanitise(text), WIDTH, break_on_hyphens=False) or [""]


def _table(table: Table) -> Iterator[str]:
    yield from _wrapped(table.title)
    rule, *_ = _columns(table, range(len(table.header))).splitlines()
    groups = column_groups([len(part) for part in rule.split()], table.cuts, WIDTH)
    yield from "\n\n".join(_columns(table, columns) for columns in groups).splitlines()
    for note in table.notes:
        yield from _wrapped(note)
    for command in table.commands:
        yield from _command(sanitise(command))


def _columns(table: Table, columns: Sequence[int]) -> str:
    header, *rows = [[_cell(row[k], first=k == 0) for k in columns] for row in (table.header, *table.rows)]
    return draw_table(header, rows, [table.align[k] for k in columns], "simple", table.total)


def _cell(text: str, first: bool) -> str:
    """The text as it stands, or over several lines if it is long: wrapped at blanks and behind underscores."""
    longest = _LONGEST_NAME if first and " " not in text else _LONGEST_CELL
    if len(shown := sanitise(text)) <= longest:
        return shown
    # Not tabulate's maxcolwidths: 0.10 reads the cells it wraps as numbers, whatever disable_numparse says.
    return re.sub("\0 ?", "", textwrap.fill(shown.replace("_", "_\0 "), longest))


def _command(command: str) -> list[str]:
    """A command that can be copied as it stands, also over several lines: no word of it is parted, nor its blanks."""
    words = [shlex.quote(word).replace(" ", "\0") for word in shlex.split(command)]
    lines = textwrap.wrap(
        " ".join(words), WIDTH - 4, initial_indent="  ", subsequent_indent="      ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
    return " \\\n".join(lines).replace("\0", " ").split("\n")
