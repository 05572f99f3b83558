"""The figure of a measurement of speed: panels side by side, in which lines go by size, or bars by task."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.report.figure import ArmStyle, arm_style, bench_style, other_styles
from bench.report.tables.speed_layout import SUBJECTS, title
from bench.report.tables.training import WITH_MEMORY, microseconds, stages
from bench.store import speed_record as record
from bench.store.sanitise import sanitise
from bench.store.speed_record import Speed, Timing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LIMIT_BYTES = 8_000_000_000
"""What training at BERT-base's size with the paper's batches must fit in."""

_INCHES = (3.6, 3.2)
_MIB = 2**20


def draw(speed: Speed, form: str) -> bytes:
    """The figure as svg or png; a panel whose lines have names gets their legend."""
    from matplotlib.figure import Figure

    panels = list(_panels(speed))
    with bench_style():
        figure = Figure(figsize=(max(2, len(panels)) * _INCHES[0], _INCHES[1]), layout="constrained")
        figure.suptitle("\n".join(map(sanitise, title(speed).split(": ", 1))), fontsize=10)
        for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False).ravel(), panels, strict=True):
            panel(speed, axes)
            if axes.get_legend_handles_labels()[0]:
                axes.grid()
                axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=8)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=form, dpi=160, metadata={"Date": None} if form == "svg" else None)
    return buffer.getvalue()


def _panels(speed: Speed) -> Iterator[Callable[[Speed, Axes], None]]:
    """What the measurement allows."""
    if speed.kind == record.INFERENCE:
        yield partial(_by_arm, record.NOTES, "notes at a time", "notes a second, all span tasks")
        if speed.sizes(record.BY_TASKS):
            yield partial(_by_arm, record.BY_TASKS, "tasks, span tasks first", "seconds for notes and pairs")
        if speed.sizes(record.BY_LENGTH):
            yield partial(_by_arm, record.BY_LENGTH, "characters of one note", "seconds for it, all span tasks")
    elif speed.kind == record.TRAINING:
        yield _trainings
    else:
        yield from (_update_seconds, _update_memory) if speed.subject == record.BATCH else (_per_unit, _memory)


def _by_arm(work: str, xlabel: str, ylabel: str, speed: Speed, axes: Axes) -> None:
    """A line for each arm of inference: notes a second, or seconds where the size is what grows."""
    for arm in speed.arms:
        found = [one for one in speed.timings if (one.work, one.arm) == (work, arm)]
        rates = work == record.NOTES
        _line(
            axes,
            arm,
            arm_style(arm),
            {one.size: one.units / one.median_seconds if rates else one.median_seconds for one in found},
        )
    _axes(axes, xlabel, ylabel, logarithmic="" if work == record.BY_TASKS else "xy")


def _trainings(speed: Speed, axes: Axes) -> None:
    rates = {one.arm: one.tokens / one.median_seconds for one in speed.timings if one.work == record.TRAINING}
    _bars(axes, rates)
    axes.set(xlabel="real tokens a second")


def _per_unit(speed: Speed, axes: Axes) -> None:
    """Each stage, and from its first point a dotted line: what it would be if it were flat."""
    heads = speed.subject == record.HEADS
    shown = list(stages(speed).items())[: 2 if heads else None]
    for (name, (work, task)), style in zip(shown, other_styles(), strict=False):
        found = {size: speed.timing(work, size=size, task=task) for size in speed.sizes(record.TRAINING)}
        values = {size: microseconds(one) for size, one in found.items() if one.seconds}
        _line(axes, name, style, values)
        sizes = list(values)
        axes.plot([sizes[0], sizes[-1]], [values[sizes[0]]] * 2, ":", color=style.colour, linewidth=0.8)
    _axes(axes, SUBJECTS[speed.subject][1], "microseconds (dotted: flat)", logarithmic="" if heads else "xy")


def _memory(speed: Speed, axes: Axes) -> None:
    """What is not known is not drawn, and where nothing is, that is said."""
    sizes = speed.sizes(record.TRAINING)
    for work, style in zip(WITH_MEMORY, other_styles(), strict=False):
        found = [speed.timing(work, size=size) for size in sizes]
        held = [one.bytes_above_base if one else None for one in found]
        _line(axes, work, style, {size: one and one / _MIB for size, one in zip(sizes, held, strict=True)})
    heads = speed.subject == record.HEADS
    _axes(axes, SUBJECTS[speed.subject][1], "peak MiB beyond the libraries", logarithmic="" if heads else "x")
    if not axes.lines:
        axes.text(0.5, 0.5, "unknown", ha="center", transform=axes.transAxes)


def _update_seconds(speed: Speed, axes: Axes) -> None:
    _bars(axes, {task: one.median_seconds for task, one in _by_task(speed)})
    axes.set(xlabel="seconds for an update")


def _update_memory(speed: Speed, axes: Axes) -> None:
    """The whole of the process, with its limit."""
    _bars(axes, {task: one.peak_bytes / 1e9 for task, one in _by_task(speed) if one.peak_bytes})
    limit = LIMIT_BYTES / 1e9
    axes.axvline(limit, color="black", linewidth=1)
    axes.annotate(f"{limit:g} GB", (limit, 1), (0, 2), xycoords=("data", "axes fraction"), textcoords="offset points",
                  ha="center", va="bottom", fontsize=8)  # fmt: skip
    axes.set(xlabel="peak memory of the process (GB)")
    axes.set_xlim(0, limit * 1.05)


def _by_task(speed: Speed) -> list[tuple[str, Timing]]:
    found = [(task, speed.timing(record.TRAINING, task=task)) for task in speed.tasks]
    return [(task, one) for task, one in found if one]


def _line(axes: Axes, label: str, style: ArmStyle, values: Mapping[int, float | None]) -> None:
    known = {size: value for size, value in values.items() if value is not None}
    if known:
        axes.plot(
            list(known),
            list(known.values()),
            style.line,
            color=style.colour,
            marker=style.marker,
            label=sanitise(label),
        )


def _bars(axes: Axes, values: dict[str, float]) -> None:
    axes.barh(range(len(values)), list(values.values()), color=next(other_styles()).colour)
    axes.set_yticks(range(len(values)), [sanitise(name) for name in values])
    axes.invert_yaxis()
    axes.grid(axis="x")


def _axes(axes: Axes, xlabel: str, ylabel: str, logarithmic: str) -> None:
    """Plain numbers at powers of ten on logarithmic axes, where text is shown as it stands; others begin at 0."""
    axes.set(xlabel=xlabel, ylabel=ylabel)
    for name in "xy":
        axis = getattr(axes, f"{name}axis")
        if name in logarithmic:
            axes.set(**{f"{name}scale": "log"})
            axis.set_minor_formatter("")
        if name in logarithmic or name == "y":
            axis.set_major_formatter(lambda value, place: f"{value:,.10g}")
    if "y" not in logarithmic:
        axes.margins(y=0.12)
        axes.set_ylim(bottom=0)
    if not logarithmic:
        axes.set_xticks(sorted({int(size) for line in axes.lines for size in np.asarray(line.get_xdata())}))
