"""The figure of a measurement of speed: panels side by side, in which lines go by size, or bars by arm or task."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from bench.report.figure import arm_style, bench_style, other_styles
from bench.report.tables.speed_layout import SUBJECTS, Key, title
from bench.report.tables.training import WITH_MEMORY, microseconds, stages
from bench.store import speed_record as record
from bench.store.sanitise import sanitise
from bench.store.speed_record import Speed, Timing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LIMIT_GB = 8.0
"""What training at BERT-base's size with the paper's batches must fit in."""

_INCHES = (3.6, 3.2)


def draw(speed: Speed, form: str) -> bytes:
    """The figure as svg or png; a panel whose lines have names gets their legend."""
    from matplotlib.figure import Figure

    panels = list(_panels(speed))
    with bench_style():
        figure = Figure(figsize=(max(2, len(panels)) * _INCHES[0], _INCHES[1]), layout="constrained")
        figure.suptitle("\n".join(map(sanitise, title(speed).split(": ", 1))), fontsize=10)
        for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False).ravel(), panels, strict=True):
            panel(axes)
            if axes.get_legend_handles_labels()[0]:
                axes.grid()
                axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=8)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=form, dpi=160, metadata={"Date": None} if form == "svg" else None)
    return buffer.getvalue()


def _panels(speed: Speed) -> Iterator[Callable[[Axes], None]]:
    """The panels that the measurement allows."""
    if speed.kind == record.INFERENCE:
        for work, value, labels in _BY_ARM:
            if work == record.NOTES or speed.sizes(work):
                keys = {arm: (work, arm, "") for arm in speed.arms}
                yield Lines(speed, keys, value, labels, "" if work == record.BY_TASKS else "xy").draw
    elif speed.kind == record.TRAINING:
        rates = {one.arm: one.tokens_per_second for one in speed.timings if one.work == record.TRAINING}
        yield partial(_bars, rates, "real tokens a second")
    elif speed.subject == record.BATCH:
        timings = {task: speed.timing(record.TRAINING, task=task) for task in speed.tasks}
        yield partial(_bars, {task: one.median_seconds for task, one in timings.items()}, "seconds for an update")
        held = {task: one.peak_bytes / 1e9 for task, one in timings.items() if one.peak_bytes}
        yield partial(_bars, held, "peak memory of the process (GB)", limit=LIMIT_GB)
    else:
        # Heads are few: their axes begin at 0, and of their lines that of all and that of one task are enough.
        heads, xlabel = speed.subject == record.HEADS, SUBJECTS[speed.subject][1]
        keys = dict(list(stages(speed).items())[: 2 if heads else None])
        labels = xlabel, "microseconds (dotted: flat)"
        yield Lines(speed, keys, microseconds, labels, "" if heads else "xy", flat=True).draw
        keys = {work: (work, "", "") for work in WITH_MEMORY}
        yield Lines(speed, keys, _mib_above_base, (xlabel, "peak MiB beyond the libraries"), "" if heads else "x").draw


def _mib_above_base(timing: Timing) -> float:
    return math.nan if timing.bytes_above_base is None else timing.bytes_above_base / 2**20


_seconds, _units_per_second = attrgetter("median_seconds"), attrgetter("units_per_second")
_BY_ARM = (
    (record.NOTES, _units_per_second, ("notes at a time", "notes a second, all span tasks")),
    (record.BY_TASKS, _seconds, ("tasks, span tasks first", "seconds for notes and pairs")),
    (record.BY_LENGTH, _seconds, ("characters of one note", "seconds for it, all span tasks")),
)
"""A panel of inference: a work, what is shown of it, and the names of the axes."""


@dataclass(frozen=True)
class Lines:
    """A panel of lines by size, one for each key; with `flat` a dotted line goes on from each first point."""

    speed: Speed
    keys: Mapping[str, Key]
    value: Callable[[Timing], float]
    labels: tuple[str, str]
    logarithmic: str
    flat: bool = False

    def draw(self, axes: Axes) -> None:
        """What is not known is not drawn, and where nothing is, that is said."""
        styles = other_styles()
        for name, (work, arm, task) in self.keys.items():
            style = arm_style(arm) if arm else next(styles)
            found = {size: self.value(self.speed.timing(work, arm, size, task)) for size in self.speed.sizes(work)}
            if known := [(size, one) for size, one in found.items() if math.isfinite(one)]:
                sizes, values = zip(*known, strict=True)
                axes.plot(sizes, values, style.line, color=style.colour, marker=style.marker, label=sanitise(name))
                if self.flat:
                    axes.plot([sizes[0], sizes[-1]], [values[0]] * 2, ":", color=style.colour, linewidth=0.8)
        _axes(axes, *self.labels, self.logarithmic)
        if not axes.lines:
            axes.text(0.5, 0.5, "unknown", ha="center", transform=axes.transAxes)


def _bars(values: dict[str, float], xlabel: str, axes: Axes, limit: float = 0.0) -> None:
    """A bar for each name, and a line at the limit, if there is one."""
    axes.barh(range(len(values)), list(values.values()), color=next(other_styles()).colour)
    axes.set_yticks(range(len(values)), [sanitise(name) for name in values])
    axes.invert_yaxis()
    axes.grid(axis="x")
    if limit:
        axes.axvline(limit, color="black", linewidth=1)
        axes.annotate(f"{limit:g} GB", (limit, 1), (0, 2), xycoords=("data", "axes fraction"),
                      textcoords="offset points", ha="center", va="bottom", fontsize=8)  # fmt: skip
        axes.set_xlim(0, limit * 1.05)
    axes.set(xlabel=xlabel)


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
