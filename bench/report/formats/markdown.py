"""Sections as Markdown, for a README."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.report.formats.grid import draw
from bench.report.table import Section, Table
from bench.store.sanitise import markdown, sanitise


def render(sections: Sequence[Section]) -> str:
    """The whole report."""
    return "\n".join(line for section in sections for line in _section(section))


def _section(section: Section) -> Iterator[str]:
    yield from (f"## {markdown(section.title)}", "")
    if section.answer:
        yield from (f"**{markdown(section.answer)}**", "")
    for note in section.notes:
        yield from (markdown(note), "")
    for table in section.tables:
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield from (f"### {markdown(table.title)}", "")
    rows = [[markdown(cell) for cell in row] for row in table.rows]
    if table.total:
        rows[-1] = [cell and f"**{cell}**" for cell in rows[-1]]
    yield draw([markdown(cell) for cell in table.header], rows, table.align, "pipe")
    yield ""
    for note in table.notes:
        yield from (markdown(note), "")
    if table.commands:
        yield from ("```", *(sanitise(command).replace("`", "'") for command in table.commands), "```", "")
