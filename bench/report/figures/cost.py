"""Figure: what all tasks together cost in each arm, one panel a quantity."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.comparison import Comparison
from bench.report.figure import ReportFigure, arm_style
from bench.report.tables.cost import costs
from bench.store.sanitise import sanitise

# The title of each panel, its quantity and the unit of that.
_PANELS = (
    ("training, as recorded\n(minutes)", "train_seconds", 60),
    ("weights on disk\n(MiB)", "weights_bytes", 2**20),
    ("peak memory, as recorded\n(MiB)", "peak_memory_bytes", 2**20),
)


def figures(comparison: Comparison) -> Iterator[ReportFigure]:
    """One figure, where any arm has answered every task; what is unknown has no bar and says so."""
    found = costs(comparison)
    if not found:
        return
    drawn = ReportFigure(comparison, "cost", "Cost of all tasks together", 3.2)
    for axes, (title, quantity, unit) in zip(drawn.figure.subplots(1, len(_PANELS)), _PANELS, strict=True):
        for index, (name, cost) in enumerate(found.items()):
            amount, style = cost[quantity], arm_style(name)
            height = (amount or 0) / unit
            text = "unknown" if amount is None else f"{height:,.1f}"
            (bar,) = axes.bar(index, height, color=style.colour, hatch=style.hatch, edgecolor="black")
            drawn.show_on_hover(bar, f"{name}: {text}")
            axes.annotate(text, (index, height), (0, 2), textcoords="offset points", ha="center", fontsize=8)
        axes.set_xticks(range(len(found)), [sanitise(name) for name in found], rotation=20, ha="right")
        axes.set_title(title, fontsize=9)
        axes.margins(y=0.15)
    yield drawn
