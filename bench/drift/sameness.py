"""Whether a result may be held against its reference, whether it must equal it, and in which documents it does not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np

from baselines.core.settings import Settings
from bench.drift.findings import Change, Moved
from bench.store.environment import Environment
from bench.store.runs import Evidence, Result, Score, read_evidence


@dataclass(frozen=True, slots=True)
class Answered:
    """What one training answered to the test set of one task."""

    result: Result
    score: Score
    evidence: Evidence


def answered(result: Result, task: str) -> Answered:
    """A result with its evidence."""
    return Answered(result, result.scores[task], read_evidence(result, task))


def incomparable(old: Result, new: Result, task: str) -> str | None:
    """Why a result says nothing about its reference; code is not a reason, since code is what is checked."""
    if old.settings != new.settings:
        names = [field.name for field in fields(Settings)]
        return f"other settings: {', '.join(_differences(names, old.settings, new.settings))}"
    if old.fingerprints.corpora.get(task) != new.fingerprints.corpora.get(task):
        return "another version of the corpus"
    if old.fingerprints.encoder != new.fingerprints.encoder:
        return "other encoder weights"
    if old.scores[task].examples != new.scores[task].examples:
        return f"{_sizes(new.scores[task])} examples, where the reference has {_sizes(old.scores[task])}"
    return None


def _sizes(score: Score) -> str:
    return "/".join(map(str, score.examples.values()))


def lost(before: Sequence[Score], new: Score) -> str | None:
    """Which metric of the reference is not there any more, not counted as it was, or not a number any more."""
    now = {metric.name: metric for metric in new.metrics}
    for metric in before[0].metrics:
        if metric.name not in now:
            return f"{metric.name} is missing"
        found = now[metric.name]
        if (found.formula, found.columns) != (metric.formula, metric.columns):
            return f"{metric.name} is not counted as it was"
        always = all(math.isfinite(one.value) for score in before for one in score.metrics if one.name == metric.name)
        if always and not math.isfinite(found.value):
            return f"{metric.name} is not a number"
    return None


def unlike(old: Result, new: Result) -> list[str]:
    """In what the platforms of two results differ, in words; where they do not, their evidence must be equal."""
    # The harness's own version is code, and code is what is checked.
    names = [field.name for field in fields(Environment) if field.name != "bench"]
    found = _differences(names, old.environment, new.environment)
    return [*found, *_differences(["precision"], old.training, new.training)]


def _differences(names: Sequence[str], old: object, new: object) -> list[str]:
    pairs = [(name, getattr(old, name), getattr(new, name)) for name in names]
    return [f"{name} {now} instead of {before}" for name, before, now in pairs if before != now]


def changes(old: Answered, new: Answered) -> Iterator[Change]:
    """The documents whose evidence differs, each by the first of the reference's metrics that tells."""
    told: set[int] = set()
    for metric in old.score.metrics:
        before, now = (side.evidence.rows[metric.name] for side in (old, new))
        for place in np.flatnonzero((before != now).any(axis=1)).tolist():
            if place not in told:
                told.add(place)
                moved = zip(metric.columns, before[place].tolist(), now[place].tolist(), strict=True)
                different = tuple(Moved(*one) for one in moved if one[1] != one[2])
                yield Change(new.result.seed, str(old.evidence.ids[place]), metric.name, different)
