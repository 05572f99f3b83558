"""Which scores left their reference, by how much, and whether it is more than noise.

Comparisons are written so that NaN fails: `not x <= limit`, never `x > limit`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import statistics
from bench.statistics import Paired
from bench.store import Metric, Result, Score, read_evidence, tasks_label
from tasks.core.errors import InputError
from tasks.core.formulas import FORMULAS

# By how much a score may move on another processor, in another precision or with other threads: each sends a training
# down another path, as another seed would. Measured on the eight demo tasks under one seed: float32 on one thread
# against bfloat16 on two moved them by 0.0 to 5.2 points, 1.0 in the median.
MARGIN = 0.06
# A change of this size drifts whatever the bootstrap says: on a small test set almost nothing is ever significant.
LIMIT = 0.15

STEADY, DRIFTED, UNJUDGED = "steady", "drifted", "not judged"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """What is compared with what: the folder of a comparison, the arm in it, and a task."""

    comparison: str
    arm: str
    task: str


@dataclass(frozen=True, slots=True)
class Tolerance:
    """In score units: beyond `margin` and more than noise is drift, beyond `limit` is drift at once."""

    margin: float = MARGIN
    limit: float = LIMIT


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a score, mean over all seeds of the reference; nan where there is none."""

    place: Place
    judgement: str
    why: str = ""
    before: float = math.nan
    now: float = math.nan
    low: float = math.nan
    high: float = math.nan


def judge(reference: Iterable[Result], results: Iterable[Result], tolerance: Tolerance) -> list[Finding]:
    """One finding for every arm and task of the reference; results it does not know are not looked at."""
    before, now = _by_place(reference), _by_place(results)
    return [_judge(place, before[place], now.get(place, {}), tolerance) for place in sorted(before)]


def _by_place(results: Iterable[Result]) -> dict[Place, dict[int, Result]]:
    found: dict[Place, dict[int, Result]] = {}
    for one in results:
        # What was trained together is part of what an arm is.
        arm = f"{one.arm}/{tasks_label(one.tasks)}" if one.joint else one.arm
        for task in one.tasks:
            found.setdefault(Place(f"{one.corpus}-{one.encoder}", arm, task), {})[one.seed] = one
    return found


def _judge(place: Place, before: dict[int, Result], now: dict[int, Result], tolerance: Tolerance) -> Finding:
    for seed, old in sorted(before.items()):
        new = now.get(seed)
        if new is None:
            return Finding(place, UNJUDGED, f"there is no result with seed {seed}")
        if why := _incomparable(old, new, place.task):
            return Finding(place, UNJUDGED, f"seed {seed}: {why}")
        if why := _lost(old.scores[place.task], new.scores[place.task]):
            return Finding(place, DRIFTED, f"seed {seed}: {why}")
    try:
        return _measured(place, [(before[seed], now[seed]) for seed in sorted(before)], tolerance)
    except InputError as error:
        return Finding(place, UNJUDGED, str(error))


def _incomparable(old: Result, new: Result, task: str) -> str | None:
    """Why a result says nothing about its reference; code is not a reason, since code is what is checked."""
    if old.settings != new.settings:
        return "other settings"
    if old.depends_on.corpora.get(task) != new.depends_on.corpora.get(task):
        return "another version of the corpus"
    if old.depends_on.encoder != new.depends_on.encoder:
        return "other encoder weights"
    if old.scores[task].examples != new.scores[task].examples:
        return f"{_sizes(new.scores[task])} examples, where the reference has {_sizes(old.scores[task])}"
    return None


def _sizes(score: Score) -> str:
    return "/".join(map(str, score.examples.values()))


def _lost(old: Score, new: Score) -> str | None:
    """Which metric the reference has that is not there any more, or is not a number any more."""
    values = {metric.name: metric.value for metric in new.metrics}
    for metric in old.metrics:
        if metric.name not in values:
            return f"{metric.name} is missing"
        if math.isfinite(metric.value) and not math.isfinite(values[metric.name]):
            return f"{metric.name} is not a number"
    return None


def _measured(place: Place, pairs: Sequence[tuple[Result, Result]], tolerance: Tolerance) -> Finding:
    """Old and new evidence of the primary metric, paired by seed and example."""
    metric = pairs[0][0].scores[place.task].metrics[0]
    sides: list[list[NDArray[Any]]] = [[], []]
    for both in pairs:
        old, new = (_evidence(side, result, place.task, metric) for side, result in zip(sides, both, strict=True))
        if not np.array_equal(old, new):
            return Finding(place, UNJUDGED, f"seed {both[0].seed}: other test examples")
    first, second = map(np.stack, sides)
    if first.shape != second.shape:
        return Finding(place, DRIFTED, f"{metric.name} has other columns of evidence")
    return _weighed(place, Paired(place.task, first, second, metric.formula, metric.columns), tolerance)


def _evidence(rows: list[NDArray[Any]], result: Result, task: str, metric: Metric) -> NDArray[Any]:
    """Appends the rows of a metric; the ids they belong to. InputError where they do not give the stored score."""
    evidence = read_evidence(result, task)
    rows.append(evidence.rows[metric.name])
    stored = next(one for one in result.scores[task].metrics if one.name == metric.name)
    again = float(FORMULAS[stored.formula](rows[-1].sum(axis=0), stored.columns))
    if not (abs(again - stored.value) <= 1e-9):
        raise InputError(f"seed {result.seed}: {metric.name} is {stored.value}, but its evidence gives {again}")
    return evidence.ids


def _weighed(place: Place, paired: Paired, tolerance: Tolerance) -> Finding:
    sides = (paired.first, paired.second)
    before, now = (float(np.mean(statistics.scores(side.sum(axis=1), paired))) for side in sides)
    change = float(statistics.seed_differences(paired).mean())
    low, high = statistics.interval(statistics.bootstrap(paired))
    judgement, why = STEADY, ""
    if not abs(change) <= tolerance.limit:
        judgement, why = DRIFTED, "it changed by more than the hard limit"
    elif not (abs(change) <= tolerance.margin or low <= 0 <= high):
        judgement, why = DRIFTED, "it changed by more than the margin, and more than noise explains"
    return Finding(place, judgement, why, before, now, low, high)
