"""A report: records read once, sections built once, and both written in any format, or in all of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from bench.report.answer import answer
from bench.report.caveats import caveats
from bench.report.comparison import Comparison, Selection, comparisons
from bench.report.figure import bench_style
from bench.report.figures import comparison as figures
from bench.report.figures import speed as speed_figure
from bench.report.formats import html, latex, markdown, rows, terminal
from bench.report.held import holding
from bench.report.missing import with_commands
from bench.report.papers import published_for
from bench.report.table import Picture, Section, Table
from bench.report.tables import differences, runs, scores, speed
from bench.report.tables.speed_layout import title
from bench.store import speed_record
from bench.store.bounds import refuse_links
from bench.store.runs import read_all
from bench.store.sanitise import stem
from bench.store.speed_record import Speed
from tasks.core.errors import InputError, about

SUFFIXES = {"terminal": "txt", "markdown": "md", "latex": "tex", "html": "html", "json": "json", "csv": "csv"}

# Table -> what is drawn beside it.
_BESIDE = {
    "scores": (figures.scores, figures.differences),
    "cost": (figures.cost,),
    "seen": (figures.curves,),
}


@dataclass(frozen=True, eq=False)
class Report:
    """What is reported of a results folder: every format is made from this one object."""

    results: Path
    comparisons: Sequence[Comparison]
    speeds: Sequence[Speed]

    @cached_property
    def rows(self) -> list[rows.ScoreRow]:
        """All scores, in the order in which the report shows them."""
        return rows.rows(self.comparisons)

    @cached_property
    def _brief(self) -> list[Section]:
        return [_brief_section(comparison) for comparison in self.comparisons]

    @cached_property
    def _whole(self) -> list[Section]:
        pairs = zip(self.comparisons, self._brief, strict=True)
        return [replace(brief, tables=(*brief.tables, *_long_tables(comparison))) for comparison, brief in pairs]

    def sections(self, whole: bool = True, here: bool = False) -> list[Section]:
        """All sections; without `whole`, their long tables stay away.

        Only `here`, on the terminal of whoever asks, commands name folders of this machine.
        """
        found = []
        for comparison, section in zip(self.comparisons, self._whole if whole else self._brief, strict=True):
            main = with_commands(section.tables[0], comparison, self.results if here else None)
            found.append(replace(section, tables=(main, *section.tables[1:])))
        return [*found, *speed.sections(self.speeds, whole)]

    def pictures(self, *forms: str) -> dict[str, list[Picture]]:
        """Name of a table -> the figures beside it, as svg, png or both."""
        drawn = {}
        for one in self.speeds:
            beside = speed.section(one).tables[0].name
            files = {form: speed_figure.draw(one, form) for form in forms}
            drawn[beside] = [Picture(stem(beside), title(one), files)]
        with bench_style():
            return drawn | {
                f"{comparison.name}-{table}": [
                    Picture(figure.name, figure.title, figure.files(forms))
                    for drawn_by in beside
                    for figure in drawn_by(comparison)
                ]
                for comparison in self.comparisons
                for table, beside in _BESIDE.items()
            }

    def text(self, form: str) -> str:
        """The report in one of the forms of `SUFFIXES`."""
        if form == "html":
            # Whoever prints a page puts it where they stand.
            return html.render(self.sections(), self.pictures("svg"), home=Path())
        if form in ("json", "csv"):
            return {"json": rows.as_json, "csv": rows.as_csv}[form](self.rows)
        render = {"terminal": terminal.render, "markdown": markdown.render, "latex": latex.render}[form]
        return render(self.sections(whole=form != "terminal"))


def _brief_section(comparison: Comparison) -> Section:
    """The answer, what a reader must know, and the tables that a terminal shows: the main one first."""
    tables = [_table(comparison, scores.scores), *_of_contrasts(comparison, differences.transfer, differences.budget)]
    return Section(
        name=comparison.name,
        title=comparison.title,
        answer=answer(comparison),
        notes=tuple(caveats(comparison)),
        tables=(*tables, *([_table(comparison, runs.cost)] if comparison.trained else [])),
    )


def _long_tables(comparison: Comparison) -> list[Table]:
    """Resampling, papers, every metric and label, and provenance."""
    tables = _of_contrasts(comparison, differences.difference, differences.resampling)
    tables += [_table(comparison, scores.published)] if published_for(comparison) else []
    tables += [_table(comparison, runs.seen)] if comparison.trained else []
    details = (scores.metrics, scores.labels, runs.provenance, runs.runs)
    found = [replace(_table(comparison, make), detail=True) for make in details]
    # No metric may count labels apart.
    return [*tables, *(table for table in found if table.rows)]


def _of_contrasts(comparison: Comparison, *make: Callable[..., Table]) -> list[Table]:
    """These tables of each arm that can be compared."""
    return [
        replace(table, name=f"{table.name}-{contrast.arm}", total=contrast.mean is not None)
        for contrast in comparison.contrasts
        if contrast.each
        for table in (_table(comparison, one, contrast) for one in make)
    ]


def _table(comparison: Comparison, make: Callable[..., Table], *contrast: object) -> Table:
    """A table, named after its function. It travels without its section: its own title says what is made up."""
    table = make(comparison, *contrast)
    mark = " [demo: not clinical results]" if comparison.demo else ""
    return replace(table, name=f"{comparison.name}-{make.__name__}", title=table.title + mark)


def read(results: Path, selection: Selection) -> Report:
    """What is selected of a results folder; InputError where there is nothing."""
    found = comparisons(read_all(results, held=holding()), selection)
    if not found:
        raise InputError(
            f"There is no finished run to report in {results}, or none that the filters let through: "
            "run `python -m bench run --all`, or name its folder with --results."
        )
    corpora = {comparison.corpus for comparison in found}
    speeds = speed_record.read_all(results, speed_record.INFERENCE)
    return Report(results, found, [one for one in speeds if one.corpus in corpora])


def publish(results: Path) -> None:
    """Prints the report of all results, and writes every format and figure of it beside them."""
    report = read(results, Selection())
    sys.stdout.write(printed(report))
    write_files(report, results / "report")


def printed(report: Report) -> str:
    """The report for the terminal of whoever asks; no file has it, for its commands name folders of this machine."""
    return terminal.render(report.sections(whole=False, here=True))


def write_files(report: Report, out: Path) -> list[Path]:
    """Writes every format and all figures; the paths written."""
    pictures = report.pictures("svg", "png")
    content = {f"report.{suffix}": report.text(form) for form, suffix in SUFFIXES.items() if form != "html"}
    content["report.html"] = html.render(report.sections(), pictures, home=out)
    content |= {f"tables/{name}": text for name, text in latex.files(report.sections()).items()}
    drawn = {
        f"figures/{picture.name}.{form}": data
        for beside in pictures.values() for picture in beside for form, data in picture.files.items()
    }  # fmt: skip
    return write_all(out, {name: text.encode() for name, text in content.items()} | drawn)


def write_eval_cards(report: Report, out: Path) -> list[Path]:
    """Writes the records and model-card metadata of every run; the paths written."""
    cards = rows.eval_cards(report.rows)
    return write_all(out, {f"eval-cards/{name}": text.encode() for name, text in cards.items()})


def write_all(out: Path, content: Mapping[str, bytes]) -> list[Path]:
    """Writes files below a folder; their paths."""
    refuse_links(out)
    for name, data in content.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        with about(out / name):
            (out / name).write_bytes(data)
    return [out / name for name in content]
