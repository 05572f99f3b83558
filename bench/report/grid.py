"""Grids of cells, drawn by tabulate: it aligns and rules, and rewrites no figure."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

_SIDES = MappingProxyType({"l": "left", "r": "right"})


def draw(
    header: Sequence[str], rows: Sequence[Sequence[str]], align: Sequence[str], form: str, total: bool = False
) -> str:
    """Cells that are inert already, in a form of tabulate's; `total` sets the last row apart by a rule."""
    from tabulate import SEPARATING_LINE, tabulate

    lines = [*rows[:-1], SEPARATING_LINE, rows[-1]] if total and len(rows) > 1 else [*rows]
    options = {"tablefmt": form, "colalign": [_SIDES[side] for side in align], "disable_numparse": True}
    if form == "simple":
        # As a heading, the header would widen every column by two and take away the outer rules.
        return str(tabulate([header, SEPARATING_LINE, *lines], **options))
    return str(tabulate(lines, header, **options))
