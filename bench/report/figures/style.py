"""How each arm looks in a figure: colour, marker, line and hatch differ together, so that any one of them is enough."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

# Labels may hold dollar signs: nothing is read as mathematics. The salt makes the same figure the same file.
RC = {
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
def styled() -> Iterator[None]:
    """What is drawn meanwhile looks alike for everyone: no matplotlibrc and no backend of the user's has a say."""
    os.environ["MPLBACKEND"] = "agg"
    found = find_spec("matplotlib")
    assert found is not None
    # Of all files called matplotlibrc it reads the one in the current folder, its own here, even if that is damaged.
    with chdir(Path(str(found.origin)).with_name("mpl-data")):
        from matplotlib import style

    with style.context(dict(RC), after_reset=True):
        yield


@dataclass(frozen=True, slots=True)
class Look:
    """Colours of the Okabe-Ito palette, chosen so that neighbours differ in lightness too."""

    colour: str
    marker: str
    line: str
    hatch: str


_KNOWN = {
    "majority": Look("#999999", "s", ":", ".."),
    "single_task": Look("#00507F", "o", "-", ""),
    "multitask": Look("#E69F00", "D", "--", "//"),
}
_OTHERS = (
    Look("#009E73", "^", "-.", "xx"),
    Look("#CC79A7", "v", ":", "\\\\"),
    Look("#56B4E9", "P", "-.", "++"),
    Look("#000000", "X", "--", "oo"),
)


PAPERS = ("o", "s", "^", "v", "D")
"""Markers of published figures, one a source: hollow and black, so that they are never taken for ours."""


def look(arm: str) -> Look:
    """The look of an arm, the same in every figure."""
    return _KNOWN.get(arm) or _OTHERS[sum(map(ord, arm)) % len(_OTHERS)]


def in_turn() -> Iterator[Look]:
    """Looks for lines that are no arms, neighbours as unlike as can be."""
    return iter((_KNOWN["single_task"], _KNOWN["multitask"], *_OTHERS))
