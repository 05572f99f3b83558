"""The report in words: one section for each comparison, before any format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from bench.report import inference
from bench.report.budget import budget_table
from bench.report.comparison import Comparison, Selection, comparisons
from bench.report.cost import cost_table, seen_table
from bench.report.differences import Contrast, contrasts, difference_table
from bench.report.missing import commands, expected
from bench.report.provenance import disagreements, provenance_table
from bench.report.resampling import resampling_table
from bench.report.scores import metrics_table, primary_table, published_table
from bench.report.table import Section, Table
from bench.report.transfer import transfer_table
from bench.store import read_all
from tasks.core.errors import InputError


@dataclass(frozen=True)
class View:
    """A comparison with what is worked out for it once, so that tables and figures share it."""

    comparison: Comparison
    arms: tuple[str, ...]

    @cached_property
    def contrasts(self) -> tuple[Contrast, ...]:
        """Each arm against the single-task baseline; takes a second, and only some formats need it."""
        return tuple(contrasts(self.comparison))

    @property
    def title(self) -> str:
        """What the comparison is of; it says so where the corpora are made up."""
        what = "Demo corpora (made up: these are not clinical results)" if self.demo else "Official corpora"
        return f"{what}, encoder {self.comparison.encoder}"

    @property
    def demo(self) -> bool:
        """Whether the corpora are made up."""
        return self.comparison.corpus == "demo"


def views(results: Path, selection: Selection) -> list[View]:
    """Every comparison below the results folder; InputError where there is none."""
    found = comparisons(read_all(results), selection)
    if not found:
        raise InputError(
            f"There is no finished run to report in {results}, or none that the filters let through: "
            "run `python -m bench run --all`, or name its folder with --results."
        )
    return [View(one, tuple(expected(one, selection.baselines))) for one in found]


def sections(found: Sequence[View], results: Path, whole: bool) -> list[Section]:
    """The sections to print; `whole` adds every metric and the provenance, which are long."""
    corpora = {view.comparison.corpus for view in found}
    return [*(_section(view, results, whole) for view in found), *inference.sections(corpora, results, whole)]


def _section(view: View, results: Path, whole: bool) -> Section:
    one = view.comparison
    tables: list[Table] = [primary_table(one, view.arms, commands(one, view.arms, results))]
    for contrast in (found for found in view.contrasts if found.each):
        tables += [table(one, contrast) for table in (difference_table, transfer_table, budget_table)]
        tables += [resampling_table(one, contrast)] if whole else []
    tables += [published_table(one)] if not view.demo else []
    if one.trained:
        tables += [cost_table(one, view.arms), seen_table(one)]
    if whole:
        tables += [metrics_table(one, view.arms), provenance_table(one)]
    return Section(
        name=one.name,
        title=view.title,
        notes=tuple(disagreements(one)),
        tables=tuple(_named(table, view.demo) for table in tables),
    )


def _named(table: Table, demo: bool) -> Table:
    """A table travels without its section: its own title says that the corpora are made up."""
    return replace(table, title=f"{table.title} [demo: not clinical results]") if demo else table
