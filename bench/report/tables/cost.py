"""The tables of cost: what the trainings took, and what each task saw in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from bench.report import words
from bench.report.comparison import FLOOR, MULTI, SINGLE, Arm, Comparison
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


def cost_of(comparison: Comparison, arm: Arm) -> Cost | None:
    """The cost of an arm; None where no seed has answered all tasks."""
    whole = [runs for seed in comparison.seeds if (runs := _runs(comparison, arm, seed))]
    if not whole:
        return None

    def each(measure: Callable[[Result], float | None], together: Callable[[list[float]], float] = sum) -> float | None:
        return _mean(_together([measure(run) for run in runs], together) for runs in whole)

    return Cost(
        trainings=len(whole[0]),
        train_seconds=each(lambda run: run.training.train_seconds),
        dev_seconds=each(lambda run: run.training.dev_seconds),
        test_seconds=each(lambda run: run.test_seconds),
        tokens=each(lambda run: sum(seen.tokens for seen in run.training.task_counts.values())),
        parameters=each(lambda run: run.training.parameters),
        weights_bytes=each(lambda run: run.training.weights_bytes),
        peak_memory_bytes=each(lambda run: run.training.peak_memory_bytes, max),
        energy_joules=each(lambda run: run.training.energy_joules),
    )


def _runs(comparison: Comparison, arm: Arm, seed: int) -> list[Result]:
    """The trainings that answer all tasks with a seed; empty if one is missing."""
    found = [arm.by_task.get(task, {}).get(seed) for task in comparison.tasks]
    runs = {id(run): run for run in found if run is not None}
    return list(runs.values()) if all(run is not None for run in found) else []


def _together(parts: Sequence[float | None], together: Callable[[list[float]], float]) -> float | None:
    known = [part for part in parts if part is not None]
    return together(known) if len(known) == len(parts) else None


def _mean(parts: Iterable[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return fmean(known) if known else None


_QUANTITIES: tuple[tuple[str, Callable[[Cost], float | None], Callable[[float | None], str], bool], ...] = (
    ("trainings = models to keep", lambda cost: cost.trainings, words.count, True),
    ("real tokens trained on", lambda cost: cost.tokens, words.count, True),
    ("parameters", lambda cost: cost.parameters, words.count, True),
    ("weights on disk", lambda cost: cost.weights_bytes, words.size, True),
    ("training, wall-clock", lambda cost: cost.train_seconds, words.duration, False),
    ("scoring on development sets", lambda cost: cost.dev_seconds, words.duration, False),
    ("answering the test sets", lambda cost: cost.test_seconds, words.duration, False),
    ("real tokens a second", lambda cost: cost.tokens_per_second, words.count, False),
    ("peak memory (largest run)", lambda cost: cost.peak_memory_bytes, words.size, False),
    ("energy of training", lambda cost: cost.energy_joules, words.energy, False),
)
"""What a row shows: its title, its measure, how that is written, and whether it is a count, which no busy machine
changes: only counts may be divided by each other."""


def cost_table(comparison: Comparison, arms: Sequence[str], costs: Mapping[str, Cost]) -> Table:
    """One row a quantity, one column an arm that learns; of counts, how many times the multitask arm the single one."""
    names = [name for name in arms if name != FLOOR]
    single, multi = costs.get(SINGLE), costs.get(MULTI)
    rows, tasks = [], len(comparison.tasks)
    for title, measure, write, counted in _QUANTITIES:
        row = [title, *(write(measure(costs[name])) if name in costs else words.MISSING for name in names)]
        ratio = [words.ratio(measure(single), measure(multi)) if counted else "none"] if single and multi else []
        rows.append((*row, *ratio))
    return Table(
        name=f"{comparison.name}-cost",
        title=f"Cost of {f'all {tasks} tasks' if tasks > 1 else 'the task'}, mean over seeds",
        align="l" + "r" * (len(names) + (single is not None and multi is not None)),
        header=("", *names, *(["single / multi"] if single and multi else [])),
        rows=tuple(rows),
        notes=(
            "single_task sums one training and one model for each task; multitask is one training and one model.",
            AS_RECORDED,
            *([break_even(single, multi)] if single and multi else []),
        ),
    )


AS_RECORDED = (
    "Times, memory and energy are as each run recorded them, one run after the other on a machine that may have been "
    "busy: no ratio. In turns, `python -m bench speed` measures how fast the arms answer, and how fast a training goes "
    "beside the stock Trainer."
)


def break_even(single: Cost, multi: Cost) -> str:
    """From how many tasks on one shared training reads fewer tokens than one training for each task."""
    if not single.tokens or not multi.tokens:
        return "Break-even: unknown, since it is unknown how many tokens were trained on."
    tasks = single.trainings
    even = multi.tokens / (single.tokens / tasks)
    trainings = f"as many tokens as {even:.1f} of the {tasks} single-task trainings"
    in_training = f"pays from {math.floor(even) + 1} of these tasks on" if even < tasks else "never pays"
    return (
        f"Break-even: one shared training reads {trainings}, so in training it {in_training}; "
        "in models to keep and run, from two tasks on."
    )


def seen_table(comparison: Comparison) -> Table:
    """What the trainings really saw of each task, mean over seeds; arms that saw the same share a row."""
    rows = []
    for task in comparison.tasks:
        arms = [arm for arm in comparison.trained if task in arm.by_task]
        seen = {arm.name: _seen(arm, task) for arm in arms}
        for cells in dict.fromkeys(seen.values()):
            names = [name for name in seen if seen[name] == cells]
            rows.append((task, "every arm" if len(names) == len(seen) > 1 else " = ".join(names), *cells))
    return Table(
        name=f"{comparison.name}-seen",
        title="What each task saw in training, mean over seeds",
        align="llrrrr",
        header=("task", "arm", "updates", "examples", "tokens", "passes"),
        rows=tuple(rows),
    )


def _seen(arm: Arm, task: str) -> tuple[str, ...]:
    found = [run.training.task_counts[task] for run in arm.by_task[task].values() if task in run.training.task_counts]
    if not found:
        return (words.UNKNOWN,) * 4
    columns = ([seen.updates for seen in found], [seen.examples for seen in found], [seen.tokens for seen in found])
    return (*(words.count(fmean(column)) for column in columns), f"{fmean(seen.epochs for seen in found):.1f}")
