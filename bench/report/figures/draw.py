"""All figures of a comparison, each beside the table that it illustrates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.report.figures import cost, curves, difference, scores, seeds, speed
from bench.report.figures.style import styled
from bench.report.tables.speed import section
from bench.report.tables.speed_layout import title
from bench.report.view import View
from bench.store.sanitise import stem
from bench.store.speed_record import Speed

# Table -> what is drawn beside it; each module of this folder yields the figures that the results allow.
_BESIDE = (("scores", (scores, difference, seeds)), ("cost", (cost,)), ("seen", (curves,)))


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure as files: `name` is their stem, `files` holds the content of each form."""

    name: str
    title: str
    files: dict[str, bytes]


def pictures(found: Sequence[View], speeds: Sequence[Speed], *forms: str) -> dict[str, list[Picture]]:
    """Name of a table -> the figures beside it, as svg, png or both."""
    drawn = {}
    for one in speeds:
        beside = section(one).tables[0].name
        drawn[beside] = [Picture(stem(beside), title(one), {form: speed.draw(one, form) for form in forms})]
    with styled():
        return drawn | {
            f"{view.comparison.name}-{table}": [
                Picture(sheet.name, sheet.title, {form: sheet.saved(form) for form in forms})
                for module in modules
                for sheet in module.figures(view)
            ]
            for view in found
            for table, modules in _BESIDE
        }
