"""Figures of each arm's gain over the single-task baseline: with its interval (a forest plot), and seed by seed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from statistics import fmean

from bench.report import numbers
from bench.report.arms import SINGLE
from bench.report.comparison import Comparison
from bench.report.contrasts import Contrast
from bench.report.figure import ROW_INCHES, ReportFigure, arm_style, task_axis
from bench.statistics.comparing import MARGIN, verdict


def figures(comparison: Comparison) -> Iterator[ReportFigure]:
    """A forest plot of each arm that can be compared, and a strip plot of each that has several seeds in common."""
    yield from (_forest(comparison, contrast) for contrast in comparison.contrasts if contrast.each)
    for contrast in comparison.contrasts:
        gains = {paired.name: _gains(comparison, contrast.arm, paired.name) for paired in contrast.pairs}
        if any(len(by_seed) > 1 for by_seed in gains.values()):
            yield _strip(comparison, contrast.arm, gains)


def _forest(comparison: Comparison, contrast: Contrast) -> ReportFigure:
    lines, margin, style = contrast.lines, 100 * MARGIN, arm_style(contrast.arm)
    title, height_inches = f"{contrast.arm} minus single_task", 1.6 + ROW_INCHES * len(lines)
    drawn = ReportFigure(comparison, f"difference-{contrast.arm}", title, height_inches)
    axes = drawn.figure.subplots()
    axes.axvspan(-margin, margin, color="0.9", label=f"within {margin:g} point{'s' * (margin != 1)}")
    axes.axvline(0, color="black", linewidth=0.8)
    for row, line in enumerate(lines):
        axes.plot([100 * line.low, 100 * line.high], [row, row], color=style.colour, linewidth=2)
        shape = "D" if line is contrast.mean else "o"
        (mark,) = axes.plot(100 * line.value, row, shape, color=style.colour, markersize=6, markeredgecolor="black")
        judged, value = verdict(line), numbers.points(line.value, signed=True)
        drawn.show_on_hover(mark, f"{line.name}: {value} {numbers.interval(line.low, line.high)}, {judged}")
        axes.annotate(judged, (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    task_axis(axes, [line.name for line in lines])
    axes.set_xlabel("difference in points, 95 % interval; right is better than single_task", loc="right")
    drawn.legend([])
    return drawn


def _gains(comparison: Comparison, arm: str, task: str) -> dict[int, float]:
    """Seed -> difference in points, where both arms have it."""
    first, second = (comparison.values(name, task) for name in (SINGLE, arm))
    both = {seed: 100 * (second[seed] - first[seed]) for seed in first if seed in second}
    return {seed: value for seed, value in both.items() if math.isfinite(value)}


def _strip(comparison: Comparison, arm: str, gains: Mapping[str, Mapping[int, float]]) -> ReportFigure:
    title, height_inches = f"{arm} minus single_task, one point a seed", 1.4 + ROW_INCHES * len(gains)
    drawn = ReportFigure(comparison, f"seeds-{arm}", title, height_inches)
    axes, style = drawn.figure.subplots(), arm_style(arm)
    axes.axvline(0, color="black", linewidth=0.8)
    for row, (task, by_seed) in enumerate(gains.items()):
        for index, (seed, value) in enumerate(by_seed.items()):
            # A little apart, so that equal seeds do not cover each other.
            height = row + 0.3 * ((index + 0.5) / len(by_seed) - 0.5)
            (mark,) = axes.plot(value, height, style.marker, color=style.colour, markersize=5, markeredgecolor="black",
                                markeredgewidth=0.5)  # fmt: skip
            drawn.show_on_hover(mark, f"{task}, seed {seed}: {value:+.1f}")
        if by_seed:
            axes.plot([fmean(by_seed.values())] * 2, [row - 0.3, row + 0.3], color="black", linewidth=1.4)
    task_axis(axes, list(gains))
    axes.set_xlabel("difference in points; bar: mean over seeds; right is better than single_task", loc="right")
    return drawn
