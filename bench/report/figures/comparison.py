"""The figures of one comparison: scores, gains over the single-task baseline, costs and curves of training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from bench.report import numbers
from bench.report.arms import SINGLE, ArmRuns
from bench.report.comparison import Comparison, Contrast
from bench.report.costs import costs
from bench.report.figure import ROW_INCHES, ReportFigure, arm_style, task_axis
from bench.report.papers import Published, published_for
from bench.statistics.comparing import MARGIN, verdict
from bench.store.sanitise import sanitise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LANE_INCHES = 0.14  # as high as the marker of a mean, so that no arm covers another
# One a paper: hollow and black, so that they are never taken for ours.
_PAPER_MARKERS = ("o", "s", "^", "v", "D")

# The title of each panel, its quantity and the unit of that.
_COST_PANELS = (
    ("training, as recorded\n(minutes)", "train_seconds", 60),
    ("weights on disk\n(MiB)", "weights_bytes", 2**20),
    ("peak memory, as recorded\n(MiB)", "peak_memory_bytes", 2**20),
)

_CURVES_ACROSS = 4
_CURVES_TITLE = "Primary score (x100) on the development set after each epoch of training"


def scores(comparison: Comparison) -> Iterator[ReportFigure]:
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
        found = comparison.values(arm.name, task)
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


def differences(comparison: Comparison) -> Iterator[ReportFigure]:
    """A forest plot of each arm that can be compared, and a strip plot of each that has several seeds in common."""
    yield from (_forest(comparison, contrast) for contrast in comparison.contrasts if contrast.each)
    for contrast in comparison.contrasts:
        # Task -> seed -> difference in points, where both arms have it.
        gains: dict[str, dict[int, float]] = {}
        for task in (paired.name for paired in contrast.pairs):
            first, second = (comparison.values(arm, task) for arm in (SINGLE, contrast.arm))
            both = {seed: 100 * (second[seed] - first[seed]) for seed in first if seed in second}
            gains[task] = {seed: value for seed, value in both.items() if math.isfinite(value)}
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
    across = min(_CURVES_ACROSS, len(tasks))
    down = math.ceil(len(tasks) / across)
    drawn = ReportFigure(comparison, "curves", _CURVES_TITLE, 1.2 + 1.7 * down)
    panels = drawn.figure.subplots(down, across, squeeze=False).ravel()
    # Panels of one size in a grid: to have their layout worked out takes as long as all other figures.
    drawn.figure.set_layout_engine(None)
    inch = 1 / drawn.figure.get_figheight()
    drawn.figure.subplots_adjust(0.06, 0.75 * inch, 0.98, 1 - 0.7 * inch, wspace=0.28, hspace=0.75)
    legend: dict[str, object] = {}
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
