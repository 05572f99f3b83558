"""The figure of how training grows: what a unit costs, beside a line that is flat, and the memory held."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.report.figure import ArmStyle, other_styles
from bench.report.figures.panels import drawn, from_zero, logarithmic
from bench.report.tables.growth import LIMIT_BYTES, MEASURED, SHOWN, above_libraries, where
from bench.store.growth_record import BATCH, HEADS, TRAINING, Growth
from bench.store.sanitise import sanitise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MIB = 2**20


def draw(growth: Growth, form: str) -> bytes:
    """The figure as svg or png."""
    panels = (_seconds, _full) if growth.against == BATCH else (_per_unit, _memory)
    title = f"{SHOWN[growth.against].title}\n{where(growth)}"
    return drawn(title, [partial(panel, growth) for panel in panels], form)


def _per_unit(growth: Growth, axes: Axes) -> None:
    """Each stage, and from its first point a dotted line: what it would be if it were flat."""
    columns = SHOWN[growth.against].columns(growth)[: 2 if growth.against == HEADS else None]
    for column, look in zip(columns, other_styles(), strict=False):
        found = [(point.size, stage) for point in growth.points if (stage := column.of(point)) is not None]
        values = [1e6 * stage.seconds / stage.units for _, stage in found]
        _line(axes, [size for size, _ in found], values, look, column.title)
        axes.plot([found[0][0], found[-1][0]], [values[0]] * 2, ":", color=look.colour, linewidth=0.8)
    _sizes(growth, axes)
    if growth.against == HEADS:
        from_zero(axes)
    else:
        logarithmic(axes, "y")
    axes.set(ylabel="microseconds (dotted: flat)")


def _memory(growth: Growth, axes: Axes) -> None:
    """What is not known is not drawn, and where nothing is, that is said."""
    for stage, look in zip(MEASURED, other_styles(), strict=False):
        held = [(point.size, above_libraries(point, point.stage(stage))) for point in growth.points]
        known = [(size, one / _MIB) for size, one in held if one is not None]
        if known:
            _line(axes, [size for size, _ in known], [one for _, one in known], look, stage)
    _sizes(growth, axes)
    axes.set(ylabel="peak MiB beyond the libraries")
    from_zero(axes)
    if not axes.lines:
        axes.text(0.5, 0.5, "unknown", ha="center", transform=axes.transAxes)


def _sizes(growth: Growth, axes: Axes) -> None:
    axes.set(xlabel=SHOWN[growth.against].size)
    if growth.against == HEADS:
        axes.set_xticks([point.size for point in growth.points])
    else:
        logarithmic(axes, "x")


def _line(axes: Axes, sizes: list[int], values: list[float], look: ArmStyle, label: str) -> None:
    axes.plot(sizes, values, look.line, color=look.colour, marker=look.marker, label=sanitise(label))


def _seconds(growth: Growth, axes: Axes) -> None:
    (point,) = growth.points
    known = {task: stage.seconds for task in growth.tasks if (stage := point.stage(TRAINING, task)) is not None}
    _bars(axes, known)
    axes.set(xlabel="seconds for an update")


def _full(growth: Growth, axes: Axes) -> None:
    """The whole of the process, with its limit."""
    (point,) = growth.points
    stages = {task: point.stage(TRAINING, task) for task in growth.tasks}
    _bars(axes, {task: one.peak_bytes / 1e9 for task, one in stages.items() if one is not None and one.peak_bytes})
    limit = LIMIT_BYTES / 1e9
    axes.axvline(limit, color="black", linewidth=1)
    axes.annotate(f"{limit:g} GB", (limit, 1), (0, 2), xycoords=("data", "axes fraction"), textcoords="offset points",
                  ha="center", va="bottom", fontsize=8)  # fmt: skip
    axes.set(xlabel="peak memory of the process (GB)")
    axes.set_xlim(0, limit * 1.05)


def _bars(axes: Axes, values: dict[str, float]) -> None:
    look = next(other_styles())
    axes.barh(range(len(values)), list(values.values()), color=look.colour)
    axes.set_yticks(range(len(values)), [sanitise(task) for task in values])
    axes.invert_yaxis()
    axes.grid(axis="x")
