"""The answer in three sentences: one BERT for each task, or one shared encoder? From the verdicts and the cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from bench.report import numbers
from bench.report.arms import MULTI, SINGLE
from bench.report.comparison import Comparison, Contrast
from bench.report.costs import Cost, costs
from bench.report.numbers import listed
from bench.statistics.comparing import BETTER, UNDECIDED, WORSE, Difference, verdict

_KINDS = (BETTER, "no worse", WORSE, UNDECIDED)
_MOST_NAMES = 4
"""Tasks that a verdict names, so that it stays within twenty words."""


def answer(comparison: Comparison) -> tuple[str, ...]:
    """What to do, in at most twenty words; the figures for it; and what they do not show."""
    lacking = [name for name in (SINGLE, MULTI) if name not in comparison.columns or comparison.arm(name) is None]
    contrast = comparison.contrast(MULTI)
    if lacking:
        return (f"No answer yet: {listed(lacking)} {'has' if len(lacking) == 1 else 'have'} not been run.",)
    if contrast is None or not contrast.each:
        return ("No answer yet: no task can be compared.",)
    advice = f"{'On made-up corpora: ' if comparison.demo else ''}{_advice(contrast)}."
    found = costs(comparison)
    both = [found[SINGLE], found[MULTI]] if {SINGLE, MULTI} <= set(found) else []
    limits = "; ".join(_limits(comparison, contrast, both))
    not_shown = [f"Not shown: {limits}."] if limits else []
    return (advice[0].upper() + advice[1:], _gains(contrast) + (_models(*both) if both else ""), *not_shown)


def _kind(difference: Difference) -> str:
    # A verdict names its margin: no worse than 1 point.
    return next(kind for kind in _KINDS if verdict(difference).startswith(kind))


def _advice(contrast: Contrast) -> str:
    if contrast.each[0].seeds == 1:
        # Another seed may turn any verdict: docs/statistics.md has how often one seed errs.
        return "one seed cannot decide between one shared encoder and one BERT for each task"
    # A task that was not compared might turn the answer.
    complete = not contrast.unpaired and (contrast.mean is not None or len(contrast.each) == 1)
    overall = _kind(contrast.mean or contrast.each[0]) if complete else UNDECIDED
    if overall == UNDECIDED:
        return "these runs do not decide between one shared encoder and one BERT for each task"
    others = [one.name for one in contrast.each if _kind(one) == (BETTER if overall == WORSE else WORSE)]
    named = listed(others) if len(others) <= _MOST_NAMES else f"{len(others)} of {len(contrast.each)} tasks"
    if overall == WORSE:
        return "fine-tune one BERT for each task" + (f", but share for {named}" if others else "")
    return "share one encoder" + (f", with a BERT of its own for {named}" if others else "")


def _gains(contrast: Contrast) -> str:
    """By how much sharing moves the mean, and on which tasks it is what."""
    counts = Counter(map(_kind, contrast.each))
    by_task = listed([f"{kind} on {counts[kind]}" for kind in _KINDS if counts[kind]])
    seeds = contrast.each[0].seeds
    after = f"after {seeds} seeds" if seeds > 1 else "in these trainings"
    if contrast.mean is None:
        return f"Sharing is {by_task} of {len(contrast.each)} tasks compared, {after}."
    gain, mean = numbers.points(contrast.mean.value, signed=True), contrast.mean
    return (
        f"The mean over {len(contrast.each)} tasks is {verdict(mean)}: {gain} points by sharing, 95 % interval "
        f"{numbers.interval(mean.low, mean.high)}, {after}. Task by task, sharing is {by_task}."
    )


def _models(single: Cost, multi: Cost) -> str:
    models = "one model" if multi["models"] == 1 else f"{multi['models']:.0f} models"
    return (
        f" Sharing leaves {models} ({numbers.size(multi['weights_bytes'])}) to run instead of "
        f"{single['models']:.0f} ({numbers.size(single['weights_bytes'])})."
    )


def _limits(comparison: Comparison, contrast: Contrast, both: Sequence[Cost]) -> Iterator[str]:
    if comparison.demo:
        yield "what holds on clinical text, since these corpora are made up"
    if contrast.each[0].seeds == 1:
        yield "what another seed would change (run three or more)"
    if contrast.unpaired:
        yield f"{listed(list(contrast.unpaired))}, which cannot be compared"
    if both:
        alone, shared = (numbers.duration(cost["train_seconds"]) for cost in both)
        yield (
            f"which trains faster, since times are as recorded, not in turns ({shared} shared, {alone} for the single "
            "trainings together)"
        )
