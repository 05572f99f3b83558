"""The answer in a sentence: one BERT for each task, or one shared encoder? From the verdicts and the cost."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report import words
from bench.report.comparison import MULTI, SINGLE
from bench.report.tables.differences import Contrast, bounds
from bench.report.view import View
from bench.statistics.comparing import BETTER, UNDECIDED, WORSE, verdict

_FINE = "no worse"
_KINDS = (BETTER, _FINE, WORSE, UNDECIDED)


def answer(view: View) -> str:
    """What to do, and the figures that say so; or what has to be run before there is an answer."""
    lacking = [name for name in (SINGLE, MULTI) if name not in view.arms or view.comparison.arm(name) is None]
    contrast = view.contrast(MULTI)
    if lacking or contrast is None or not contrast.each:
        have = "has" if len(lacking) == 1 else "have"
        what = f"{' and '.join(lacking)} {have} not been run" if lacking else "no task can be compared"
        return f"No answer yet: {what}."
    where = "On made-up corpora, which say nothing of clinical text: " if view.demo else ""
    sentence = f"{_advice(contrast)}: {_reasons(contrast)}{_cost(view)}."
    return where + sentence if where else sentence[0].upper() + sentence[1:]


def _verdicts(contrast: Contrast) -> dict[str, list[str]]:
    """Verdict -> the tasks that have it; every task has one."""
    found: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for one in contrast.each:
        found[_kind(verdict(one))].append(one.name)
    return found


def _kind(verdict: str) -> str:
    # A verdict names its margin: no worse than 1 point.
    return next(kind for kind in _KINDS if verdict.startswith(kind))


def _advice(contrast: Contrast) -> str:
    if contrast.each[0].seeds == 1:
        # Another seed may turn any verdict: docs/statistics.md has how often one seed errs.
        return "one seed cannot decide between one shared encoder and one BERT for each task (run three or more)"
    found = _verdicts(contrast)
    # A task that was not compared might turn the answer.
    whole = not contrast.unpaired and (contrast.mean is not None or len(contrast.each) == 1)
    overall = _kind(verdict(contrast.mean or contrast.each[0])) if whole else UNDECIDED
    if overall == WORSE:
        good = found[BETTER]
        return "fine-tune one BERT for each task" + (f", but share for {_listed(good)}" if good else "")
    if overall == UNDECIDED:
        return "these runs do not decide between one shared encoder and one BERT for each task"
    alone = found[WORSE]
    return "share one encoder" + (f", with a BERT of its own for {_listed(alone)}" if alone else "")


def _reasons(contrast: Contrast) -> str:
    counts = _listed([f"{kind} on {len(tasks)}" for kind, tasks in _verdicts(contrast).items() if tasks])
    seeds = contrast.each[0].seeds
    after = f"after {seeds} seeds" if seeds > 1 else "in these trainings"
    if contrast.mean is None:
        return f"sharing is {counts} of {len(contrast.each)} tasks compared, {after}"
    mean, interval = contrast.mean, bounds(contrast.mean.low, contrast.mean.high)
    gain = f"{words.points(mean.value, signed=True)} points by sharing, 95 % interval {interval}"
    whole = f"the mean over {len(contrast.each)} tasks is {verdict(mean)} ({gain})"
    return f"{whole}, each by itself {counts}, {after}"


def _cost(view: View) -> str:
    single, multi = view.costs.get(SINGLE), view.costs.get(MULTI)
    if single is None or multi is None:
        return ""
    one, many = words.size(multi.weights_bytes), words.size(single.weights_bytes)
    models = "one model" if multi.trainings == 1 else f"{multi.trainings} models"
    shared, alone = words.duration(multi.train_seconds), words.duration(single.train_seconds)
    return (
        f"; sharing leaves {models} ({one}) to run instead of {single.trainings} ({many}); as recorded, not in turns, "
        f"its training took {shared}, the single ones {alone} together"
    )


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
