"""Sections as Markdown, for a README."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.report.inert import markdown, plain
from bench.report.table import Section, Table


def render(sections: Sequence[Section]) -> str:
    """The whole report."""
    return "\n".join(line for section in sections for line in _section(section))


def _section(section: Section) -> Iterator[str]:
    yield from (f"## {markdown(section.title)}", "")
    for note in section.notes:
        yield from (markdown(note), "")
    for table in section.tables:
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield from (f"### {markdown(table.title)}", "")
    yield _row(table.header)
    yield "|" + "|".join(":---" if side == "l" else "---:" for side in table.align) + "|"
    for place, row in enumerate(table.rows, 1):
        yield _row(row, bold=table.total and place == len(table.rows))
    yield ""
    for note in table.notes:
        yield from (markdown(note), "")
    if table.commands:
        yield from ("```", *(plain(command).replace("`", "'") for command in table.commands), "```", "")


def _row(cells: Sequence[str], bold: bool = False) -> str:
    mark = "**" if bold else ""
    return "| " + " | ".join(f"{mark}{markdown(cell)}{mark}" if cell else "" for cell in cells) + " |"
