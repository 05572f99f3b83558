"""Speed, as ratios of seconds on one machine: seconds alone would say more of the machine than of the code."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean

from bench.drift.equality import incomparable
from bench.drift.findings import DRIFTED, STEADY, TIMES, UNCOMPARED, Finding, GuardedCell, cell_of
from bench.report.arms import MULTI, SINGLE
from bench.store.names import tasks_label
from bench.store.runs import Result

FACTOR = 2.0
"""A ratio may be so many times its reference, or one part of so many: docs/drift.md."""

_Ratios = dict[tuple[GuardedCell, str], list[tuple[str, float]]]
"""Cell and measure -> the device and the ratio of each training; nan where one time was not measured."""


def judge_speed(reference: Sequence[Result], results: Sequence[Result]) -> list[Finding]:
    """A finding for every ratio that the reference has: answering against training, and arm against arm."""
    before = _ratios(reference)
    now = _ratios([one for one in results if _comparable(one, reference)])
    return [_judge(*key, before[key], now.get(key, [])) for key in sorted(before)]


def _comparable(result: Result, reference: Iterable[Result]) -> bool:
    """Whether it did the same work as every training in the reference that differs in its seed alone."""
    alike = [old for old in reference if old.name.path.parent == result.name.path.parent]
    return not any(incomparable(old, result, task) for old in alike for task in result.tasks)


def _judge(
    cell: GuardedCell, measure: str, before: Sequence[tuple[str, float]], now: Sequence[tuple[str, float]]
) -> Finding:
    devices = {device for device, _ in (*before, *now)}
    judgement, why = STEADY, ""
    mean, new = (fmean(value for _, value in side) if side else math.nan for side in (before, now))
    if not now or math.isnan(mean):
        judgement, why = UNCOMPARED, "only one side has measured it on one machine"
    elif len(devices) > 1:
        judgement, why = UNCOMPARED, f"other devices or threads: {', '.join(sorted(devices))}"
    elif not mean / FACTOR <= new <= mean * FACTOR:
        judgement, why = DRIFTED, f"it is not within {FACTOR:g} times of what it was"
    return Finding(cell=cell, measure=measure, judgement=judgement, why=why, unit=TIMES, before=mean, now=new)


def _ratios(results: Sequence[Result]) -> _Ratios:
    found: _Ratios = {}
    for one in results:
        cell = cell_of(one, "speed" if one.joint else tasks_label(one.tasks))
        # A cost is compared only where both sides were measured alike, which is with as many threads too.
        device = f"{one.environment.device} with {one.environment.threads} threads"
        answering = _over(one.training.dev_seconds + one.test_seconds, one.training.train_seconds)
        found.setdefault((cell, "answering/training"), []).append((device, answering))
        if one.arm == MULTI and (alone := _alone(one, results)):
            arms = _over(_seconds_per_token(alone), _seconds_per_token([one]))
            found.setdefault((cell, f"{SINGLE}/{MULTI}"), []).append((device, arms))
    return found


def _alone(joint: Result, results: Sequence[Result]) -> list[Result]:
    """The single-task trainings of the same tasks, seed and machine; none if one is missing."""
    found = [
        one
        for one in results
        if one.arm == SINGLE
        and set(one.tasks) <= set(joint.tasks)
        and (one.name.comparison, one.seed, one.environment) == (joint.name.comparison, joint.seed, joint.environment)
    ]
    return found if len(found) == len(joint.tasks) else []


def _seconds_per_token(trainings: Iterable[Result]) -> float:
    records = [one.training for one in trainings]
    tokens = sum(counts.tokens for record in records for counts in record.task_counts.values())
    return _over(sum(record.train_seconds for record in records), tokens)


def _over(above: float, below: float) -> float:
    return above / below if below else math.nan
