"""The figure of inference: notes a second by batch size, and how time grows with tasks and with a note's length."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING

from bench.inert import plain
from bench.report.inference import title
from bench.report.style import RC, look
from bench.speed.record import Growth, Speed, totals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANEL_INCHES = (3.4, 3.0)


def draw(speed: Speed, form: str) -> bytes:
    """The figure as svg or png; panels for growth are there where it was measured."""
    import matplotlib
    from matplotlib.figure import Figure

    panels: list[Callable[[Axes, Speed], None]] = [_batches]
    panels += [_heads] if speed.heads else []
    panels += [_lengths] if speed.lengths else []
    with matplotlib.rc_context(dict(RC)):
        size = (max(2, len(panels)) * _PANEL_INCHES[0], _PANEL_INCHES[1])
        figure = Figure(figsize=size, layout="constrained")
        figure.suptitle(plain(title(speed)), fontsize=10)
        for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False).ravel(), panels, strict=True):
            panel(axes, speed)
            axes.grid()
            axes.legend(frameon=False, fontsize=8)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=form, dpi=160, metadata={"Date": None} if form == "svg" else None)
    return buffer.getvalue()


def _batches(axes: Axes, speed: Speed) -> None:
    for arm in speed.arms:
        rates = [speed.notes / median(totals(timed)) for timed in arm.timed]
        _line(axes, arm.name, [timed.batch for timed in arm.timed], rates)
    axes.set(xlabel="notes at a time", ylabel="notes a second, all span tasks")
    _logarithmic(axes)


def _heads(axes: Axes, speed: Speed) -> None:
    for arm in dict.fromkeys(grown.arm for grown in speed.heads):
        _line(axes, arm, *_points([grown for grown in speed.heads if grown.arm == arm]))
    axes.set(xlabel="tasks, span tasks first", ylabel="seconds for notes and pairs")
    axes.set_ylim(bottom=0)


def _lengths(axes: Axes, speed: Speed) -> None:
    _line(axes, speed.lengths[0].arm, *_points(speed.lengths))
    axes.set(xlabel="characters of one note", ylabel="seconds for it, all span tasks")
    _logarithmic(axes)


def _logarithmic(axes: Axes) -> None:
    """Both axes, with plain numbers at powers of ten: text is shown as it stands here, powers in TeX too."""
    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, place: f"{value:,.10g}")
        axis.set_minor_formatter("")


def _points(grown: Sequence[Growth]) -> tuple[list[int], list[float]]:
    return [one.size for one in grown], [median(one.seconds) for one in grown]


def _line(axes: Axes, arm: str, sizes: Sequence[int], values: Sequence[float]) -> None:
    style = look(arm)
    axes.plot(sizes, values, style.line, color=style.colour, marker=style.marker, label=plain(arm))
