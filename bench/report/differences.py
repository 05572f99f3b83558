"""The table of differences between an arm and the single-task baseline: interval, p-value and verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench import statistics
from bench.report import words
from bench.report.comparison import SINGLE, Arm, Comparison, metric_of
from bench.report.table import Table
from bench.statistics import Difference, Paired
from bench.store import Result, read_evidence


@dataclass(frozen=True, slots=True)
class Contrast:
    """What an arm gains over the single-task baseline; `unpaired` says of a task why it cannot be compared."""

    arm: str
    each: tuple[Difference, ...]
    mean: Difference | None
    unpaired: tuple[str, ...]


def contrasts(comparison: Comparison) -> list[Contrast]:
    """Every arm that learns, against the single-task baseline."""
    single = comparison.arm(SINGLE)
    others = [arm for arm in comparison.trained if arm.name != SINGLE]
    return [contrast(comparison, single, arm) for arm in others] if single else []


def contrast(comparison: Comparison, single: Arm, arm: Arm) -> Contrast:
    """One arm against the single-task baseline, over the seeds both have; a mean only over tasks that all have them."""
    found = {task: pair(task, single, arm) for task in comparison.tasks}
    pairs = [paired for paired in found.values() if isinstance(paired, Paired)]
    each, mean = statistics.compare(pairs)
    reasons = tuple(f"{task}: {reason}" for task, reason in found.items() if isinstance(reason, str))
    whole = not reasons and len({_common(task, single, arm) for task in found}) == 1
    return Contrast(arm.name, tuple(each), mean if whole else None, reasons)


def _common(task: str, single: Arm, arm: Arm) -> tuple[int, ...]:
    """The seeds with which both arms answered a task."""
    return tuple(seed for seed in single.by_task.get(task, {}) if seed in arm.by_task.get(task, {}))


def pair(task: str, single: Arm, arm: Arm) -> Paired | str:
    """The evidence of both arms for a task's primary metric, or the reason why it cannot be paired."""
    first, second = single.by_task.get(task, {}), arm.by_task.get(task, {})
    seeds = _common(task, single, arm)
    if not seeds:
        return "no seed has been run in both arms"
    evidence = [[_rows(results[seed], task) for seed in seeds] for results in (first, second)]
    (ids, _), metric = evidence[0][0], first[seeds[0]].scores[task].metrics[0]
    same = all(np.array_equal(ids, other) for arm_rows in evidence for other, _ in arm_rows)
    if not same or metric_of(second[seeds[0]].scores[task], metric.name) is None:
        return "the arms answered other examples or have other metrics"
    stacks = [np.stack([rows for _, rows in arm_rows]) for arm_rows in evidence]
    return Paired(task, stacks[0], stacks[1], metric.formula, metric.columns)


def _rows(result: Result, task: str) -> tuple[np.ndarray, np.ndarray]:
    evidence = read_evidence(result, task)
    return evidence.ids, evidence.rows[result.scores[task].metrics[0].name]


def difference_table(comparison: Comparison, found: Contrast) -> Table:
    """One row a task: difference, interval, p-value after Holm, verdict; then the mean over tasks."""
    rows = [_row(difference) for difference in found.each]
    rows += [_row(found.mean)] if found.mean else []
    return Table(
        name=f"{comparison.name}-difference-{found.arm}",
        title=f"Difference: {found.arm} minus single_task, in points",
        align="lrrrrl",
        header=("task", "difference", "95 % interval", "p (Holm)", "seeds", "verdict"),
        rows=tuple(rows),
        notes=tuple(_notes(found)),
        total=found.mean is not None,
    )


def _row(difference: Difference) -> tuple[str, ...]:
    low, high = (words.points(bound, signed=True) for bound in (difference.low, difference.high))
    return (
        difference.name,
        words.points(difference.value, signed=True),
        words.UNDEFINED if words.UNDEFINED in (low, high) else f"[{low}, {high}]",
        "" if difference.name == "mean" else words.p_value(difference.p),
        str(difference.seeds),
        statistics.verdict(difference),
    )


def _notes(found: Contrast) -> Sequence[str]:
    margin = words.points(statistics.MARGIN)
    notes = [
        f"Interval: percentile bootstrap of seeds and examples, the same draw in both arms, {statistics.RESAMPLES:,} "
        "resamples, not corrected for several tasks. p: paired randomisation over examples, Holm over tasks; it tests "
        "these trained models, not what other seeds would give. "
        f"no worse: the interval ends above -{margin} points. better, worse: the interval leaves out 0 and p < 0.05."
    ]
    seeds = {difference.seeds for difference in found.each}
    if 1 in seeds:
        notes.append("Where seeds is 1, seed variance is unknown and the interval speaks of the examples alone.")
    elif seeds and min(seeds) < 5:
        notes.append("With so few seeds a bootstrap interval is rather too narrow; its coverage is not calibrated yet.")
    if found.mean is None and (found.unpaired or len(found.each) > 1):
        notes.append("No mean over tasks: not every task has the same seeds in both arms.")
    return [*notes, *(f"Not compared: {reason}." for reason in found.unpaired)]
