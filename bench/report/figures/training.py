"""Figures of the trainings: what they cost, and the score on the development set after each epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench.report.comparison import ArmRuns, Comparison
from bench.report.costs import costs
from bench.report.figure import ReportFigure, arm_style
from bench.store.sanitise import sanitise

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

# The title of each panel, its quantity and the unit of that.
_COST_PANELS = (
    ("training, as recorded\n(minutes)", "train_seconds", 60),
    ("weights on disk\n(MiB)", "weights_bytes", 2**20),
    ("peak memory, as recorded\n(MiB)", "peak_memory_bytes", 2**20),
)

_COLUMNS = 4
_CURVES_TITLE = "Primary score (x100) on the development set after each epoch of training"


def cost(comparison: Comparison) -> Iterator[ReportFigure]:
    """One figure, where any arm has answered every task; what is unknown has no bar and says so."""
    found = costs(comparison)
    if not found:
        return
    drawn = ReportFigure(comparison, "cost", "Cost of all tasks together", 3.2)
    for axes, (title, quantity, unit) in zip(drawn.figure.subplots(1, len(_COST_PANELS)), _COST_PANELS, strict=True):
        for index, (name, of_arm) in enumerate(found.items()):
            amount, style = of_arm[quantity], arm_style(name)
            height = (amount or 0) / unit
            text = "unknown" if amount is None else f"{height:,.1f}"
            (bar,) = axes.bar(index, height, color=style.colour, hatch=style.hatch, edgecolor="black")
            drawn.show_on_hover(bar, f"{name}: {text}")
            axes.annotate(text, (index, height), (0, 2), textcoords="offset points", ha="center", fontsize=8)
        axes.set_xticks(range(len(found)), [sanitise(name) for name in found], rotation=20, ha="right")
        axes.set_title(title, fontsize=9)
        axes.margins(y=0.15)
    yield drawn


def curves(comparison: Comparison) -> Iterator[ReportFigure]:
    """One figure, where any training was scored on a development set."""
    if not any(result.training.dev_scores for arm in comparison.trained for result in arm.results):
        return
    tasks = comparison.tasks
    across = min(_COLUMNS, len(tasks))
    down = math.ceil(len(tasks) / across)
    drawn = ReportFigure(comparison, "curves", _CURVES_TITLE, 1.2 + 1.7 * down)
    panels = drawn.figure.subplots(down, across, squeeze=False).ravel()
    # Panels of one size in a grid: to have their layout worked out takes as long as all other figures.
    drawn.figure.set_layout_engine(None)
    inch = 1 / drawn.figure.get_figheight()
    drawn.figure.subplots_adjust(0.06, 0.75 * inch, 0.98, 1 - 0.7 * inch, wspace=0.28, hspace=0.75)
    legend: dict[str, Artist] = {}
    for axes, task in zip(panels, tasks, strict=False):
        axes.set_title(sanitise(task), fontsize=8)
        axes.set_xlabel("epoch", fontsize=7)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid()
        for arm in comparison.trained:
            _curve(drawn, axes, arm, task)
        handles, labels = axes.get_legend_handles_labels()
        legend |= dict(zip(labels, handles, strict=True))
    for axes in panels[len(tasks) :]:
        axes.set_axis_off()
    drawn.legend(list(legend), list(legend.values()))
    yield drawn


def _curve(drawn: ReportFigure, axes: Axes, arm: ArmRuns, task: str) -> None:
    style, label = arm_style(arm.name), sanitise(arm.name)
    for seed, result in arm.of_task(task).items():
        curve = [100 * scores.get(task, math.nan) for scores in result.training.dev_scores]
        (line,) = axes.plot(range(1, len(curve) + 1), curve, style.line, color=style.colour, marker=style.marker,
                            markersize=3, label=label)  # fmt: skip
        drawn.show_on_hover(line, f"{task}, {arm.name}, seed {seed}; epoch {result.training.best_epoch} was best")
        label = "_"  # one entry an arm in the legend
