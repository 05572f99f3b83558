"""Which tasks gain from sharing and which lose, in points and relative to the score of the single-task baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.report import numbers
from bench.report.comparison import Comparison
from bench.report.contrasts import Contrast
from bench.report.table import Table
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


def table(comparison: Comparison, contrast: Contrast) -> Table:
    """One row a task, then their means, of which that of the relative changes is the field's Delta_m."""
    effects = (_estimates(contrast, effect) for effect in (relative_change, error_reduction))
    notes = [
        _counts(contrast.each),
        "gain: in points. change: relative to the score of single_task. errors: relative to what that lacks to 100, so "
        "+10 % is a tenth of the errors gone. positive, negative: where p after Holm is below 0.05.",
    ]
    return Table(
        title=f"Transfer: what sharing does to each task, {contrast.arm} against single_task",
        align="lrrrrrl",
        header=("task", "gain", "change", "95 % interval", "errors", "95 % interval", "transfer"),
        rows=tuple(
            (line.name, numbers.points(line.value, signed=True), *_percent(change), *_percent(error), transfer(line))
            for line, change, error in zip(contrast.lines, *effects, strict=True)
        ),
        notes=(*notes, *(["The mean change is Delta_m of the multitask literature."] if contrast.mean else [])),
    )


def _estimates(contrast: Contrast, effect: Effect) -> list[GainEstimate]:
    each = [estimate(paired, effect) for paired in contrast.pairs]
    return [*each, *([mean_over_tasks(each)] if contrast.mean else [])]


def _percent(one: GainEstimate) -> tuple[str, str]:
    figures = [f"{100 * figure + 0.0:+.1f}" for figure in (one.value, *one.interval()) if math.isfinite(figure)]
    value = figures[0] + " %" if figures else numbers.UNDEFINED
    return value, f"[{figures[1]}, {figures[2]}]" if len(figures) == 3 else numbers.UNDEFINED


def _counts(each: Sequence[Difference]) -> str:
    named = {kind: [one.name for one in each if transfer(one) == kind] for kind in (POSITIVE, NEGATIVE, UNCLEAR)}
    parts = [f"{kind} on {len(names)}" + (f" ({', '.join(names)})" if names else "") for kind, names in named.items()]
    return f"Transfer is {', '.join(parts)}."
