"""What an arm gains over the single-task baseline: as it is judged, by resampling, and what seeds would decide it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.report import words
from bench.report.alike import refusal
from bench.report.comparison import SINGLE, Arm, Comparison
from bench.report.table import Table
from bench.statistics.calibrated import holds, nearest
from bench.statistics.comparing import MARGIN, MOST_SEEDS, UNDECIDED, Difference, compare, seeds_to_decide, verdict
from bench.statistics.paired import Paired
from bench.statistics.resampling import RESAMPLES, Resampled, resample
from bench.store.runs import Result, read_evidence

NOT_RUN = "no seed has been run in both arms"


@dataclass(frozen=True)
class Contrast:
    """What an arm gains over the single-task baseline, and the evidence for it, task by task.

    `unpaired` says why a task cannot be compared; `mean` is None unless every task has the same seeds.
    """

    arm: str
    pairs: tuple[Paired, ...]
    each: tuple[Difference, ...]
    mean: Difference | None
    unpaired: Mapping[str, str]

    @cached_property
    def resampled(self) -> tuple[list[Resampled], Resampled | None]:
        """The tasks and their mean by resampling: drawn once, when the first format asks, for every format."""
        return resample(self.pairs)


def contrasts(comparison: Comparison) -> list[Contrast]:
    """Every arm that learns, against the single-task baseline."""
    single = comparison.arm(SINGLE)
    others = [arm for arm in comparison.trained if arm.name != SINGLE]
    return [contrast(comparison, single, arm) for arm in others] if single else []


def contrast(comparison: Comparison, single: Arm, arm: Arm) -> Contrast:
    """One arm against the single-task baseline, over the seeds both have; a mean only over tasks that all have them."""
    found = {task: pair(task, single, arm) for task in comparison.tasks}
    pairs = [paired for paired in found.values() if isinstance(paired, Paired)]
    each, mean = compare(pairs)
    reasons = {task: reason for task, reason in found.items() if isinstance(reason, str)}
    whole = not reasons and len({_common(task, single, arm) for task in found}) == 1
    return Contrast(arm.name, tuple(pairs), tuple(each), mean if whole else None, reasons)


def _common(task: str, single: Arm, arm: Arm) -> tuple[int, ...]:
    """The seeds with which both arms answered a task."""
    return tuple(seed for seed in single.by_task.get(task, {}) if seed in arm.by_task.get(task, {}))


def pair(task: str, single: Arm, arm: Arm) -> Paired | str:
    """The evidence of both arms for a task's primary metric, or the reason why it cannot be paired."""
    first, second = single.by_task.get(task, {}), arm.by_task.get(task, {})
    seeds = _common(task, single, arm)
    if not seeds:
        return NOT_RUN
    if reason := refusal(task, [results[seed] for results in (first, second) for seed in seeds]):
        return reason
    evidence = [[_rows(results[seed], task) for seed in seeds] for results in (first, second)]
    (ids, _), metric = evidence[0][0], first[seeds[0]].scores[task].metrics[0]
    if not all(np.array_equal(ids, other) for arm_rows in evidence for other, _ in arm_rows):
        return "different test examples"
    stacks = [np.stack([rows for _, rows in arm_rows]) for arm_rows in evidence]
    return Paired(task, stacks[0], stacks[1], metric.formula, metric.columns).narrowed()


def _rows(result: Result, task: str) -> tuple[np.ndarray, np.ndarray]:
    evidence = read_evidence(result, task)
    return evidence.ids, evidence.rows[result.scores[task].metrics[0].name]


def difference_table(comparison: Comparison, found: Contrast) -> Table:
    """One row a task: difference, interval, p-value after Holm, verdict; then the mean over tasks."""
    return Table(
        name=f"{comparison.name}-difference-{found.arm}",
        title=f"Difference: {found.arm} minus single_task, in points",
        align="lrrrrl",
        header=("task", "diff.", "95 % interval", "p (Holm)", "seeds", "verdict"),
        rows=tuple(_row(difference) for difference in lines(found)),
        notes=tuple(_notes(found)),
        total=found.mean is not None,
    )


def lines(found: Contrast) -> list[Difference]:
    """The tasks, then their mean where there is one."""
    return [*found.each, *([found.mean] if found.mean else [])]


def _row(difference: Difference) -> tuple[str, ...]:
    gain, interval, p, judged = told(difference)
    return difference.name, gain, interval, p, str(difference.seeds), judged


def told(difference: Difference) -> tuple[str, str, str, str]:
    """The difference in words: in points, its interval, its p-value and its verdict."""
    return (
        words.points(difference.value, signed=True),
        bounds(difference.low, difference.high),
        words.p_value(difference.p),
        verdict(difference),
    )


def bounds(low: float, high: float) -> str:
    """An interval in points."""
    shown = [words.points(bound, signed=True) for bound in (low, high)]
    return words.UNDEFINED if words.UNDEFINED in shown else f"[{shown[0]}, {shown[1]}]"


def _notes(found: Contrast) -> Sequence[str]:
    margin = words.points(MARGIN)
    notes = [
        "Interval and p: Student's t, of seeds crossed with examples (docs/statistics.md); Holm corrects p over the "
        "tasks, not the intervals, and the mean is one test of its own. better, worse: the interval leaves out 0 and "
        f"p < 0.05. no worse: the interval ends above -{margin} points."
    ]
    notes += caveats(found)
    if found.mean is None and (found.unpaired or len(found.each) > 1):
        notes.append("No mean over tasks: not every task has the same seeds in both arms.")
    return [*notes, *(f"Not compared: {what}." for what in not_compared(found))]


def not_compared(found: Contrast) -> list[str]:
    """Each reason once, with the tasks that it keeps from being compared."""
    tasks: dict[str, list[str]] = {}
    for task, reason in found.unpaired.items():
        tasks.setdefault(reason, []).append(task)
    return [f"{', '.join(names)}: {reason}" for reason, names in tasks.items()]


def caveats(found: Contrast) -> Iterator[str]:
    """Where the interval and p do not hold: one seed, and what calibration has measured otherwise or not at all."""
    if any(paired.seeds == 1 for paired in found.pairs):
        yield "Where seeds is 1, seed variance is unknown: interval, p and verdict speak of these trained models alone."
    missed: dict[str, list[str]] = {}
    for paired in found.pairs:
        if paired.seeds > 1 and (what := _measured(paired)):
            missed.setdefault(what, []).append(paired.name)
    if missed:
        reasons = "; ".join(f"{', '.join(tasks)}: {what}" for what, tasks in missed.items())
        yield f"Calibration does not vouch for all of these intervals (type I error, 3.5 to 6.5 % demanded): {reasons}."


def _measured(paired: Paired) -> str | None:
    """What calibration found of tests like this one; None where it found what is demanded."""
    cells = nearest(paired.formula, paired.examples, paired.seeds)
    if not cells:
        return "not measured for this metric with so few examples"
    if holds(cells):
        return None
    shares = [100 * cell.type_one for cell in cells]
    where = f"{cells[0].examples} examples, {cells[0].seeds} seeds"
    return f"{min(shares):.1f} to {max(shares):.1f} % ({where})"


def resampling_table(comparison: Comparison, found: Contrast) -> Table:
    """One row a task: what the hierarchical bootstrap and paired randomisation say, beside the t that is judged by."""
    each, mean = found.resampled
    both = zip(lines(found), [*each, *([mean] if mean and found.mean else [])], strict=True)
    return Table(
        name=f"{comparison.name}-resampling-{found.arm}",
        title=f"The same by resampling: {found.arm} minus single_task, in points",
        align="lrrr",
        header=("task", "95 % interval (t)", "95 % interval (bootstrap)", "p (randomisation)"),
        rows=tuple(
            (
                line.name,
                bounds(line.low, line.high),
                bounds(one.low, one.high),
                "" if line is found.mean else words.p_value(one.p),
            )
            for line, one in both
        ),
        notes=(
            "Percentile bootstrap of seeds, then examples, and approximate randomisation over examples within matched "
            f"seeds, {RESAMPLES:,} draws each, the same in both arms, p not corrected. Neither keeps its "
            "error with few seeds (docs/statistics.md), so verdicts rest on t.",
        ),
        total=found.mean is not None,
    )


def budget_table(comparison: Comparison, found: Contrast) -> Table:
    """One row a task: how much doubt comes from seeds and how much from examples, and what seeds would decide."""
    return Table(
        name=f"{comparison.name}-budget-{found.arm}",
        title=f"What the doubt comes from: {found.arm} minus single_task, and the seeds that would settle it",
        align="lrrrrr",
        header=("task", "seeds", "from seeds", "examples", "from examples", "seeds to decide"),
        rows=tuple(_doubt(difference, len(found.each)) for difference in lines(found)),
        notes=(
            "From seeds, from examples: standard deviations of the difference, in points, that other trainings and "
            "another test set would cause. Seeds to decide: the fewest with which 8 of 10 such experiments reach a "
            "verdict, if difference and variances seen are the true ones; none: what the examples leave open remains "
            f"open with {MOST_SEEDS} seeds.",
        ),
        total=found.mean is not None,
    )


def _doubt(difference: Difference, tasks: int) -> tuple[str, ...]:
    return (
        difference.name,
        str(difference.seeds),
        words.UNKNOWN if difference.seeds == 1 else words.points(difference.seed_spread),
        str(difference.examples),
        words.points(difference.example_spread),
        _budget(difference, 1 if difference.name == "mean" else tasks),
    )


def _budget(difference: Difference, tests: int) -> str:
    if verdict(difference) != UNDECIDED:
        return "decided"
    needed = seeds_to_decide(difference, tests)
    if math.isnan(needed):
        return words.UNKNOWN if difference.seeds == 1 else words.UNDEFINED
    return "none" if math.isinf(needed) else str(round(needed))
