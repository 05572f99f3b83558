"""What the trainings took in each arm: time, memory, weights and energy."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from bench.report import numbers
from bench.report.arms import FLOOR, MULTI, SINGLE, ArmRuns
from bench.report.comparison import Comparison
from bench.report.table import Table
from bench.store.runs import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one arm cost for all tasks together, mean over the seeds that have them all; None is unknown, never 0."""

    trainings: int
    train_seconds: float | None
    dev_seconds: float | None
    test_seconds: float | None
    tokens: float | None
    parameters: float | None
    weights_bytes: float | None
    peak_memory_bytes: float | None
    energy_joules: float | None

    @property
    def tokens_per_second(self) -> float | None:
        """Real tokens (no padding) trained on in a second of training."""
        return self.tokens / self.train_seconds if self.tokens and self.train_seconds else None


def costs(comparison: Comparison) -> dict[str, Cost]:
    """The cost of each arm that learns; without those that no seed has whole."""
    found = {arm.name: _cost(comparison, arm) for arm in comparison.trained}
    return {name: cost for name, cost in found.items() if cost}


def _cost(comparison: Comparison, arm: ArmRuns) -> Cost | None:
    """The cost of an arm; None where no seed has answered all tasks."""
    by_seed = [[arm.of_task(task).get(seed) for task in comparison.tasks] for seed in comparison.seeds]
    # A joint run answers several tasks, and counts once.
    complete = [list({id(run): run for run in runs if run}.values()) for runs in by_seed if all(runs)]
    if not complete:
        return None

    def mean(measure: Callable[[Result], float | None], together: Callable[[list[float]], float] = sum) -> float | None:
        """Over the seeds of which it is known of every run."""
        seeds = [[value for run in runs if (value := measure(run)) is not None] for runs in complete]
        known = [together(found) for found, runs in zip(seeds, complete, strict=True) if len(found) == len(runs)]
        return fmean(known) if known else None

    return Cost(
        trainings=len(complete[0]),
        train_seconds=mean(lambda run: run.training.train_seconds),
        dev_seconds=mean(lambda run: run.training.dev_seconds),
        test_seconds=mean(lambda run: run.test_seconds),
        tokens=mean(lambda run: sum(seen.tokens for seen in run.training.task_counts.values())),
        parameters=mean(lambda run: run.training.parameters),
        weights_bytes=mean(lambda run: run.training.weights_bytes),
        peak_memory_bytes=mean(lambda run: run.training.peak_memory_bytes, max),
        energy_joules=mean(lambda run: run.training.energy_joules),
    )


_QUANTITIES: tuple[tuple[str, Callable[[Cost], float | None], Callable[[float | None], str], bool], ...] = (
    ("trainings = models to keep", lambda cost: cost.trainings, numbers.count, True),
    ("real tokens trained on", lambda cost: cost.tokens, numbers.count, True),
    ("parameters", lambda cost: cost.parameters, numbers.count, True),
    ("weights on disk", lambda cost: cost.weights_bytes, numbers.size, True),
    ("training, wall-clock", lambda cost: cost.train_seconds, numbers.duration, False),
    ("scoring on development sets", lambda cost: cost.dev_seconds, numbers.duration, False),
    ("answering the test sets", lambda cost: cost.test_seconds, numbers.duration, False),
    ("real tokens a second", lambda cost: cost.tokens_per_second, numbers.count, False),
    ("peak memory (largest run)", lambda cost: cost.peak_memory_bytes, numbers.size, False),
    ("energy of training", lambda cost: cost.energy_joules, numbers.energy, False),
)
"""What a row shows: its title, its measure, how that is written, and whether it is a count, which no busy machine
changes: only counts may be divided by each other."""


def table(comparison: Comparison) -> Table:
    """One row a quantity, one column an arm that learns; of counts, how many times the multitask arm the single one."""
    found, names = costs(comparison), [name for name in comparison.columns if name != FLOOR]
    single, multi = found.get(SINGLE), found.get(MULTI)
    rows, tasks = [], len(comparison.tasks)
    notes = ["single_task sums one training and one model for each task; multitask is one training and one model.",
             AS_RECORDED]  # fmt: skip
    for title, measure, write, counted in _QUANTITIES:
        row = [title, *(write(measure(found[name])) if name in found else numbers.MISSING for name in names)]
        ratio = [numbers.ratio(measure(single), measure(multi)) if counted else "none"] if single and multi else []
        rows.append((*row, *ratio))
    return Table(
        name=f"{comparison.name}-cost",
        title=f"Cost of {f'all {tasks} tasks' if tasks > 1 else 'the task'}, mean over seeds",
        align="l" + "r" * (len(rows[0]) - 1),
        header=("", *names, *(["single / multi"] if single and multi else [])),
        rows=tuple(rows),
        notes=(*notes, *([break_even(single, multi)] if single and multi else [])),
    )


AS_RECORDED = (
    "Times, memory and energy are as each run recorded them, one run after the other on a machine that may have been "
    "busy: no ratio. In turns, `python -m bench speed` measures how fast the arms answer, `training-speed` how "
    "fast a training goes beside the stock Trainer."
)


def break_even(single: Cost, multi: Cost) -> str:
    """From how many tasks on one shared training reads fewer tokens than one training for each task."""
    if not single.tokens or not multi.tokens:
        return "Break-even: unknown, since it is unknown how many tokens were trained on."
    tasks = single.trainings
    even = multi.tokens / (single.tokens / tasks)
    in_training = f"pays from {math.floor(even) + 1} of these tasks on" if even < tasks else "never pays"
    return (
        f"Break-even: one shared training reads as many tokens as {even:.1f} of the {tasks} single-task trainings, "
        f"so in training it {in_training}; in models to keep and run, from two tasks on."
    )
