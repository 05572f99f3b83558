"""Tables as lines of text, drawn by tabulate: it aligns and rules, and rewrites no figure.

Which columns stand together and where cells are wrapped is our own: tabulate cuts no table, and wraps by maxcolwidths
only what it has read as numbers before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

GAP = 2
_SIDES = {"l": "left", "r": "right"}


def draw_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], align: Sequence[str], form: str, total: bool = False
) -> str:
    """Cells that are harmless already, in a form of tabulate's; `total` sets the last row apart by a rule."""
    from tabulate import SEPARATING_LINE, tabulate

    lines = [*rows[:-1], SEPARATING_LINE, rows[-1]] if total and len(rows) > 1 else [*rows]
    options = {"tablefmt": form, "colalign": [_SIDES[side] for side in align], "disable_numparse": True}
    if form == "simple":
        # As a heading, the header would widen every column by two and take away the outer rules.
        return str(tabulate([header, SEPARATING_LINE, *lines], **options))
    return str(tabulate(lines, header, **options))


def column_groups(widths: Sequence[int], cuts: Sequence[int], limit: int) -> Iterator[list[int]]:
    """Which columns stand together in `limit` characters: a wide table goes on below, its first column repeated."""
    group = [0]
    for k in range(1, len(widths)):
        while len(group) > 1 and sum(widths[c] + GAP for c in group) + widths[k] > limit:
            cut = max((c for c in cuts if c in group[2:]), default=k)
            yield [c for c in group if c < cut]
            group = [0, *range(cut, k)]
        group.append(k)
    yield group
