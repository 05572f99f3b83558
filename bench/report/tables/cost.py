"""What the trainings took in each arm: time, memory, weights and energy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from statistics import fmean
from typing import NamedTuple

from bench.report import numbers
from bench.report.arms import FLOOR, MULTI, SINGLE, ArmRuns
from bench.report.comparison import Comparison
from bench.report.table import Table
from bench.store.runs import Result

Cost = dict[str, float | None]
"""Quantity -> what an arm took for all tasks together, mean over the seeds that have them all; None is unknown."""


class Quantity(NamedTuple):
    """What is measured of each run, and how it is written and added up; only a count is the same on a busy machine."""

    title: str
    measure: Callable[[Result], float | None]
    write: Callable[[float | None], str]
    is_count: bool = False
    together: Callable[[Iterable[float]], float] = sum


def _tokens(run: Result) -> float:
    return sum(seen.tokens for seen in run.training.task_counts.values())


QUANTITIES = {
    "trainings": Quantity("trainings = models to keep", lambda run: 1, numbers.count, is_count=True),
    "tokens": Quantity("real tokens trained on", _tokens, numbers.count, is_count=True),
    "parameters": Quantity("parameters", lambda run: run.training.parameters, numbers.count, is_count=True),
    "weights_bytes": Quantity("weights on disk", lambda run: run.training.weights_bytes, numbers.size, is_count=True),
    "train_seconds": Quantity("training, wall-clock", lambda run: run.training.train_seconds, numbers.duration),
    "dev_seconds": Quantity("scoring on development sets", lambda run: run.training.dev_seconds, numbers.duration),
    "test_seconds": Quantity("answering the test sets", lambda run: run.test_seconds, numbers.duration),
    # Of the sums, not of each run.
    "tokens_per_second": Quantity("real tokens a second", lambda run: None, numbers.count),
    "peak_memory_bytes": Quantity(
        "peak memory (largest run)", lambda run: run.training.peak_memory_bytes, numbers.size, together=max
    ),
    "energy_joules": Quantity("energy of training", lambda run: run.training.energy_joules, numbers.energy),
}


def costs(comparison: Comparison) -> dict[str, Cost]:
    """The cost of each arm that learns; without those that no seed has whole."""
    found = {arm.name: _cost(comparison, arm) for arm in comparison.trained}
    return {name: cost for name, cost in found.items() if cost}


def _cost(comparison: Comparison, arm: ArmRuns) -> Cost:
    """The cost of an arm; empty where no seed has answered all tasks."""
    by_seed = [[arm.of_task(task).get(seed) for task in comparison.tasks] for seed in comparison.seeds]
    # A joint run answers several tasks, and counts once.
    complete = [{id(run): run for run in runs if run}.values() for runs in by_seed if all(runs)]
    cost: Cost = {}
    for name, quantity in QUANTITIES.items() if complete else ():
        seeds = [[value for run in runs if (value := quantity.measure(run)) is not None] for runs in complete]
        # A seed does not count if one of its runs is unknown.
        known = [
            quantity.together(found) for found, runs in zip(seeds, complete, strict=True) if len(found) == len(runs)
        ]
        cost[name] = fmean(known) if known else None
    if cost and cost["tokens"] and cost["train_seconds"]:
        cost["tokens_per_second"] = cost["tokens"] / cost["train_seconds"]
    return cost


def table(comparison: Comparison) -> Table:
    """One row a quantity, one column an arm that learns; of counts, how many times the multitask arm the single one."""
    found, names = costs(comparison), [name for name in comparison.columns if name != FLOOR]
    both = SINGLE in found and MULTI in found
    rows, tasks = [], len(comparison.tasks)
    for name, (title, _, write, is_count, _) in QUANTITIES.items():
        values = [write(found[arm][name]) if arm in found else numbers.MISSING for arm in names]
        ratio = numbers.ratio(found[SINGLE][name], found[MULTI][name]) if both and is_count else "none"
        rows.append((title, *values, *([ratio] if both else [])))
    return Table(
        title=f"Cost of {f'all {tasks} tasks' if tasks > 1 else 'the task'}, mean over seeds",
        align="l" + "r" * (len(rows[0]) - 1),
        header=("", *names, *(["single / multi"] if both else [])),
        rows=tuple(rows),
        notes=(
            "single_task sums one training and one model for each task; multitask is one training and one model.",
            "Times, memory and energy are as each run recorded them, one run after the other on a machine that may "
            "have been busy: no ratio. In turns, `python -m bench speed` measures how fast the arms answer, and how "
            "fast a training goes beside the stock Trainer.",
            *([break_even(found[SINGLE], found[MULTI])] if both else []),
        ),
    )


def break_even(single: Cost, multi: Cost) -> str:
    """From how many tasks on one shared training reads fewer tokens than one training for each task."""
    tasks = single["trainings"]
    if not single["tokens"] or not multi["tokens"] or not tasks:
        return "Break-even: unknown, since it is unknown how many tokens were trained on."
    even = multi["tokens"] / (single["tokens"] / tasks)
    in_training = f"pays from {math.floor(even) + 1} of these tasks on" if even < tasks else "never pays"
    return (
        f"Break-even: one shared training reads as many tokens as {even:.1f} of the {tasks:.0f} single-task trainings, "
        f"so in training it {in_training}; in models to keep and run, from two tasks on."
    )
