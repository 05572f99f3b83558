"""Figure: the difference that each seed alone would have reported, task by task (a strip plot)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean

from bench.report.comparison import SINGLE
from bench.report.figures.sheet import ROW_INCHES, Sheet, task_axis
from bench.report.figures.style import look
from bench.report.tables.scores import values
from bench.report.view import View


def figures(view: View) -> Iterator[Sheet]:
    """One figure an arm that has several seeds in common with the single-task baseline."""
    for contrast in view.contrasts:
        found = {paired.name: _differences(view, contrast.arm, paired.name) for paired in contrast.pairs}
        if any(len(each) > 1 for each in found.values()):
            yield _strip(view, contrast.arm, found)


def _differences(view: View, arm: str, task: str) -> dict[int, float]:
    """Seed -> difference in points, where both arms have it."""
    metric = view.comparison.primary(task)
    first, second = (values(view.comparison, name, task, metric) for name in (SINGLE, arm))
    both = {seed: 100 * (second[seed] - first[seed]) for seed in first if seed in second}
    return {seed: value for seed, value in both.items() if math.isfinite(value)}


def _strip(view: View, arm: str, found: dict[str, dict[int, float]]) -> Sheet:
    title, height_inches = f"{arm} minus single_task, one point a seed", 1.4 + ROW_INCHES * len(found)
    sheet = Sheet(view, f"seeds-{arm}", title, height_inches)
    axes, style = sheet.figure.subplots(), look(arm)
    axes.axvline(0, color="black", linewidth=0.8)
    for row, (task, each) in enumerate(found.items()):
        for place, (seed, value) in enumerate(each.items()):
            # A little apart, so that equal seeds do not cover each other.
            height = row + 0.3 * ((place + 0.5) / len(each) - 0.5)
            (mark,) = axes.plot(value, height, style.marker, color=style.colour, markersize=5, markeredgecolor="black",
                                markeredgewidth=0.5)  # fmt: skip
            sheet.show_on_hover(mark, f"{task}, seed {seed}: {value:+.1f}")
        if each:
            axes.plot([fmean(each.values())] * 2, [row - 0.3, row + 0.3], color="black", linewidth=1.4)
    task_axis(axes, list(found))
    axes.set_xlabel("difference in points; bar: mean over seeds; right is better than single_task", loc="right")
    return sheet
