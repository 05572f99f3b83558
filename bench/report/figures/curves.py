"""Figure: scores on the development set after each epoch of training, one panel a task, one line a seed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench.report.arms import ArmRuns
from bench.report.comparison import Comparison
from bench.report.figure import ReportFigure, arm_style
from bench.store.sanitise import sanitise

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_COLUMNS = 4
_TITLE = "Primary score (x100) on the development set after each epoch of training"


def figures(comparison: Comparison) -> Iterator[ReportFigure]:
    """One figure, where any training was scored on a development set."""
    if not any(result.training.dev_scores for arm in comparison.trained for result in arm.results):
        return
    tasks = comparison.tasks
    across = min(_COLUMNS, len(tasks))
    down = math.ceil(len(tasks) / across)
    drawn = ReportFigure(comparison, "curves", _TITLE, 1.2 + 1.7 * down)
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
            _arm(drawn, axes, arm, task)
        handles, labels = axes.get_legend_handles_labels()
        legend |= dict(zip(labels, handles, strict=True))
    for axes in panels[len(tasks) :]:
        axes.set_axis_off()
    drawn.legend(list(legend), list(legend.values()))
    yield drawn


def _arm(drawn: ReportFigure, axes: Axes, arm: ArmRuns, task: str) -> None:
    style, label = arm_style(arm.name), sanitise(arm.name)
    for seed, result in arm.of_task(task).items():
        curve = [100 * scores.get(task, math.nan) for scores in result.training.dev_scores]
        (line,) = axes.plot(range(1, len(curve) + 1), curve, style.line, color=style.colour, marker=style.marker,
                            markersize=3, label=label)  # fmt: skip
        drawn.show_on_hover(line, f"{task}, {arm.name}, seed {seed}; epoch {result.training.best_epoch} was best")
        label = "_"  # one entry an arm in the legend
