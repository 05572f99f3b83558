"""Every format of the report as text, and all of them in a folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.report.comparison import Selection
from bench.report.formats import html, latex, markdown, rows, terminal
from bench.report.sections import sections
from bench.report.tables.speed import measured
from bench.report.view import View, views
from bench.store import strict_json
from bench.store.bounds import refuse_links
from bench.store.sanitise import spreadsheet
from tasks.core.errors import about

Form = Callable[[Sequence[View], Path], str]


def publish(results: Path) -> None:
    """Prints the report of all results, and writes every format and figure of it beside them."""
    found = views(results, Selection())
    sys.stdout.write(printed(found, results))
    write_files(found, results, results / "report")


def printed(found: Sequence[View], results: Path) -> str:
    """The report for the terminal of whoever asks; no file has it, for its commands name folders of this machine."""
    return terminal.render(sections(found, results, whole=False, here=True))


def write_files(found: Sequence[View], results: Path, out: Path) -> list[Path]:
    """Writes every format and all figures; the paths written."""
    from bench.report.figures.draw import pictures

    drawn, whole = pictures(found, measured(found, results), "svg", "png"), sections(found, results, whole=True)
    content = {f"report.{suffix}": FORMS[form](found, results).encode() for form, suffix in _SUFFIXES.items()}
    content["report.html"] = html.render(whole, drawn, out).encode()
    content |= {f"tables/{name}": text.encode() for name, text in latex.files(whole).items()}
    for picture in (one for beside in drawn.values() for one in beside):
        content |= {f"figures/{picture.name}.{form}": data for form, data in picture.files.items()}
    return write_all(out, content)


def write_eval_cards(found: Sequence[View], out: Path) -> list[Path]:
    """Writes the records and model-card metadata of every run; the paths written."""
    from bench.report.formats.eval_cards import eval_cards

    cards = eval_cards(rows.rows(view.comparison for view in found))
    return write_all(out, {f"eval-cards/{name}": text.encode() for name, text in cards.items()})


def write_all(out: Path, content: Mapping[str, bytes]) -> list[Path]:
    """Writes files below a folder; their paths."""
    refuse_links(out)
    for name, data in content.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        with about(out / name):
            (out / name).write_bytes(data)
    return [out / name for name in content]


def _html(found: Sequence[View], results: Path) -> str:
    from bench.report.figures.draw import pictures

    # Whoever prints a page puts it where they stand.
    return html.render(sections(found, results, whole=True), pictures(found, measured(found, results), "svg"), Path())


def _json(found: Sequence[View], results: Path) -> str:
    return strict_json.dumps(rows.rows(view.comparison for view in found), indent=1) + "\n"


def _csv(found: Sequence[View], results: Path) -> str:
    frame = rows.frame(rows.rows(view.comparison for view in found))
    return str(frame.map(lambda cell: spreadsheet(cell) if isinstance(cell, str) else cell).to_csv(index=False))


_SUFFIXES = {"terminal": "txt", "markdown": "md", "latex": "tex", "json": "json", "csv": "csv"}
FORMS: Mapping[str, Form] = {
    "terminal": lambda found, results: terminal.render(sections(found, results, whole=False)),
    "markdown": lambda found, results: markdown.render(sections(found, results, whole=True)),
    "latex": lambda found, results: latex.render(sections(found, results, whole=True)),
    "html": _html,
    "json": _json,
    "csv": _csv,
}
