"""The report as one page for a browser: no network, light and dark, tables that sort, figures inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.report.inert import html_text
from bench.report.table import Section, Table

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #5a636e; --line: #d5dae0; --band: #f4f6f8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ed; --paper: #14171b; --soft: #9aa4b0; --line: #343b44; --band: #1c2127; }
}
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 4rem; color: var(--ink); background: var(--paper);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.35rem; margin-top: 3rem; border-bottom: 2px solid var(--line); }
.scroll { overflow-x: auto; margin-top: 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; max-width: calc(100vw - 2rem); }
th, td { padding: .25rem .7rem; white-space: nowrap; text-align: left; vertical-align: top; }
td.l:last-child { white-space: normal; min-width: 8rem; }
thead th { border-bottom: 2px solid var(--line); } tfoot td { border-top: 2px solid var(--line); font-weight: 600; }
tr { background: var(--paper); } th:first-child, td:first-child { position: sticky; left: 0; background: inherit; }
tbody tr:nth-child(even) { background: var(--band); }
@media (max-width: 40rem) { table { font-size: .82rem; } th, td { padding: .2rem .4rem; } }
.r { text-align: right; }
th button { all: unset; cursor: pointer; } th button:focus-visible { outline: 2px solid; }
th[aria-sort=ascending] button::after { content: " \\25B2"; }
th[aria-sort=descending] button::after { content: " \\25BC"; }
.gap { color: #b3261e; font-weight: 600; } @media (prefers-color-scheme: dark) { .gap { color: #ff8a80; } }
.note { color: var(--soft); font-size: .85rem; margin: .4rem 0; max-width: 48rem; }
pre { overflow-x: auto; background: var(--band); padding: .6rem; font-size: .82rem; }
figure { margin: 1.5rem 0; padding: .5rem; background: #fff; border: 1px solid var(--line); border-radius: 6px;
  overflow-x: auto; }
figure svg { width: 100%; min-width: 34rem; height: auto; }
"""

# A click on a heading sorts by its column; what is no number comes last, and the total stays where it is.
_SCRIPT = """
for (const button of document.querySelectorAll("th button")) button.addEventListener("click", () => {
  const head = button.parentElement, body = head.closest("table").tBodies[0];
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const number = text => parseFloat((text.match(/^[[<]?([-+]?[0-9][0-9,.]*)/) || ["", ""])[1].replaceAll(",", ""));
  const text = row => row.cells[head.cellIndex].textContent;
  const order = (a, b) => {
    const x = number(text(a)), y = number(text(b));
    if (isNaN(x) !== isNaN(y)) return isNaN(x) ? 1 : -1;
    return (isNaN(x) ? text(a).localeCompare(text(b)) : x - y) * (down ? -1 : 1);
  };
  body.append(...[...body.rows].sort(order));
});
"""

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
"""


def render(sections: Sequence[Section], figures: Mapping[str, Sequence[str]]) -> str:
    """The page; `figures` holds for each section's name its figures as SVG elements."""
    title = f"One model or eight? {'; '.join(html_text(section.title) for section in sections)}"
    body = "\n".join(line for section in sections for line in _section(section, figures.get(section.name, ())))
    return (
        f"{_HEAD}<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Single-task and multitask models on clinical text</h1>\n{body}\n"
        f"<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _section(section: Section, figures: Sequence[str]) -> Iterator[str]:
    yield f"<section><h2>{html_text(section.title)}</h2>"
    yield from (f'<p class="gap">{html_text(note)}</p>' for note in section.notes)
    for place, table in enumerate(section.tables):
        yield from _table(table)
        if place == 0:
            yield from (f"<figure>{svg}</figure>" for svg in figures)
    yield "</section>"


def _table(table: Table) -> Iterator[str]:
    rows, total = (table.rows[:-1], table.rows[-1:]) if table.total else (table.rows, ())
    heads = "".join(
        f'<th scope="col" class="{side}"><button>{html_text(cell)}</button></th>'
        for cell, side in zip(table.header, table.align, strict=True)
    )
    yield f'<div class="scroll"><table><caption>{html_text(table.title)}</caption>'
    yield f"<thead><tr>{heads}</tr></thead><tbody>"
    yield from (_row(row, table.align) for row in rows)
    yield "</tbody>"
    yield from (f"<tfoot>{_row(row, table.align)}</tfoot>" for row in total)
    yield "</table></div>"
    yield from (f'<p class="note">{html_text(note)}</p>' for note in table.notes)
    yield from (f"<pre>{html_text(command)}</pre>" for command in table.commands)


def _row(row: Sequence[str], align: str) -> str:
    cells = zip(row, align, strict=True)
    inner = "".join(f'<td class="{_kind(cell, side)}">{html_text(cell)}</td>' for cell, side in cells)
    return f"<tr>{inner}</tr>"


def _kind(cell: str, side: str) -> str:
    return f"{side} gap" if cell == "missing" or cell.endswith("*") else side
