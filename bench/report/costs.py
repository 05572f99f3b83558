"""What the trainings took in each arm: time, memory, weights and energy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import fmean
from typing import Any, NamedTuple

from bench.report import numbers
from bench.report.arms import ArmRuns
from bench.report.comparison import Comparison
from bench.store.runs import Result

Cost = dict[str, float | None]
"""Quantity -> what an arm took for all tasks together, mean over the seeds that have them all; None is unknown."""


class Quantity(NamedTuple):
    """What is measured of each run, and how it is written and added up; only a count is the same on a busy machine.

    What is `of_training` counts for the runs that an arm starts from too: each once a seed.
    """

    title: str
    measure: Callable[[Result], float | None]
    write: Callable[[float | None], str]
    is_count: bool = False
    of_training: bool = False
    together: Callable[[Iterable[Any]], float] = sum


def _tokens(run: Result) -> float:
    return sum(seen.tokens for seen in run.training.task_counts.values())


QUANTITIES = {
    "trainings": Quantity("trainings", lambda run: 1, numbers.count, is_count=True, of_training=True),
    "models": Quantity("models to keep", lambda run: 1, numbers.count, is_count=True),
    "tokens": Quantity("real tokens trained on", _tokens, numbers.count, is_count=True, of_training=True),
    "parameters": Quantity("parameters", lambda run: run.training.parameters, numbers.count, is_count=True),
    "weights_bytes": Quantity("weights on disk", lambda run: run.training.weights_bytes, numbers.size, is_count=True),
    "train_seconds": Quantity(
        "training, wall-clock", lambda run: run.training.train_seconds, numbers.duration, of_training=True
    ),
    "dev_seconds": Quantity(
        "scoring on development sets", lambda run: run.training.dev_seconds, numbers.duration, of_training=True
    ),
    "test_seconds": Quantity("answering the test sets", lambda run: run.test_seconds, numbers.duration),
    # Of the sums, not of each run.
    "tokens_per_second": Quantity("real tokens a second", lambda run: None, numbers.count),
    "peak_memory_bytes": Quantity(
        "peak memory (largest run)",
        lambda run: run.training.peak_memory_bytes,
        numbers.size,
        of_training=True,
        together=max,
    ),
    "energy_joules": Quantity(
        "energy of training", lambda run: run.training.energy_joules, numbers.energy, of_training=True
    ),
}


def costs(comparison: Comparison) -> dict[str, Cost]:
    """The cost of each arm that learns; without those that no seed has whole."""
    found = {arm.name: _cost(comparison, arm) for arm in comparison.trained}
    return {name: cost for name, cost in found.items() if cost}


def _cost(comparison: Comparison, arm: ArmRuns) -> Cost:
    """The cost of an arm; empty where no seed has answered all tasks."""
    by_seed = [[arm.of_task(task).get(seed) for task in comparison.tasks] for seed in comparison.seeds]
    # A joint run answers several tasks, and counts once.
    complete = [list({id(run): run for run in runs if run}.values()) for runs in by_seed if all(runs)]
    starts = [arm.starts_of(runs) for runs in complete]
    cost: Cost = {}
    for name, quantity in QUANTITIES.items() if complete else ():
        counted = [
            [*runs, *(before if quantity.of_training else ())] for runs, before in zip(complete, starts, strict=True)
        ]
        # A seed does not count if one of its runs is unknown, or not there any more.
        seeds = [[run and quantity.measure(run) for run in runs] for runs in counted]
        known = [quantity.together(values) for values in seeds if None not in values]
        cost[name] = fmean(known) if known else None
    if cost and cost["tokens"] and cost["train_seconds"]:
        cost["tokens_per_second"] = cost["tokens"] / cost["train_seconds"]
    return cost
