"""Whether a result may be compared with its reference, whether it must equal it, and in which documents it does not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np

from baselines.core.settings import Settings
from bench.drift.findings import Change, Moved
from bench.store.environment import Environment
from bench.store.evidence import Evidence
from bench.store.runs import Result, Score


@dataclass(frozen=True, slots=True)
class Answered:
    """A training with its score and evidence on the test set of one task."""

    result: Result
    score: Score
    evidence: Evidence


def answered(result: Result, task: str) -> Answered:
    """A result with its evidence."""
    return Answered(result, result.scores[task], result.evidence[task])


def incomparable(old: Result, new: Result, task: str) -> str | None:
    """Why a result says nothing about its reference; other code is no reason, since the check is of the code."""
    if old.settings != new.settings:
        names = [field.name for field in fields(Settings)]
        return f"other settings: {', '.join(_differences(names, old.settings, new.settings))}"
    if old.fingerprints.corpora.get(task) != new.fingerprints.corpora.get(task):
        return "another version of the corpus"
    if old.fingerprints.encoder != new.fingerprints.encoder:
        return "other encoder weights"
    before, now = ("/".join(map(str, one.scores[task].examples.values())) for one in (old, new))
    if old.scores[task].examples != new.scores[task].examples:
        return f"{now} examples, where the reference has {before}"
    return None


def lost(before: Sequence[Score], new: Score) -> str | None:
    """Which metric of the reference is missing, counted otherwise, or not a number any more."""
    now = {metric.name: metric for metric in new.metrics}
    for metric in before[0].metrics:
        found = now.get(metric.name)
        if found is None:
            return f"{metric.name} is missing"
        if (found.formula, found.columns) != (metric.formula, metric.columns):
            return f"{metric.name} is not counted as it was"
        always = all(math.isfinite(one.value) for score in before for one in score.metrics if one.name == metric.name)
        if always and not math.isfinite(found.value):
            return f"{metric.name} is not a number"
    return None


def platform_diff(old: Result, new: Result) -> list[str]:
    """In what the platforms of two results differ, in words; on the same platform their evidence must be equal."""
    # The version of the program is code, and the check is of the code.
    names = [field.name for field in fields(Environment) if field.name != "bench"]
    found = _differences(names, old.environment, new.environment)
    return [*found, *_differences(["precision"], old.training, new.training)]


def _differences(names: Sequence[str], old: object, new: object) -> list[str]:
    pairs = [(name, getattr(old, name), getattr(new, name)) for name in names]
    return [f"{name} {now} instead of {before}" for name, before, now in pairs if before != now]


def changes(old: Answered, new: Answered) -> Iterator[Change]:
    """The documents whose evidence differs, each once, by the first of the reference's metrics that tells."""
    told: set[int] = set()
    for metric in old.score.metrics:
        before, now = (side.evidence.rows[metric.name] for side in (old, new))
        for b in np.flatnonzero((before != now).any(axis=1)).tolist():
            if b not in told:
                told.add(b)
                columns = zip(metric.columns, before[b].tolist(), now[b].tolist(), strict=True)
                moved = tuple(Moved(*one) for one in columns if one[1] != one[2])
                yield Change(new.result.seed, str(old.evidence.ids[b]), metric.name, moved)
