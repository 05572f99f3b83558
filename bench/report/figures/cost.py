"""Figure: what all tasks together cost in each arm, one panel a quantity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from bench.report.figures.sheet import Sheet
from bench.report.figures.style import look
from bench.report.tables.cost import Cost
from bench.report.view import View
from bench.store.sanitise import sanitise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_Bar = tuple[str, Callable[[Cost], float | None], float]
"""What a panel shows: its title, its measure and the unit of that."""

_BARS: tuple[_Bar, ...] = (
    ("training, as recorded\n(minutes)", lambda cost: cost.train_seconds, 60),
    ("weights on disk\n(MiB)", lambda cost: cost.weights_bytes, 2**20),
    ("peak memory, as recorded\n(MiB)", lambda cost: cost.peak_memory_bytes, 2**20),
)


def figures(view: View) -> Iterator[Sheet]:
    """One figure, where any arm has answered every task."""
    if not view.costs:
        return
    sheet = Sheet(view, "cost", "Cost of all tasks together", 3.2)
    for axes, bar in zip(sheet.figure.subplots(1, len(_BARS)), _BARS, strict=True):
        _bars(sheet, axes, view, bar)
    yield sheet


def _bars(sheet: Sheet, axes: Axes, view: View, bar: _Bar) -> None:
    """What is unknown has no bar and says so."""
    title, measure, unit = bar
    for place, (name, cost) in enumerate(view.costs.items()):
        amount, style = measure(cost), look(name)
        height = (amount or 0) / unit
        text = "unknown" if amount is None else f"{height:,.1f}"
        (drawn,) = axes.bar(place, height, color=style.colour, hatch=style.hatch, edgecolor="black")
        sheet.show_on_hover(drawn, f"{name}: {text}")
        axes.annotate(text, (place, height), (0, 2), textcoords="offset points", ha="center", fontsize=8)
    axes.set_xticks(range(len(view.costs)), [sanitise(name) for name in view.costs], rotation=20, ha="right")
    axes.set_title(title, fontsize=9)
    axes.margins(y=0.15)
