"""All figures of a report, each beside the table that it illustrates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.report.comparison import Comparison
from bench.report.figure import bench_style
from bench.report.figures import cost, curves, difference, inference, scores
from bench.report.tables.inference import section, title
from bench.store.inference_record import Speed
from bench.store.sanitise import stem

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
    for speed in speeds:
        beside = section(speed).tables[0].name
        drawn[beside] = [Picture(stem(beside), title(speed), {form: inference.draw(speed, form) for form in forms})]
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
