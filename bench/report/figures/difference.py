"""Figure: each task's difference from the single-task baseline with its interval, and the margin (a forest plot)."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report import words
from bench.report.figures.sheet import ROW_INCHES, Sheet, task_axis
from bench.report.figures.style import look
from bench.report.tables.differences import Contrast, bounds, lines
from bench.report.view import View
from bench.statistics.comparing import MARGIN, verdict


def figures(view: View) -> Iterator[Sheet]:
    """One figure an arm that can be compared."""
    yield from (_forest(view, contrast) for contrast in view.contrasts if contrast.each)


def _forest(view: View, contrast: Contrast) -> Sheet:
    shown = lines(contrast)
    title, height_inches = f"{contrast.arm} minus single_task", 1.6 + ROW_INCHES * len(shown)
    sheet = Sheet(view, f"difference-{contrast.arm}", title, height_inches)
    axes = sheet.figure.subplots()
    margin, style = 100 * MARGIN, look(contrast.arm)
    axes.axvspan(-margin, margin, color="0.9", label=f"within {margin:g} point{'s' * (margin != 1)}")
    axes.axvline(0, color="black", linewidth=0.8)
    for row, line in enumerate(shown):
        axes.plot([100 * line.low, 100 * line.high], [row, row], color=style.colour, linewidth=2)
        shape = "D" if line is contrast.mean else "o"
        (mark,) = axes.plot(100 * line.value, row, shape, color=style.colour, markersize=6, markeredgecolor="black")
        judged, value = verdict(line), words.points(line.value, signed=True)
        sheet.show_on_hover(mark, f"{line.name}: {value} {bounds(line.low, line.high)}, {judged}")
        axes.annotate(judged, (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    task_axis(axes, [line.name for line in shown])
    axes.set_xlabel("difference in points, 95 % interval; right is better than single_task", loc="right")
    sheet.figure.legend(loc="outside lower center", frameon=False)
    return sheet
