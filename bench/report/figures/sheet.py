"""A figure with its title and size, what pointing at its marks shows, and how it becomes a file."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.report.view import View
from bench.store.sanitise import html_text, sanitise, stem

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

WIDTH_INCHES = 7.2
ROW_INCHES = 0.42
_PIXELS_PER_INCH = 160


class Sheet:
    """One figure; `name` is the stem of its files."""

    def __init__(self, view: View, name: str, title: str, height_inches: float) -> None:
        from matplotlib.figure import Figure

        self.name, self.title = stem(f"{view.comparison.name}-{name}"), title
        self.figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
        self.figure.suptitle(f"{sanitise(title)}\n{sanitise(view.title)}", fontsize=10)
        self._shown: dict[str, str] = {}

    def show_on_hover(self, artist: Artist, text: str) -> None:
        """A browser shows the text when a reader points at the mark."""
        identity = f"{self.name}-{len(self._shown)}"
        artist.set_gid(identity)
        self._shown[identity] = text

    def saved(self, form: str) -> bytes:
        """The figure as svg, its text as text, or as png."""
        buffer = io.BytesIO()
        metadata = {"Date": None} if form == "svg" else None
        self.figure.savefig(buffer, format=form, dpi=_PIXELS_PER_INCH, metadata=metadata)
        # A title is what SVG shows of a group on hover; matplotlib has no word for it.
        return re.sub(rb'<g id="([^"]+)">', self._titled, buffer.getvalue()) if form == "svg" else buffer.getvalue()

    def _titled(self, group: re.Match[bytes]) -> bytes:
        text = self._shown.get(group[1].decode())
        return group[0] + (f"<title>{html_text(text)}</title>".encode() if text else b"")


def columns(labels: Sequence[str]) -> int:
    """How many entries of a legend fit beside each other."""
    return max(1, min(3, 110 // (max(map(len, labels), default=0) + 8)))


def task_axis(axes: Axes, tasks: Sequence[str]) -> None:
    """One row a task, the first on top."""
    axes.set_yticks(range(len(tasks)), [sanitise(task) for task in tasks])
    axes.set_ylim(len(tasks) - 0.5, -0.5)
    axes.grid(axis="x")
