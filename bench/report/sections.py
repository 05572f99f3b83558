"""The report before any format: one section for each comparison, what is read first and what is long."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

from bench.report.answer import answer
from bench.report.caveats import caveats
from bench.report.comparison import Comparison
from bench.report.contrasts import Contrast
from bench.report.table import Section, Table
from bench.report.tables import (
    budget,
    cost,
    difference,
    labels,
    metrics,
    provenance,
    published,
    resampling,
    runs,
    scores,
    seen,
    transfer,
)


def brief_section(comparison: Comparison) -> Section:
    """The answer, what a reader must know, and the tables that a terminal shows: the main one first."""
    tables = [_table(comparison, scores)]
    for contrast in _compared(comparison):
        tables += [_of_contrast(comparison, module, contrast) for module in (transfer, budget)]
    tables += [_table(comparison, cost)] if comparison.trained else []
    return Section(
        name=comparison.name,
        title=comparison.title,
        answer=answer(comparison),
        notes=tuple(caveats(comparison)),
        tables=tuple(tables),
    )


def whole_section(comparison: Comparison, section: Section) -> Section:
    """The same with the tables that are long: resampling, papers, every metric and label, and provenance."""
    contrasts = _compared(comparison)
    tables = [_of_contrast(comparison, module, one) for one in contrasts for module in (difference, resampling)]
    tables += [_table(comparison, published)] if published.published_for(comparison) else []
    tables += [_table(comparison, seen)] if comparison.trained else []
    details = [replace(_table(comparison, module), detail=True) for module in (metrics, labels, provenance, runs)]
    # No metric may count labels apart.
    return replace(section, tables=(*section.tables, *tables, *(table for table in details if table.rows)))


def _compared(comparison: Comparison) -> list[Contrast]:
    return [contrast for contrast in comparison.contrasts if contrast.each]


def _of_contrast(comparison: Comparison, module: ModuleType, contrast: Contrast) -> Table:
    table = _table(comparison, module, contrast)
    return replace(table, name=f"{table.name}-{contrast.arm}", total=contrast.mean is not None)


def _table(comparison: Comparison, module: ModuleType, *contrast: Contrast) -> Table:
    """The table of a module, named after it. It travels without its section: its own title says what is made up."""
    table: Table = module.table(comparison, *contrast)
    mark = " [demo: not clinical results]" if comparison.demo else ""
    return replace(table, name=f"{comparison.name}-{module.__name__.rpartition('.')[2]}", title=table.title + mark)
