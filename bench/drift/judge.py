"""The judgement of a score: equal to the reference, different by no more than margin or noise, or drifted.

Comparisons are written so that NaN fails: `not x <= limit`, never `x > limit`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from bench.drift.equality import Answered, answered, changes, incomparable, lost, platform_diff
from bench.drift.findings import DRIFTED, STEADY, UNJUDGED, Finding, GuardedCell, cell_of
from bench.drift.noise import Rows, noise, scores_of
from bench.store.runs import Result
from tasks.core.errors import InputError
from tasks.core.metrics.formulas import FORMULAS


@dataclass(frozen=True, slots=True)
class Tolerance:
    """In score units: beyond `margin` and more than noise is drift, beyond `limit` is drift at once."""

    margin: float
    limit: float


# From honest trainings: docs/drift.md, "Where the margins come from".
SCORE = Tolerance(margin=0.06, limit=0.15)
"""For the primary metric of a task, in both directions: what is suddenly much better may have seen its gold."""

PHI = Tolerance(margin=0.05, limit=0.12)
"""For the recall of PHI, downwards alone: what is missed there is a name that is published."""

PHI_TASK, PHI_METRIC = "i2b2_2014", "binary_f1"
"""The counts of exact spans whatever their label: a name taken for a city is removed all the same."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How strictly a check judges. `exact`: what is not equal to the reference has drifted.

    `false_alarm` is the probability that noise alone carries any score of the check out of its noise.
    """

    tolerance: Tolerance = SCORE
    exact: bool = False
    false_alarm: float = 0.05


@dataclass(frozen=True, slots=True)
class GuardedScore:
    """A formula of a metric's evidence, with its tolerance; `both_ways`: whether a gain is drift too."""

    title: str
    metric: str
    formula: str
    tolerance: Tolerance
    both_ways: bool = True

    def beyond(self, change: float, bound: float) -> bool:
        """Whether a change is out of bounds, as it is where either is no number."""
        return not (abs(change) <= bound or (change > 0 and not self.both_ways))


Trainings = Mapping[int, Result]
"""Seed -> result."""

Sides = tuple[Mapping[int, Answered], Mapping[int, Answered]]
"""Seed -> training, of the reference and of the results."""


def judge(reference: Iterable[Result], results: Iterable[Result], rule: Rule) -> list[Finding]:
    """One finding for every guarded score of the reference; results it does not know are not looked at."""
    before, now = by_cell(reference), by_cell(results)
    guarded = {cell: _guarded(cell, before[cell], rule) for cell in sorted(before)}
    # Bonferroni: the rate of false alarms is that of the whole check.
    rule = replace(rule, false_alarm=rule.false_alarm / max(1, sum(map(len, guarded.values()))))
    found = [_judge(cell, wanted, (before[cell], now.get(cell, {})), rule) for cell, wanted in guarded.items()]
    return [finding for each in found for finding in each]


def by_cell(results: Iterable[Result]) -> dict[GuardedCell, dict[int, Result]]:
    """The trainings of each cell, seeds in order."""
    found: dict[GuardedCell, dict[int, Result]] = {}
    for one in sorted(results, key=lambda result: result.seed):
        for task in one.tasks:
            found.setdefault(cell_of(one, task), {})[one.seed] = one
    return found


def _guarded(cell: GuardedCell, before: Trainings, rule: Rule) -> list[GuardedScore]:
    """The tolerance of the rule is for the primary metric of a task alone."""
    primary = next(iter(before.values())).scores[cell.task].metrics[0]
    found = [GuardedScore(primary.title, primary.name, primary.formula, rule.tolerance)]
    if cell.task == PHI_TASK:
        found.append(GuardedScore("recall of PHI", PHI_METRIC, "micro_recall", PHI, both_ways=False))
    return found


def _judge(
    cell: GuardedCell, wanted: Sequence[GuardedScore], results: tuple[Trainings, Trainings], rule: Rule
) -> list[Finding]:
    try:
        judgement, why = _unfit(cell.task, *results)
        if not why:
            before, now = ({seed: answered(one, cell.task) for seed, one in side.items()} for side in results)
            ids = next(iter(before.values())).evidence.ids
            for one in (*before.values(), *now.values()):
                if not np.array_equal(one.evidence.ids, ids):
                    raise InputError(f"seed {one.result.seed}: other test examples")
            return _compared(cell, wanted, (before, now), rule)
    except InputError as error:
        judgement, why = UNJUDGED, str(error)
    return [Finding(cell=cell, measure=one.title, judgement=judgement, why=why) for one in wanted]


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


def _compared(cell: GuardedCell, wanted: Sequence[GuardedScore], sides: Sides, rule: Rule) -> list[Finding]:
    before, now = sides
    # First equality, document by document: a seed that the reference has too must give the same evidence.
    shared = [seed for seed in now if seed in before]
    different = [change for seed in shared for change in changes(before[seed], now[seed])]
    if len(shared) == len(now) and not different:
        old = {seed: before[seed] for seed in shared}
        return [replace(_weighed(cell, one, (old, old), rule), equal=True, noise=math.nan) for one in wanted]
    # On another platform it need not: only what differs on the same one is listed.
    differing = {seed: platform_diff(before[seed].result, now[seed].result) for seed in shared}
    must_match = [seed for seed in shared if not differing[seed]]
    listed = tuple(change for change in different if change.seed in must_match)
    # Then the score: all trainings of the results against all of the reference, whatever their seeds.
    found = [_weighed(cell, one, sides, rule) for one in wanted]
    if rule.exact:
        # What need not be equal cannot be judged by equality.
        judgement, unequal = DRIFTED if len(must_match) == len(now) else UNJUDGED, "its evidence is not the reference's"
        found = [one if one.judgement == DRIFTED else replace(one, judgement=judgement, why=unequal) for one in found]
    if not shared:
        why = "no training of the reference has its seed"
    else:
        why = _about_equality(sides, must_match, len(listed)) if must_match else ", ".join(differing[shared[0]])
    found = [replace(one, why="; ".join(filter(None, (one.why, why)))) for one in found]
    # The documents are the same for every score of a task: they are listed with the first.
    return [replace(found[0], changes=listed), *found[1:]]


def _about_equality(sides: Sides, must_match: Sequence[int], differ: int) -> str:
    """In how much the evidence of these seeds differs, which had to be equal to the reference's."""
    if not differ:
        return "trainings of the reference's own seeds are equal to it"
    pairs = [(sides[0][seed].result, sides[1][seed]) for seed in must_match]
    documents = sum(len(new.evidence.ids) for _, new in pairs)
    changed = any(old.fingerprints.code != new.result.fingerprints.code for old, new in pairs)
    code = "the code changed" if changed else "the code is the same too: the training is not deterministic"
    return f"{differ} of {documents} documents differ on the same platform with the same seed, and {code}"


def _weighed(cell: GuardedCell, guarded: GuardedScore, sides: Sides, rule: Rule) -> Finding:
    """The finding by the mean scores of both sides."""
    blank = Finding(cell=cell, measure=guarded.title, judgement=STEADY)
    metrics = next(iter(sides[0].values())).score.metrics
    metric = next((one for one in metrics if one.name == guarded.metric), None)
    if metric is None:
        return replace(blank, judgement=UNJUDGED, why=f"the reference does not hold {guarded.metric}")
    old, new = ([one.evidence.rows[guarded.metric] for one in side.values()] for side in sides)

    def score_of(totals: Rows) -> Rows:
        return FORMULAS[guarded.formula](totals, metric.columns)

    before, now = (fmean(scores_of(side, score_of)) for side in (old, new))
    found = replace(blank, before=before, now=now, noise=noise(old, new, score_of, rule.false_alarm))
    change, tolerance = now - before, guarded.tolerance
    if guarded.beyond(change, tolerance.limit):
        return replace(found, judgement=DRIFTED, why="it changed by more than the hard limit")
    if guarded.beyond(change, tolerance.margin) and guarded.beyond(change, found.noise):
        why = "it changed by more than the margin, and more than noise explains"
        return replace(found, judgement=DRIFTED, why=why)
    return found
