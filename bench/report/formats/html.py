"""The report as one page for a browser: no network, light and dark, tables that sort, figures beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template
from urllib.parse import quote

from bench.report.table import CellText, Picture, Section, Table
from bench.store.sanitise import html_text


def render(sections: Sequence[Section], pictures: Mapping[str, Sequence[Picture]], home: Path) -> str:
    """The page; `pictures` stand beside the tables they are named for, links are relative to the folder `home`."""
    folder = resources.files(__package__)
    page, style, script = (folder.joinpath(f"page.{form}").read_text() for form in ("html", "css", "js"))
    title = f"One model or eight? {'; '.join(html_text(section.title) for section in sections)}"
    body = "\n".join(line for section in sections for line in _section(section, pictures, home))
    return Template(page).substitute(title=title, style=style, body=body, script=script)


def _section(section: Section, pictures: Mapping[str, Sequence[Picture]], home: Path) -> Iterator[str]:
    yield f"<section><h2>{html_text(section.title)}</h2>"
    if section.answer:
        yield f'<div class="answer">{"".join(f"<p>{html_text(sentence)}</p>" for sentence in section.answer)}</div>'
    yield from (f'<p class="gap">{html_text(note)}</p>' for note in section.notes)
    for table in section.tables:
        beside = pictures.get(table.name, ())
        element = "details" if table.detail else "article"
        yield f'<{element} class="{"beside" if beside else "alone"}">'
        if table.detail:
            yield f"<summary>{html_text(table.title)}</summary>"
        yield from ("<div>", *_table(table, home), "</div>")
        # The first figure stands beside the table, others below both.
        for css_class, these in (("figures", beside[:1]), ("figures more", beside[1:])):
            if these:
                yield from (f'<div class="{css_class}">', *map(_figure, these), "</div>")
        yield f"</{element}>"
    yield "</section>"


def _figure(picture: Picture) -> str:
    # What stands before the element itself (declaration, document type) has no place inside a page.
    svg = "<svg" + picture.files["svg"].decode().partition("<svg")[2]
    return f'<figure aria-label="{html_text(picture.title)}">{svg}</figure>'


def _table(table: Table, home: Path) -> Iterator[str]:
    rows, total = (table.rows[:-1], table.rows[-1:]) if table.total else (table.rows, ())
    heads = "".join(
        f'<th scope="col" class="{side}"><button>{html_text(cell)}</button></th>'
        for cell, side in zip(table.header, table.align, strict=True)
    )
    caption = "" if table.detail else f"<caption>{html_text(table.title)}</caption>"
    yield f'<div class="scroll"><table>{caption}<thead><tr>{heads}</tr></thead><tbody>'
    yield from (_row(row, table.align, home) for row in rows)
    yield "</tbody>"
    yield from (f"<tfoot>{_row(row, table.align, home)}</tfoot>" for row in total)
    yield "</table></div>"
    yield from (f'<p class="note">{html_text(note)}</p>' for note in table.notes)
    yield from (f"<pre>{html_text(command)}</pre>" for command in table.commands)


def _row(row: Sequence[str], align: str, home: Path) -> str:
    return f"<tr>{''.join(_cell(cell, side, home) for cell, side in zip(row, align, strict=True))}</tr>"


def _cell(cell: str, side: str, home: Path) -> str:
    more = cell if isinstance(cell, CellText) else CellText(cell)
    kind = f"{side} gap" if cell == "missing" or cell.endswith("*") else side
    shown = f' title="{html_text(more.hover)}"' if more.hover else ""
    text = html_text(cell)
    if more.file:
        text = f'<a href="{quote(Path(os.path.relpath(more.file, home)).as_posix())}">{text}</a>'
    return f'<td class="{kind}"{shown}>{text}</td>'
