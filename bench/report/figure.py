"""A figure of the report: how each arm looks in it, what pointing at its marks shows, and how it becomes files."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.report.comparison import Comparison
from bench.store.sanitise import html_text, sanitise, stem

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

WIDTH_INCHES, ROW_INCHES = 7.2, 0.42

# Labels may hold dollar signs: nothing is read as mathematics. The salt makes the same figure the same file.
_RC = {
    "text.parse_math": False,
    "svg.hashsalt": "mt-clinical-bench",
    "svg.fonttype": "none",
    "font.size": 9,
    "lines.linewidth": 1.1,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "0.85",
    "grid.linewidth": 0.6,
}


@contextmanager
def bench_style() -> Iterator[None]:
    """Figures drawn meanwhile look the same for everyone: no matplotlibrc and no backend of the user's has a say."""
    os.environ["MPLBACKEND"] = "agg"
    home = Path(find_spec("matplotlib").origin)  # type: ignore[union-attr, arg-type]
    # Of all files called matplotlibrc it reads the one in the current folder, its own here, even if that is damaged.
    with chdir(home.with_name("mpl-data")):
        from matplotlib import style

    with style.context(dict(_RC), after_reset=True):
        yield


@dataclass(frozen=True, slots=True)
class ArmStyle:
    """Colour, marker, line and hatch differ together, so that any one of them is enough.

    Colours are of the Okabe-Ito palette, chosen so that neighbours differ in lightness too.
    """

    colour: str
    marker: str
    line: str
    hatch: str


_STANDARD = {
    "majority": ArmStyle("#999999", "s", ":", ".."),
    "single_task": ArmStyle("#00507F", "o", "-", ""),
    "multitask": ArmStyle("#E69F00", "D", "--", "//"),
    "multitask_finetuned": ArmStyle("#009E73", "^", "-.", "xx"),
}
_OTHERS = (
    ArmStyle("#009E73", "^", "-.", "xx"),
    ArmStyle("#CC79A7", "v", ":", "\\\\"),
    ArmStyle("#56B4E9", "P", "-.", "++"),
    ArmStyle("#000000", "X", "--", "oo"),
)


def arm_style(arm: str) -> ArmStyle:
    """The style of an arm, the same in every figure."""
    return _STANDARD.get(arm) or _OTHERS[sum(map(ord, arm)) % len(_OTHERS)]


def other_styles() -> Iterator[ArmStyle]:
    """Styles for lines that are no arms, neighbours as unlike as can be."""
    return iter((_STANDARD["single_task"], _STANDARD["multitask"], *_OTHERS))


class ReportFigure:
    """One figure, drawn within `bench_style`; `name` is the stem of its files."""

    def __init__(self, comparison: Comparison, name: str, title: str, height_inches: float) -> None:
        from matplotlib.figure import Figure

        self.name, self.title = stem(f"{comparison.name}-{name}"), title
        self.figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
        self.figure.suptitle(f"{sanitise(title)}\n{sanitise(comparison.title)}", fontsize=10)
        self._hover: dict[str, str] = {}

    def show_on_hover(self, artist: Artist, text: str) -> None:
        """A browser shows the text when a reader points at the mark."""
        artist.set_gid(identity := f"{self.name}-{len(self._hover)}")
        self._hover[identity] = text

    def legend(self, labels: Sequence[str], handles: Sequence[Any] = ()) -> None:
        """Below the axes, as many entries beside each other as fit."""
        columns = max(1, min(3, 110 // (max(map(len, labels), default=0) + 8)))
        options = {"handles": handles, "labels": labels} if handles else {}
        self.figure.legend(**options, loc="outside lower center", ncols=columns, frameon=False)

    def files(self, forms: Sequence[str]) -> dict[str, bytes]:
        """The figure by form: as svg, its text as text, or as png."""
        # The places of things are found once for all forms: it takes as long as to draw them.
        if engine := self.figure.get_layout_engine():
            engine.execute(self.figure)
            self.figure.set_layout_engine(None)
        saved = {}
        for form in forms:
            buffer = io.BytesIO()
            only = {"metadata": {"Date": None}} if form == "svg" else {"pil_kwargs": {"compress_level": 1}}
            self.figure.savefig(buffer, format=form, dpi=160, **only)
            saved[form] = buffer.getvalue()
            if form == "svg":
                # A title is what SVG shows of a group on hover; matplotlib has no word for it.
                saved[form] = re.sub(rb'<g id="([^"]+)">', self._with_title, saved[form])
        return saved

    def _with_title(self, group: re.Match[bytes]) -> bytes:
        text = self._hover.get(group[1].decode())
        return group[0] + (f"<title>{html_text(text)}</title>".encode() if text else b"")


def task_axis(axes: Axes, tasks: Sequence[str]) -> None:
    """One row a task, the first on top."""
    axes.set_yticks(range(len(tasks)), [sanitise(task) for task in tasks])
    axes.set_ylim(len(tasks) - 0.5, -0.5)
    axes.grid(axis="x")
