"""Panels side by side in one figure, and axes that grow by powers of ten."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bench.report.figure import bench_style
from bench.store.sanitise import sanitise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    Panel = Callable[[Axes], None]

_INCHES = (3.6, 3.2)


def drawn(title: str, panels: Sequence[Panel], form: str) -> bytes:
    """The figure as svg or png; a panel whose lines have names gets their legend."""
    from matplotlib.figure import Figure

    with bench_style():
        figure = Figure(figsize=(max(2, len(panels)) * _INCHES[0], _INCHES[1]), layout="constrained")
        figure.suptitle("\n".join(map(sanitise, title.split("\n"))), fontsize=10)
        for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False).ravel(), panels, strict=True):
            panel(axes)
            if axes.get_legend_handles_labels()[0]:
                axes.grid()
                axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=8)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=form, dpi=160, metadata={"Date": None} if form == "svg" else None)
    return buffer.getvalue()


def from_zero(axes: Axes) -> None:
    """The upright axis begins at 0 and leaves room above, its thousands set apart."""
    axes.margins(y=0.12)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda value, place: f"{value:,.10g}")


def logarithmic(axes: Axes, *which: str) -> None:
    """The axes named, x or y, with plain numbers at powers of ten: text is shown as it stands, powers in TeX too."""
    for name in which:
        axes.set(**{f"{name}scale": "log"})
        axis = getattr(axes, f"{name}axis")
        axis.set_major_formatter(lambda value, place: f"{value:,.10g}")
        axis.set_minor_formatter("")
