"""Sections as Markdown, for a README."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.report.table import Section, Table, draw_table
from bench.store.sanitise import markdown, sanitise


def render(sections: Sequence[Section]) -> str:
    """The whole report."""
    return "\n".join(line for section in sections for line in _section(section))


def _section(section: Section) -> Iterator[str]:
    verdict = [f"**{markdown(sentence)}**" for sentence in section.answer[:1]]
    texts = map(markdown, (*section.answer[1:], *section.notes))
    for text in (f"## {markdown(section.title)}", *verdict, *texts):
        yield from (text, "")
    for table in section.tables:
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    rows = [[markdown(cell) for cell in row] for row in table.rows]
    if table.total:
        rows[-1] = [cell and f"**{cell}**" for cell in rows[-1]]
    drawn = draw_table([markdown(cell) for cell in table.header], rows, table.align, "pipe")
    for text in (f"### {markdown(table.title)}", drawn, *map(markdown, table.notes)):
        yield from (text, "")
    if table.commands:
        yield from ("```", *(sanitise(command).replace("`", "'") for command in table.commands), "```", "")
