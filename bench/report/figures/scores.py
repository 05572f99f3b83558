"""Figure: the primary score of every task in every arm, with the figures that papers printed on a lane of their own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from bench.report import numbers
from bench.report.arms import ArmRuns
from bench.report.comparison import Comparison
from bench.report.figure import ROW_INCHES, ReportFigure, arm_style, task_axis
from bench.report.tables.published import Published, published_for
from bench.store.sanitise import sanitise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LANE_INCHES = 0.14  # as high as the marker of a mean, so that no arm covers another
# One a paper: hollow and black, so that they are never taken for ours.
_PAPER_MARKERS = ("o", "s", "^", "v", "D")


def figures(comparison: Comparison) -> Iterator[ReportFigure]:
    """One figure: each seed a small point, their mean a large one, papers hollow."""
    arms, tasks, papers = comparison.arms, comparison.tasks, published_for(comparison)
    lanes = len(arms) + bool(papers)
    row_inches = max(ROW_INCHES, _LANE_INCHES * (lanes + 0.8))
    shifts = [(lane - (lanes - 1) / 2) * _LANE_INCHES / row_inches for lane in range(lanes)]
    drawn = ReportFigure(comparison, "scores", "Primary score on the test set", 1.9 + row_inches * len(tasks))
    axes = drawn.figure.subplots()
    for arm, shift in zip(arms, shifts, strict=False):
        _arm(drawn, axes, comparison, arm, shift)
    _papers(drawn, axes, tasks, papers, shifts[-1])
    for row in range(1, len(tasks)):
        axes.axhline(row - 0.5, color="0.85", linewidth=0.6)
    task_axis(axes, [f"{task} ({comparison.primary(task)})" for task in tasks])
    shown = "score x100; small: each seed, large: mean over seeds" + ("; hollow: published" if papers else "")
    axes.set_xlabel(shown, loc="right")
    drawn.legend(axes.get_legend_handles_labels()[1])
    yield drawn


def _arm(drawn: ReportFigure, axes: Axes, comparison: Comparison, arm: ArmRuns, shift: float) -> None:
    style, label = arm_style(arm.name), sanitise(arm.name)
    for row, task in enumerate(comparison.tasks):
        found = arm.values(task, comparison.primary(task))
        shown = {seed: 100 * value for seed, value in found.items() if math.isfinite(value)}
        for seed, value in shown.items() if len(shown) > 1 else ():
            (mark,) = axes.plot(value, row + shift, style.marker, color=style.colour, markersize=3, alpha=0.7)
            drawn.show_on_hover(mark, f"{task}, {arm.name}, seed {seed}: {value:.1f}")
        if shown:
            (mark,) = axes.plot(
                fmean(shown.values()), row + shift, style.marker, color=style.colour, markersize=7,
                markeredgecolor="black", markeredgewidth=0.6, label=label,
            )  # fmt: skip
            drawn.show_on_hover(mark, f"{task}, {arm.name}: {numbers.mean_and_spread(list(found.values()))}")
            label = "_"  # one entry an arm in the legend


def _papers(drawn: ReportFigure, axes: Axes, tasks: Sequence[str], papers: Sequence[Published], shift: float) -> None:
    markers = dict(zip(dict.fromkeys(paper.source for paper in papers), _PAPER_MARKERS, strict=False))
    labels = {source: f"published {source.mark} {source.short}" for source in markers}
    for paper in papers:
        for row, task in enumerate(tasks):
            if task in paper.figures:
                (mark,) = axes.plot(
                    paper.figures[task], row + shift, markers[paper.source], color="black", fillstyle="none",
                    markersize=5, markeredgewidth=0.8, label=labels[paper.source],
                )  # fmt: skip
                labels[paper.source] = "_"
                drawn.show_on_hover(mark, f"{task}: {paper.cell(task)}, {paper.system}, {paper.source.citation}")
