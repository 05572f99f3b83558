"""The report before any format: one section for each comparison, what is read first and what is long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from bench.report.answer import answer
from bench.report.caveats import caveats
from bench.report.comparison import Comparison
from bench.report.table import Section, Table
from bench.report.tables import (
    budget,
    cost,
    difference,
    labels,
    metrics,
    primary,
    provenance,
    published,
    resampling,
    runs,
    seen,
    transfer,
)


def brief(comparison: Comparison) -> Section:
    """The answer, what a reader must know, and the tables that a terminal shows: the main one first."""
    return Section(
        name=comparison.name,
        title=comparison.title,
        answer=answer(comparison),
        notes=tuple(caveats(comparison)),
        tables=_marked(comparison, _brief_tables(comparison)),
    )


def whole(comparison: Comparison, section: Section) -> Section:
    """The same with the tables that are long: resampling, papers, every metric and label, and provenance."""
    return replace(section, tables=(*section.tables, *_marked(comparison, _long_tables(comparison))))


def _brief_tables(comparison: Comparison) -> Iterator[Table]:
    yield primary.table(comparison)
    for contrast in (found for found in comparison.contrasts if found.each):
        yield transfer.table(comparison, contrast)
        yield budget.table(comparison, contrast)
    if comparison.trained:
        yield cost.table(comparison)


def _long_tables(comparison: Comparison) -> Iterator[Table]:
    for contrast in (found for found in comparison.contrasts if found.each):
        yield difference.table(comparison, contrast)
        yield resampling.table(comparison, contrast)
    if published.published_for(comparison):
        yield published.table(comparison)
    if comparison.trained:
        yield seen.table(comparison)
    yield metrics.table(comparison)
    if (by_label := labels.table(comparison)).rows:
        yield by_label
    yield provenance.table(comparison)
    yield runs.table(comparison)


def _marked(comparison: Comparison, tables: Iterable[Table]) -> tuple[Table, ...]:
    """A table travels without its section: its own title says that the corpora are made up."""
    mark = " [demo: not clinical results]" if comparison.demo else ""
    return tuple(replace(table, title=table.title + mark) for table in tables)
