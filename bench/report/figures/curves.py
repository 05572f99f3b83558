"""Figure: scores on the development split after each round of training, one panel a task, one line a seed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench.report.comparison import Arm
from bench.report.figures.sheet import Sheet, columns
from bench.report.figures.style import look
from bench.report.view import View
from bench.store.sanitise import sanitise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 4
_TITLE = "Primary score (x100) on the development split after each round of training"


def figures(view: View) -> Iterator[Sheet]:
    """One figure, where any training was scored on a development split."""
    if not any(result.training.dev_scores for arm in view.comparison.trained for result in arm.results):
        return
    tasks = view.comparison.tasks
    across = min(_COLUMNS, len(tasks))
    lines = math.ceil(len(tasks) / across)
    sheet = Sheet(view, "curves", _TITLE, 1.2 + 1.7 * lines)
    panels = sheet.figure.subplots(lines, across, squeeze=False).ravel()
    for axes, task in zip(panels, tasks, strict=False):
        axes.set_title(sanitise(task), fontsize=8)
        axes.set_xlabel("round", fontsize=7)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid()
        for arm in view.comparison.trained:
            _arm(sheet, axes, arm, task)
    for axes in panels[len(tasks) :]:
        axes.set_axis_off()
    entries = (zip(*axes.get_legend_handles_labels(), strict=True) for axes in panels)
    legend = {label: handle for panel in entries for handle, label in panel}
    sheet.figure.legend(
        legend.values(), legend.keys(), loc="outside lower center", ncols=columns(list(legend)), frameon=False
    )
    yield sheet


def _arm(sheet: Sheet, axes: Axes, arm: Arm, task: str) -> None:
    style, label = look(arm.name), sanitise(arm.name)
    for seed, result in arm.by_task.get(task, {}).items():
        curve = [100 * scores.get(task, math.nan) for scores in result.training.dev_scores]
        (line,) = axes.plot(
            range(1, len(curve) + 1),
            curve,
            style.line,
            color=style.colour,
            marker=style.marker,
            markersize=3,
            label=label,
        )
        chosen = result.training.best_epoch
        sheet.show_on_hover(line, f"{task}, {arm.name}, seed {seed}; round {chosen} was chosen")
        label = "_"
