"""The figures of one comparison, drawn off screen: readable in grey and by readers who see few colours."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import fmean
from typing import TYPE_CHECKING

from bench import statistics
from bench.report.comparison import Arm, Comparison
from bench.report.cost import Cost, cost_of
from bench.report.differences import Contrast
from bench.report.inert import plain, stem
from bench.report.scores import values
from bench.report.sections import View
from bench.report.style import RC, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH_INCHES = 7.2
_ROW_INCHES = 0.42
_ARM_INCHES = 0.14  # as high as the marker of a mean, so that no arm covers another


@contextmanager
def _style() -> Iterator[None]:
    import matplotlib

    with matplotlib.rc_context(dict(RC)):
        yield


def draw(view: View, form: str) -> dict[str, bytes]:
    """File stem -> figure, as svg or png."""
    drawn = {}
    with _style():
        for name, figure in _figures(view).items():
            buffer = io.BytesIO()
            figure.savefig(buffer, format=form, dpi=160, metadata={"Date": None} if form == "svg" else None)
            drawn[stem(f"{view.comparison.name}-{name}")] = buffer.getvalue()
    return drawn


def _figures(view: View) -> dict[str, Figure]:
    found = {"scores": _scores(view)}
    for contrast in view.contrasts:
        if contrast.each:
            found[f"difference-{contrast.arm}"] = _forest(view, contrast)
    if any(arm.results[0].training.development for arm in view.comparison.trained):
        found["curves"] = _curves(view)
    costs = {arm.name: cost for arm in view.comparison.trained if (cost := cost_of(view.comparison, arm))}
    if costs:
        found["cost"] = _cost(view, costs)
    return found


def _sheet(view: View, title: str, height_inches: float) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_INCHES, height_inches), layout="constrained")
    figure.suptitle(f"{title}\n{plain(view.title)}", fontsize=10)
    return figure


def _task_axis(axes: Axes, tasks: Sequence[str]) -> None:
    axes.set_yticks(range(len(tasks)), [plain(task) for task in tasks])
    axes.set_ylim(len(tasks) - 0.5, -0.5)
    axes.grid(axis="x")


def _scores(view: View) -> Figure:
    """Each seed a small point, their mean a large one."""
    one = view.comparison
    row_inches = max(_ROW_INCHES, _ARM_INCHES * (len(one.arms) + 0.5))
    figure = _sheet(view, "Primary score on the test set", 1.6 + row_inches * len(one.tasks))
    axes = figure.subplots()
    for place, arm in enumerate(one.arms):
        shift = (place - (len(one.arms) - 1) / 2) * _ARM_INCHES / row_inches
        _arm_points(axes, one, arm, shift)
    _task_axis(axes, [f"{task} ({one.score(task).metrics[0].name})" for task in one.tasks])
    axes.set_xlabel("score x100; small: each seed, large: mean over seeds")
    figure.legend(loc="outside lower center", ncols=min(4, len(one.arms)), frameon=False)
    return figure


def _arm_points(axes: Axes, one: Comparison, arm: Arm, shift: float) -> None:
    style, label = look(arm.name), plain(arm.name)
    for row, task in enumerate(one.tasks):
        found = list(values(one, arm.name, task, one.score(task).metrics[0].name).values())
        shown = [100 * value for value in found if math.isfinite(value)]
        if not shown:
            continue
        axes.plot(shown, [row + shift] * len(shown), style.marker, color=style.colour, markersize=3, alpha=0.7)
        axes.plot(
            [fmean(shown)], [row + shift], style.marker, color=style.colour, markersize=7, markeredgecolor="black",
            markeredgewidth=0.6, label=label,
        )  # fmt: skip
        label = "_"  # one entry an arm in the legend


def _forest(view: View, contrast: Contrast) -> Figure:
    """Differences with their intervals, and the margin within which a loss does not count."""
    lines = [*contrast.each, *([contrast.mean] if contrast.mean else [])]
    figure = _sheet(view, f"{plain(contrast.arm)} minus single_task", 1.6 + _ROW_INCHES * len(lines))
    axes = figure.subplots()
    margin = 100 * statistics.MARGIN
    axes.axvspan(-margin, margin, color="0.9", label=f"within {margin:g} point")
    axes.axvline(0, color="black", linewidth=0.8)
    style = look(contrast.arm)
    for row, line in enumerate(lines):
        marker = "D" if line is contrast.mean else "o"
        axes.plot([100 * line.low, 100 * line.high], [row, row], color=style.colour, linewidth=2)
        axes.plot([100 * line.value], [row], marker, color=style.colour, markersize=6, markeredgecolor="black")
        axes.annotate(
            statistics.verdict(line), (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=8
        )
    _task_axis(axes, [line.name for line in lines])
    axes.set_xlabel("difference in points, 95 % interval; right is better than single_task")
    figure.legend(loc="outside lower center", frameon=False)
    return figure


def _curves(view: View) -> Figure:
    """Scores on the development split after each round, one panel a task, one line a seed."""
    one, columns = view.comparison, min(4, len(view.comparison.tasks))
    lines = math.ceil(len(one.tasks) / columns)
    figure = _sheet(
        view, "Primary score (x100) on the development split after each round of training", 1.2 + 1.7 * lines
    )
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, task in zip(panels, one.tasks, strict=False):
        axes.set_title(plain(task), fontsize=8)
        axes.set_xlabel("round", fontsize=7)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid()
        for arm in one.trained:
            _arm_curves(axes, arm, task)
    for axes in panels[len(one.tasks) :]:
        axes.set_axis_off()
    entries = (zip(*axes.get_legend_handles_labels(), strict=True) for axes in panels)
    legend = {label: handle for panel in entries for handle, label in panel}
    figure.legend(legend.values(), legend.keys(), loc="outside lower center", ncols=4, frameon=False)
    return figure


def _arm_curves(axes: Axes, arm: Arm, task: str) -> None:
    style, label = look(arm.name), plain(arm.name)
    for result in arm.by_task.get(task, {}).values():
        curve = [100 * scores.get(task, math.nan) for scores in result.training.development]
        rounds = range(1, len(curve) + 1)
        axes.plot(rounds, curve, style.line, color=style.colour, marker=style.marker, markersize=3, label=label)
        label = "_"


_BARS: tuple[tuple[str, Callable[[Cost], float | None], float], ...] = (
    ("training\n(minutes)", lambda cost: cost.train_seconds, 60),
    ("weights on disk\n(MiB)", lambda cost: cost.weights_bytes, 2**20),
    ("peak memory\n(MiB)", lambda cost: cost.peak_memory_bytes, 2**20),
)


def _cost(view: View, costs: dict[str, Cost]) -> Figure:
    """Bars for all tasks together, one group a quantity; what is unknown has no bar and says so."""
    figure = _sheet(view, "Cost of all tasks together", 3.2)
    for axes, (title, measure, unit) in zip(figure.subplots(1, len(_BARS)), _BARS, strict=True):
        for place, (name, cost) in enumerate(costs.items()):
            amount, style = measure(cost), look(name)
            axes.bar(place, (amount or 0) / unit, color=style.colour, hatch=style.hatch, edgecolor="black")
            text = "unknown" if amount is None else f"{amount / unit:,.1f}"
            axes.annotate(
                text, (place, (amount or 0) / unit), (0, 2), textcoords="offset points", ha="center", fontsize=8
            )
        axes.set_xticks(range(len(costs)), [plain(name) for name in costs], rotation=20, ha="right")
        axes.set_title(title, fontsize=9)
        axes.margins(y=0.15)
    return figure
