"""What an arm gains over the single-task baseline: the evidence paired task by task, and what statistics say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from bench.report import numbers
from bench.report.arms import FLOOR, ArmRuns
from bench.statistics.calibrated import holds, nearest
from bench.statistics.comparing import Difference, compare
from bench.statistics.paired import Paired
from bench.store.runs import Result

NOT_RUN = "no seed has been run in both arms"
EXAMPLES = "numbers of examples"
# What runs must have in common on a task, or no difference between them means anything.
MUST_MATCH: MappingProxyType[str, Callable[[Result, str], object]] = MappingProxyType(
    {
        "corpora": lambda result, task: result.fingerprints.corpora.get(task),
        EXAMPLES: lambda result, task: sorted(result.scores[task].examples.items()),
        "metrics": lambda result, task: [(one.name, one.formula, one.columns) for one in result.scores[task].metrics],
        # The floor has none.
        "encoders": lambda result, task: None if result.baseline == FLOOR else result.fingerprints.encoder,
    }
)


def mismatches(task: str, results: Sequence[Result]) -> list[str]:
    """Which of the things that must match differ between these runs of a task."""
    return [what for what, of in MUST_MATCH.items() if len(numbers.distinct(of(one, task) for one in results)) > 1]


@dataclass(frozen=True, slots=True)
class Contrast:
    """What an arm gains over the single-task baseline, and the evidence for it, task by task.

    `unpaired` says why a task cannot be compared; `mean` is None unless every task has the same seeds.
    """

    arm: str
    pairs: tuple[Paired, ...]
    each: tuple[Difference, ...]
    mean: Difference | None
    unpaired: Mapping[str, str]

    @property
    def lines(self) -> list[Difference]:
        """The tasks, then their mean where there is one."""
        return [*self.each, *([self.mean] if self.mean else [])]

    @property
    def not_compared(self) -> list[str]:
        """Each reason once, with the tasks that it keeps from being compared."""
        return [f"{', '.join(tasks)}: {reason}" for reason, tasks in numbers.names_by(self.unpaired.items()).items()]


def contrast(tasks: Sequence[str], single: ArmRuns, arm: ArmRuns) -> Contrast:
    """One arm against the single-task baseline, over the seeds both have; a mean only over tasks that all have them."""
    seeds = {task: [seed for seed in single.of_task(task) if seed in arm.of_task(task)] for task in tasks}
    found = {task: _paired(task, *([one.of_task(task)[seed] for seed in seeds[task]] for one in (single, arm)))
             for task in tasks}  # fmt: skip
    pairs = tuple(paired for paired in found.values() if isinstance(paired, Paired))
    each, mean = compare(pairs)
    unpaired = {task: reason for task, reason in found.items() if isinstance(reason, str)}
    same_seeds = not unpaired and len(set(map(tuple, seeds.values()))) == 1
    return Contrast(arm.name, pairs, tuple(each), mean if same_seeds else None, unpaired)


def _paired(task: str, single: Sequence[Result], other: Sequence[Result]) -> Paired | str:
    """The evidence of both arms for a task's primary metric, or the reason why it cannot be paired."""
    if not single:
        return NOT_RUN
    if found := mismatches(task, [*single, *other]):
        return f"different {' and '.join(found)}"
    metric = single[0].scores[task].metrics[0]
    evidence = [[result.evidence[task] for result in results] for results in (single, other)]
    ids = evidence[0][0].ids
    if not all(np.array_equal(ids, one.ids) for arm in evidence for one in arm):
        return "different test examples"
    first, second = (np.stack([one.rows[metric.name] for one in arm]) for arm in evidence)
    return Paired(task, first, second, metric.formula, metric.columns).narrowed()


def unreliable(found: Contrast) -> Iterator[str]:
    """Where the interval and p do not hold: one seed, and what calibration has measured otherwise or not at all."""
    if any(paired.seeds == 1 for paired in found.pairs):
        yield "Where seeds is 1, seed variance is unknown: interval, p and verdict speak of these trained models alone."
    missed = [(one.name, what) for one in found.pairs if one.seeds > 1 and (what := _calibration(one))]
    if missed:
        reasons = "; ".join(f"{', '.join(tasks)}: {what}" for what, tasks in numbers.names_by(missed).items())
        yield f"Calibration does not vouch for all of these intervals (type I error, 3.5 to 6.5 % demanded): {reasons}."


def _calibration(paired: Paired) -> str | None:
    """The type I errors that calibration measured of tests like this one; None where they are as demanded."""
    cells = nearest(paired.formula, paired.examples, paired.seeds)
    if not cells:
        return "not measured for this metric with so few examples"
    if holds(cells):
        return None
    shares = [100 * cell.type_one for cell in cells]
    where = f"{cells[0].examples} examples, {cells[0].seeds} seeds"
    return f"{min(shares):.1f} to {max(shares):.1f} % ({where})"
