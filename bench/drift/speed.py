"""Speed, as ratios of seconds on one machine: seconds alone would say more of the machine than of the code."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean

from bench.drift.findings import DRIFTED, STEADY, TIMES, UNCOMPARED, Finding, Place, place_of
from bench.drift.sameness import incomparable
from bench.report.arms import MULTI, SINGLE
from bench.store.runs import Result

FACTOR = 2.0
"""A ratio may be so many times its reference, or one part of so many: docs/drift.md."""


@dataclass(frozen=True, slots=True)
class _Ratio:
    """Seconds over seconds of one machine; nan where one of them was not measured."""

    place: Place
    measure: str
    device: str
    value: float


def judge_speed(reference: Sequence[Result], results: Sequence[Result], factor: float = FACTOR) -> list[Finding]:
    """A finding for every ratio that the reference has: answering against training, and arm against arm."""
    before = sorted(_ratios(reference), key=_key)
    now = list(_ratios([one for one in results if _comparable(one, reference)]))
    return [
        _judge(list(ratios), [one for one in now if _key(one) == key], factor) for key, ratios in groupby(before, _key)
    ]


def _key(ratio: _Ratio) -> tuple[Place, str]:
    return ratio.place, ratio.measure


def _comparable(result: Result, reference: Iterable[Result]) -> bool:
    """Whether it did the same work as every training in the reference that differs in its seed alone."""
    alike = [old for old in reference if old.name.path.parent == result.name.path.parent]
    return not any(incomparable(old, result, task) for old in alike for task in result.tasks)


def _judge(before: Sequence[_Ratio], now: Sequence[_Ratio], factor: float) -> Finding:
    devices = {one.device for one in (*before, *now)}
    judgement, why = STEADY, ""
    mean, new = (fmean(one.value for one in side) if side else math.nan for side in (before, now))
    if not now or math.isnan(mean):
        judgement, why = UNCOMPARED, "only one side has measured it on one machine"
    elif len(devices) > 1:
        judgement, why = UNCOMPARED, f"other devices: {', '.join(sorted(devices))}"
    elif not mean / factor <= new <= mean * factor:
        judgement, why = DRIFTED, f"it is not within {factor:g} times of what it was"
    first = before[0]
    return Finding(
        place=first.place, measure=first.measure, judgement=judgement, why=why, unit=TIMES, before=mean, now=new
    )


def _ratios(results: Sequence[Result]) -> Iterator[_Ratio]:
    for one in results:
        place = place_of(one, "speed" if one.joint else one.label)
        answering = one.training.dev_seconds + one.test_seconds
        yield _Ratio(place, "answering/training", one.environment.device, _over(answering, one.training.train_seconds))
        if one.arm == MULTI and (alone := _alone(one, results)):
            value = _over(_seconds_a_token(alone), _seconds_a_token([one]))
            yield _Ratio(place, f"{SINGLE}/{MULTI}", one.environment.device, value)


def _alone(joint: Result, results: Sequence[Result]) -> list[Result]:
    """The single-task trainings of the same tasks, seed and machine; none if one is missing."""
    wanted = (joint.name.comparison, joint.seed, joint.environment)
    found = [
        one
        for one in results
        if one.arm == SINGLE
        and set(one.tasks) <= set(joint.tasks)
        and (one.name.comparison, one.seed, one.environment) == wanted
    ]
    return found if len(found) == len(joint.tasks) else []


def _seconds_a_token(trainings: Iterable[Result]) -> float:
    records = [one.training for one in trainings]
    tokens = sum(seen.tokens for record in records for seen in record.task_counts.values())
    return _over(sum(record.train_seconds for record in records), tokens)


def _over(above: float, below: float) -> float:
    return above / below if below else math.nan
