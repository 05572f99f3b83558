"""The judgement: equal to the reference, different from it by no more than margin or noise, or drifted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from bench.drift.findings import DRIFTED, FALSE_ALARM, PHI, SCORE, STEADY, UNJUDGED, Finding, Place, Tolerance, place_of
from bench.drift.noise import Sides
from bench.drift.sameness import Answered, answered, changes, incomparable, lost, unlike
from bench.store.runs import Result
from tasks.core.errors import InputError

PHI_TASK, PHI_METRIC = "i2b2_2014", "binary_f1"
"""The counts of exact stretches whatever their label: a name taken for a city is removed all the same."""

Trainings = Mapping[int, Result]
"""Seed -> result."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How strictly a check judges. `exact`: what is not equal to the reference has drifted."""

    tolerance: Tolerance = SCORE
    exact: bool = False
    false_alarm: float = FALSE_ALARM


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that a formula makes of a metric's evidence; `both_ways`: whether a gain is drift too."""

    title: str
    metric: str
    formula: str
    tolerance: Tolerance
    both_ways: bool = True

    def beyond(self, change: float, bound: float) -> bool:
        """Whether a change is out of bounds, as it is where either is no number."""
        return not (abs(change) <= bound or (change > 0 and not self.both_ways))


def judge(reference: Iterable[Result], results: Iterable[Result], rule: Rule) -> list[Finding]:
    """One finding for every measure of the reference; results it does not know are not looked at."""
    before, now = by_place(reference), by_place(results)
    guarded = {place: _guarded(place, before[place], rule) for place in sorted(before)}
    shared = replace(rule, false_alarm=rule.false_alarm / max(1, sum(map(len, guarded.values()))))
    found = [_judge(place, wanted, (before[place], now.get(place, {})), shared) for place, wanted in guarded.items()]
    return [finding for each in found for finding in each]


def by_place(results: Iterable[Result]) -> dict[Place, dict[int, Result]]:
    """The trainings of each arm and task, seeds in order; what was trained together is part of what an arm is."""
    found: dict[Place, dict[int, Result]] = {}
    for one in sorted(results, key=lambda result: result.seed):
        for task in one.tasks:
            found.setdefault(place_of(one, task), {})[one.seed] = one
    return found


def _guarded(place: Place, before: Trainings, rule: Rule) -> list[Measure]:
    """What is guarded of a task; the tolerance of the rule is for its primary metric alone."""
    primary = next(iter(before.values())).scores[place.task].metrics[0]
    found = [Measure(primary.title, primary.name, primary.formula, rule.tolerance)]
    if place.task == PHI_TASK:
        found.append(Measure("recall of PHI", PHI_METRIC, "micro_recall", PHI, both_ways=False))
    return found


def _judge(place: Place, wanted: Sequence[Measure], sides: tuple[Trainings, Trainings], rule: Rule) -> list[Finding]:
    try:
        judgement, why = _unfit(place.task, *sides)
        if not why:
            before, now = ([answered(one, place.task) for one in side.values()] for side in sides)
            _require_same_examples([*before, *now])
            return _compared(place, wanted, (before, now), rule)
    except InputError as error:
        judgement, why = UNJUDGED, str(error)
    return [Finding(place=place, measure=one.title, judgement=judgement, why=why) for one in wanted]


def _unfit(task: str, before: Trainings, now: Trainings) -> tuple[str, str]:
    """The judgement and its reason where no evidence needs to be read for it; else no reason."""
    if not now:
        return UNJUDGED, "there is no result, or not each can be read"
    for seed, new in now.items():
        for old in before.values():
            if why := incomparable(old, new, task):
                return UNJUDGED, f"seed {seed}: {why}"
        if why := lost([old.scores[task] for old in before.values()], new.scores[task]):
            return DRIFTED, f"seed {seed}: {why}"
    return STEADY, ""


def _require_same_examples(trainings: Sequence[Answered]) -> None:
    for one in trainings:
        if not np.array_equal(one.evidence.ids, trainings[0].evidence.ids):
            raise InputError(f"seed {one.result.seed}: other test examples")


Both = tuple[list[Answered], list[Answered]]
"""The trainings of the reference, and those to be judged."""


def _compared(place: Place, wanted: Sequence[Measure], both: Both, rule: Rule) -> list[Finding]:
    before, now = both
    pairs = [(old, new) for new in now for old in before if old.result.seed == new.result.seed]
    different = [change for pair in pairs for change in changes(*pair)]
    if len(pairs) == len(now) and not different:
        old = [old for old, _ in pairs]
        return [replace(_weighed(place, one, (old, old), rule), equal=True, noise=math.nan) for one in wanted]
    must_match = [pair for pair in pairs if not unlike(pair[0].result, pair[1].result)]
    seeds = {new.result.seed for _, new in must_match}
    listed = tuple(change for change in different if change.seed in seeds)
    why = _about_equality(pairs, must_match, len(listed))
    found = [_weighed(place, one, both, rule) for one in wanted]
    if rule.exact:
        found = [_exactly(one, len(must_match) == len(now)) for one in found]
    found = [replace(one, why="; ".join(filter(None, (one.why, why)))) for one in found]
    # The documents are the same for every measure of a task: they are listed with the first.
    return [replace(found[0], changes=listed), *found[1:]]


def _about_equality(
    pairs: Sequence[tuple[Answered, Answered]], must_match: Sequence[tuple[Answered, Answered]], differ: int
) -> str:
    """Whether the evidence had to be equal to the reference's, and if so in how much it is not."""
    if not pairs:
        return "no training of the reference has its seed"
    if not must_match:
        return ", ".join(unlike(pairs[0][0].result, pairs[0][1].result))
    if not differ:
        return "trainings of the reference's own seeds are equal to it"
    documents = sum(len(new.evidence.ids) for _, new in must_match)
    changed = any(old.result.fingerprints.code != new.result.fingerprints.code for old, new in must_match)
    code = "the code changed" if changed else "the code is the same too: the training is not deterministic"
    return f"{differ} of {documents} documents differ on the same platform with the same seed, and {code}"


def _exactly(found: Finding, must_match: bool) -> Finding:
    """The finding where equality is asked for: what need not be equal cannot be judged."""
    if found.judgement == DRIFTED:
        return found
    return replace(found, judgement=DRIFTED if must_match else UNJUDGED, why="its evidence is not the reference's")


def _weighed(place: Place, measure: Measure, both: Both, rule: Rule) -> Finding:
    metric = next((one for one in both[0][0].score.metrics if one.name == measure.metric), None)
    if metric is None:
        why = f"the reference does not hold {measure.metric}"
        return Finding(place=place, measure=measure.title, judgement=UNJUDGED, why=why)
    rows = [[one.evidence.rows[measure.metric] for one in side] for side in both]
    sides = Sides(rows[0], rows[1], measure.formula, metric.columns)
    before, now = (fmean(sides.scores(side)) for side in rows)
    noise, change = sides.noise(rule.false_alarm), now - before
    judgement, why = STEADY, ""
    if measure.beyond(change, measure.tolerance.limit):
        judgement, why = DRIFTED, "it changed by more than the hard limit"
    elif measure.beyond(change, measure.tolerance.margin) and measure.beyond(change, noise):
        judgement, why = DRIFTED, "it changed by more than the margin, and more than noise explains"
    return Finding(
        place=place, measure=measure.title, judgement=judgement, why=why, before=before, now=now, noise=noise
    )
