"""The transfer view: which tasks gain from sharing and which lose, in points and relative to what was there."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.report import words
from bench.report.comparison import Comparison
from bench.report.table import Table
from bench.report.tables.differences import Contrast, lines
from bench.statistics.comparing import Difference
from bench.statistics.variance import (
    LEVEL,
    Effect,
    GainEstimate,
    error_reduction,
    estimate,
    mean_over_tasks,
    relative_change,
)

POSITIVE, NEGATIVE, UNCLEAR = "positive", "negative", "unclear"


def transfer(difference: Difference) -> str:
    """The sign of the transfer, where the corrected p-value shows one; negative transfer is a task that loses."""
    if not difference.p < 1 - LEVEL:
        return UNCLEAR
    return POSITIVE if difference.value > 0 else NEGATIVE


def transfer_table(comparison: Comparison, found: Contrast) -> Table:
    """One row a task, then their means, of which that of the relative changes is the field's Delta_m."""
    changes = _estimates(found, relative_change)
    errors = _estimates(found, error_reduction)
    both = zip(lines(found), changes, errors, strict=True)
    return Table(
        name=f"{comparison.name}-transfer-{found.arm}",
        title=f"Transfer: what sharing does to each task, {found.arm} against single_task",
        align="lrrrrrl",
        header=("task", "gain", "change", "95 % interval", "errors", "95 % interval", "transfer"),
        rows=tuple(
            (line.name, words.points(line.value, signed=True), *_percent(change), *_percent(error), transfer(line))
            for line, change, error in both
        ),
        notes=(_counts(found.each), *_notes(found)),
        total=found.mean is not None,
    )


def _estimates(found: Contrast, effect: Effect) -> list[GainEstimate]:
    each = [estimate(paired, effect) for paired in found.pairs]
    return [*each, *([mean_over_tasks(each)] if found.mean else [])]


def _percent(one: GainEstimate) -> tuple[str, str]:
    figures = [f"{100 * figure + 0.0:+.1f}" for figure in (one.value, *one.interval()) if math.isfinite(figure)]
    value = figures[0] + " %" if figures else words.UNDEFINED
    return value, f"[{figures[1]}, {figures[2]}]" if len(figures) == 3 else words.UNDEFINED


def _counts(each: Sequence[Difference]) -> str:
    named = {kind: [one.name for one in each if transfer(one) == kind] for kind in (POSITIVE, NEGATIVE, UNCLEAR)}
    parts = [f"{kind} on {len(names)}" + (f" ({', '.join(names)})" if names else "") for kind, names in named.items()]
    return f"Transfer is {', '.join(parts)}."


def _notes(found: Contrast) -> Sequence[str]:
    notes = [
        "gain: in points. change: relative to the score of single_task. errors: relative to what that lacks to 100, so "
        "+10 % is a tenth of the errors gone. positive, negative: where p after Holm is below 0.05."
    ]
    return [*notes, "The mean change is Delta_m of the multitask literature."] if found.mean else notes
