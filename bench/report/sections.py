"""The report in words: one section for each comparison, before any format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench.report.alike import disagreements
from bench.report.answer import answer
from bench.report.missing import commands
from bench.report.table import Section, Table
from bench.report.tables import speed
from bench.report.tables.cost import cost_table, seen_table
from bench.report.tables.differences import budget_table, difference_table, resampling_table
from bench.report.tables.labels import label_table
from bench.report.tables.notices import loud
from bench.report.tables.primary import primary_table
from bench.report.tables.provenance import provenance_table, run_table, undefined_development
from bench.report.tables.published import published_for, published_table
from bench.report.tables.scores import metrics_table
from bench.report.tables.transfer import transfer_table
from bench.report.view import View


def sections(found: Sequence[View], results: Path, whole: bool, here: bool = False) -> list[Section]:
    """The sections to print; `whole` adds what is long: every metric and label, what each run saw, and provenance.

    Only `here`, on the terminal of whoever asks, commands name folders of this machine.
    """
    speeds = speed.measured(found, results)
    return [*(_section(view, results, whole, here) for view in found), *speed.sections(speeds, whole)]


def _section(view: View, results: Path, whole: bool, here: bool) -> Section:
    return Section(
        name=view.comparison.name,
        title=view.title,
        answer=answer(view),
        notes=(*disagreements(view.comparison), *loud(view.comparison), *undefined_development(view.comparison)),
        tables=tuple(
            _named(table, view.demo)
            for table in _tables(view, commands(view.comparison, view.arms, results if here else None), whole)
        ),
    )


def _tables(view: View, lacking: Sequence[str], whole: bool) -> Iterator[Table]:
    one = view.comparison
    yield primary_table(view, lacking)
    for contrast in (found for found in view.contrasts if found.each):
        yield from (table(one, contrast) for table in (transfer_table, budget_table))
        yield from (table(one, contrast) for table in (difference_table, resampling_table) if whole)
    if whole and not view.demo and published_for(one.tasks):
        yield published_table(one)
    if one.trained:
        yield cost_table(one, view.arms, view.costs)
    if whole:
        yield from _details(view)


def _details(view: View) -> Iterator[Table]:
    one = view.comparison
    if one.trained:
        yield seen_table(one)
    yield metrics_table(one, view.arms)
    labels = label_table(one, view.arms)
    if labels.rows:
        yield labels
    yield provenance_table(one)
    yield run_table(one)


def _named(table: Table, demo: bool) -> Table:
    """A table travels without its section: its own title says that the corpora are made up."""
    return replace(table, title=f"{table.title} [demo: not clinical results]") if demo else table
