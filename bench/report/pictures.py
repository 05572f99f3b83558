"""All figures of a report, each beside the table that it illustrates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.report.comparison import Comparison
from bench.report.figure import bench_style
from bench.report.figures import cost, curves, difference, scores, speed
from bench.report.tables.speed import section
from bench.report.tables.speed_layout import title
from bench.store.sanitise import stem
from bench.store.speed_record import Speed

# Table -> what is drawn beside it; each module yields the figures that the results allow.
_BESIDE = {"scores": (scores, difference), "cost": (cost,), "seen": (curves,)}


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure as files: `name` is their stem, `files` holds the content of each form."""

    name: str
    title: str
    files: dict[str, bytes]


def pictures(comparisons: Sequence[Comparison], speeds: Sequence[Speed], *forms: str) -> dict[str, list[Picture]]:
    """Name of a table -> the figures beside it, as svg, png or both."""
    drawn = {}
    for one in speeds:
        beside = section(one).tables[0].name
        drawn[beside] = [Picture(stem(beside), title(one), {form: speed.draw(one, form) for form in forms})]
    with bench_style():
        return drawn | {
            f"{comparison.name}-{table}": [
                Picture(figure.name, figure.title, figure.files(forms))
                for module in modules
                for figure in module.figures(comparison)
            ]
            for comparison in comparisons
            for table, modules in _BESIDE.items()
        }
