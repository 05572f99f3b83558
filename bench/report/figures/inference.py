"""The figure of inference: notes a second by batch size, and how time grows with tasks and with a note's length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from bench.report.figure import arm_style
from bench.report.figures.panels import drawn, from_zero, logarithmic
from bench.report.tables.inference import title
from bench.store.inference_record import Growth, Speed, totals
from bench.store.sanitise import sanitise

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(speed: Speed, form: str) -> bytes:
    """The figure as svg or png; panels for growth are there where it was measured."""
    panels: list[Callable[[Speed, Axes], None]] = [_batches]
    panels += [_heads] if speed.heads else []
    panels += [_lengths] if speed.lengths else []
    return drawn(title(speed), [partial(panel, speed) for panel in panels], form)


def _batches(speed: Speed, axes: Axes) -> None:
    for arm in speed.arms:
        rates = [speed.notes / median(totals(timed)) for timed in arm.timed]
        _line(axes, arm.name, [timed.batch for timed in arm.timed], rates)
    axes.set(xlabel="notes at a time", ylabel="notes a second, all span tasks")
    logarithmic(axes, "x", "y")


def _heads(speed: Speed, axes: Axes) -> None:
    for arm in dict.fromkeys(grown.arm for grown in speed.heads):
        _line(axes, arm, *_points([grown for grown in speed.heads if grown.arm == arm]))
    axes.set(xlabel="tasks, span tasks first", ylabel="seconds for notes and pairs")
    from_zero(axes)


def _lengths(speed: Speed, axes: Axes) -> None:
    _line(axes, speed.lengths[0].arm, *_points(speed.lengths))
    axes.set(xlabel="characters of one note", ylabel="seconds for it, all span tasks")
    logarithmic(axes, "x", "y")


def _points(grown: Sequence[Growth]) -> tuple[list[int], list[float]]:
    return [one.size for one in grown], [median(one.seconds) for one in grown]


def _line(axes: Axes, arm: str, sizes: Sequence[int], values: Sequence[float]) -> None:
    style = arm_style(arm)
    axes.plot(sizes, values, style.line, color=style.colour, marker=style.marker, label=sanitise(arm))
