"""The tables of the runs behind the figures: what they cost, what they saw, what they depend on, and their records."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from statistics import fmean

from baselines.core.settings import Settings
from bench.report import numbers
from bench.report.arms import FLOOR, MULTI, SINGLE, ArmRuns
from bench.report.comparison import Comparison
from bench.report.costs import QUANTITIES, Cost, costs
from bench.report.numbers import distinct
from bench.report.table import CellText, Table
from bench.store.environment import Environment
from bench.store.runs import RESULT


def cost(comparison: Comparison) -> Table:
    """One row a quantity, one column an arm that learns; of counts, how many times the multitask arm the single one."""
    found, names = costs(comparison), [name for name in comparison.columns if name != FLOOR]
    both = SINGLE in found and MULTI in found
    rows, tasks = [], len(comparison.tasks)
    for name, quantity in QUANTITIES.items():
        values = [quantity.write(found[arm][name]) if arm in found else numbers.MISSING for arm in names]
        ratio = numbers.ratio(found[SINGLE][name], found[MULTI][name]) if both and quantity.is_count else "none"
        rows.append((quantity.title, *values, *([ratio] if both else [])))
    return Table(
        title=f"Cost of {f'all {tasks} tasks' if tasks > 1 else 'the task'}, mean over seeds",
        align="l" + "r" * (len(rows[0]) - 1),
        header=("", *names, *(["single / multi"] if both else [])),
        rows=tuple(rows),
        notes=(
            "single_task sums one training and one model for each task; multitask is one training and one model.",
            *_started(comparison, "what it takes to train holds the training it starts from, once a seed"),
            "Times, memory and energy are as each run recorded them, one run after the other on a machine that may "
            "have been busy: no ratio. In turns, `python -m bench speed` measures how fast the arms answer, and how "
            "fast a training goes beside the stock Trainer.",
            *([break_even(found[SINGLE], found[MULTI])] if both else []),
        ),
    )


def _started(comparison: Comparison, what: str) -> Iterator[str]:
    """What must be known of the arms that start from other runs."""
    for arm in comparison.trained:
        if origin := arm.results[0].name.origin:
            lost = "; that is unknown where its result is not there" * (None in arm.starts_of(arm.results))
            yield f"{arm.name} starts from {origin}: {what}{lost}."


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


def seen(comparison: Comparison) -> Table:
    """One row a task, mean over seeds; arms that saw the same share a row."""
    rows = []
    for task in comparison.tasks:
        by_arm = {arm.name: _seen(arm, task) for arm in comparison.trained if arm.of_task(task)}
        for cells in dict.fromkeys(by_arm.values()):
            names = [name for name in by_arm if by_arm[name] == cells]
            rows.append((task, "every arm" if len(names) == len(by_arm) > 1 else " = ".join(names), *cells))
    return Table(
        title="What each task saw in training, mean over seeds",
        align="llrrrr",
        header=("task", "arm", "updates", "examples", "tokens", "epochs"),
        rows=tuple(rows),
        notes=tuple(_started(comparison, "what a task saw there counts too")),
    )


def _seen(arm: ArmRuns, task: str) -> tuple[str, ...]:
    found = []
    for run in arm.of_task(task).values():
        runs = [run, *arm.starts_of([run])]
        if counts := [one.training.task_counts[task] for one in runs if one and task in one.training.task_counts]:
            found += [counts] if all(runs) else []
    if not found:
        return (numbers.UNKNOWN,) * 4
    names = ("updates", "examples", "tokens", "epochs")
    *counted, epochs = (fmean(sum(getattr(one, name) for one in counts) for counts in found) for name in names)
    return (*map(numbers.count, counted), f"{epochs:.1f}")


def provenance(comparison: Comparison) -> Table:
    """One row a thing that the figures depend on; the floor's has neither device nor encoder of interest."""
    runs, tasks, learned = comparison.results, comparison.tasks, comparison.learned or comparison.results
    notices = {task: distinct(numbers.notices(run.notices.get(task, {})) or None for run in runs) for task in tasks}
    rows = [
        *_fields("", [one.environment for one in learned]),
        ("precision", _all(one.training.precision for one in learned)),
        ("encoder digest", _short(one.fingerprints.encoder for one in learned)),
        ("code digest", _short(one.fingerprints.code for one in learned)),
        *((f"corpus {task}", _short(one.fingerprints.corpora.get(task) for one in runs)) for task in tasks),
        *((f"notices {task}", " or ".join(found)) for task, found in notices.items() if found),
        *_fields("setting ", [one.settings for one in learned]),
        ("setting finetune_epochs", _all(one.settings.finetune_epochs for one in learned if one.start)),
        *(("start", name) for name in distinct(one.name.origin or None for one in learned)),
        ("seeds", ", ".join(map(str, comparison.seeds))),
        ("finished", f"{min(one.finished for one in learned)} to {max(one.finished for one in learned)}"),
    ]
    return Table(title="What these figures depend on", align="ll", header=("what", "value"), rows=tuple(rows))


def _fields(prefix: str, records: Sequence[Environment] | Sequence[Settings]) -> Iterator[tuple[str, str]]:
    for field in (field for field in fields(records[0]) if field.name != "finetune_epochs"):
        yield prefix + field.name, _all(getattr(record, field.name) for record in records)


def _all(found: Iterable[object]) -> str:
    return ", ".join(distinct(found)) or "none"


def _short(digests: Iterable[str | None]) -> str:
    return ", ".join(digest[:12] for digest in distinct(digests))


def runs(comparison: Comparison) -> Table:
    """One row a run."""
    return Table(
        title="The runs behind these figures",
        align="llrrrll",
        header=("arm", "tasks", "seed", "training", "best epoch", "finished", "record"),
        rows=tuple(
            (
                arm.name,
                result.label,
                str(result.seed),
                numbers.duration(result.training.train_seconds),
                "" if result.baseline == FLOOR else numbers.count(result.training.best_epoch),
                result.finished,
                CellText(RESULT, file=result.folder and result.folder / RESULT),
            )
            for arm in comparison.arms
            for result in arm.results
        ),
        notes=(f"The records lie in runs/{comparison.name}/<arm>/<tasks>/seed-<seed>/ of the results folder.",),
    )
