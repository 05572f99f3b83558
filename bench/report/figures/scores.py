"""Figure: the primary score of every task in every arm, with the figures that papers printed on a lane of their own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from bench.report import words
from bench.report.comparison import Arm
from bench.report.figures.sheet import ROW_INCHES, Sheet, columns, task_axis
from bench.report.figures.style import PAPERS, look
from bench.report.tables.published import Published, published_for
from bench.report.tables.scores import values
from bench.report.view import View
from bench.store.sanitise import sanitise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LANE_INCHES = 0.14  # as high as the marker of a mean, so that no arm covers another


def figures(view: View) -> Iterator[Sheet]:
    """One figure: each seed a small point, their mean a large one, papers hollow."""
    one, papers = view.comparison, () if view.demo else published_for(view.comparison.tasks)
    lanes = len(one.arms) + bool(papers)
    row_inches = max(ROW_INCHES, _LANE_INCHES * (lanes + 0.8))
    sheet = Sheet(view, "scores", "Primary score on the test set", 1.9 + row_inches * len(one.tasks))
    axes = sheet.figure.subplots()
    for lane, arm in enumerate(one.arms):
        _arm(sheet, axes, view, arm, _shift(lane, lanes, row_inches))
    _papers(sheet, axes, view, papers, _shift(lanes - 1, lanes, row_inches))
    for row in range(1, len(one.tasks)):
        axes.axhline(row - 0.5, color="0.85", linewidth=0.6)
    task_axis(axes, [f"{task} ({one.primary(task)})" for task in one.tasks])
    shown = "score x100; small: each seed, large: mean over seeds" + ("; hollow: published" if papers else "")
    axes.set_xlabel(shown, loc="right")
    _, labels = axes.get_legend_handles_labels()
    sheet.figure.legend(loc="outside lower center", ncols=columns(labels), frameon=False)
    yield sheet


def _shift(lane: int, lanes: int, row_inches: float) -> float:
    return (lane - (lanes - 1) / 2) * _LANE_INCHES / row_inches


def _arm(sheet: Sheet, axes: Axes, view: View, arm: Arm, shift: float) -> None:
    one, style, label = view.comparison, look(arm.name), sanitise(arm.name)
    for row, task in enumerate(one.tasks):
        found = values(one, arm.name, task, one.primary(task))
        shown = {seed: 100 * value for seed, value in found.items() if math.isfinite(value)}
        for seed, value in shown.items() if len(shown) > 1 else ():
            (mark,) = axes.plot(value, row + shift, style.marker, color=style.colour, markersize=3, alpha=0.7)
            sheet.show_on_hover(mark, f"{task}, {arm.name}, seed {seed}: {value:.1f}")
        if shown:
            (mark,) = axes.plot(
                fmean(shown.values()), row + shift, style.marker, color=style.colour, markersize=7,
                markeredgecolor="black", markeredgewidth=0.6, label=label,
            )  # fmt: skip
            sheet.show_on_hover(mark, f"{task}, {arm.name}: {words.mean_and_spread(list(found.values()))}")
            label = "_"  # one entry an arm in the legend


def _papers(sheet: Sheet, axes: Axes, view: View, papers: Sequence[Published], shift: float) -> None:
    marks = dict(zip(dict.fromkeys(paper.source for paper in papers), PAPERS, strict=False))
    labels = {source: f"published {source.mark} {source.short}" for source in marks}
    for paper in papers:
        for row, task in enumerate(view.comparison.tasks):
            if task in paper.figures:
                (mark,) = axes.plot(
                    paper.figures[task], row + shift, marks[paper.source], color="black", fillstyle="none",
                    markersize=5, markeredgewidth=0.8, label=labels[paper.source],
                )  # fmt: skip
                labels[paper.source] = "_"
                sheet.show_on_hover(mark, f"{task}: {paper.cell(task)}, {paper.system}, {paper.source.citation}")
