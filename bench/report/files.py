"""Every format of the report as text, and all of them in a folder."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from bench import strict_json
from bench.report import html, latex, markdown, rows, terminal
from bench.report.comparison import Selection
from bench.report.inert import spreadsheet
from bench.report.sections import View, sections, views
from bench.untrusted import refuse_links

Form = Callable[[Sequence[View], Path], str]


def print_report(results: Path) -> None:
    """Prints the terminal report of everything below the results folder."""
    show(_terminal(views(results, Selection()), results))


def show(text: str) -> None:
    """Prints a report; a terminal that has no "±" gets "?" instead of a traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    sys.stdout.write(text)


def write_report(results: Path, out: Path) -> None:
    """Writes every format and all figures of everything below the results folder."""
    write_files(views(results, Selection()), results, out)


def write_files(found: Sequence[View], results: Path, out: Path) -> list[Path]:
    """Writes every format and all figures; the paths written."""
    from bench.report import figures

    drawn = {view.comparison.name: figures.draw(view, "svg") for view in found}
    content = {f"report.{suffix}": FORMS[form](found, results).encode() for form, suffix in _SUFFIXES.items()}
    content["report.html"] = _page(found, results, drawn).encode()
    content |= {f"tables/{name}": text.encode() for name, text in latex_files(found, results).items()}
    for view in found:
        content |= {f"figures/{name}.svg": svg for name, svg in drawn[view.comparison.name].items()}
        content |= {f"figures/{name}.png": png for name, png in figures.draw(view, "png").items()}
    refuse_links(out)
    for name, data in content.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)
    return [out / name for name in content]


def latex_files(found: Sequence[View], results: Path) -> dict[str, str]:
    """File name -> content of one LaTeX file a table, and report.tex that takes them in."""
    return latex.files(sections(found, results, whole=True))


def _terminal(found: Sequence[View], results: Path) -> str:
    return terminal.render(sections(found, results, whole=False))


def _markdown(found: Sequence[View], results: Path) -> str:
    return markdown.render(sections(found, results, whole=True))


def _latex(found: Sequence[View], results: Path) -> str:
    return latex.render(sections(found, results, whole=True))


def _html(found: Sequence[View], results: Path) -> str:
    from bench.report import figures

    return _page(found, results, {view.comparison.name: figures.draw(view, "svg") for view in found})


def _page(found: Sequence[View], results: Path, drawn: Mapping[str, Mapping[str, bytes]]) -> str:
    # What stands before the element itself (declaration, document type) has no place inside a page.
    figures = {
        name: ["<svg" + svg.decode().partition("<svg")[2] for svg in svgs.values()] for name, svgs in drawn.items()
    }
    return html.render(sections(found, results, whole=True), figures)


def _json(found: Sequence[View], results: Path) -> str:
    return strict_json.dumps(rows.rows(view.comparison for view in found), indent=1) + "\n"


def _csv(found: Sequence[View], results: Path) -> str:
    frame = rows.frame(rows.rows(view.comparison for view in found))
    return str(frame.map(lambda cell: spreadsheet(cell) if isinstance(cell, str) else cell).to_csv(index=False))


_SUFFIXES = MappingProxyType({"terminal": "txt", "markdown": "md", "latex": "tex", "json": "json", "csv": "csv"})
FORMS: Mapping[str, Form] = MappingProxyType(
    {"terminal": _terminal, "markdown": _markdown, "latex": _latex, "html": _html, "json": _json, "csv": _csv}
)
