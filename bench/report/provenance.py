"""Where the figures come from: versions, device, digests and settings, whether the runs agree on them, and each run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields

from baselines.core.settings import Settings
from bench.environment import Environment
from bench.report import words
from bench.report.comparison import FLOOR, Arm, Comparison
from bench.report.table import Cell, Table
from bench.store import Result

_RECORD = "result.json"
# A schedule makes another arm, and is named there.
_MAY_DIFFER = ("schedule", "temperature")


def _results(comparison: Comparison) -> list[Result]:
    return [result for arm in comparison.trained or comparison.arms for result in arm.results]


def _distinct(found: Iterable[object]) -> list[str]:
    return sorted({str(one) for one in found if one not in (None, ())})


def disagreements(comparison: Comparison) -> list[str]:
    """One sentence for each thing that makes runs of this comparison unlike each other."""
    results = _results(comparison)
    sentences = [
        f"Runs with different settings stand side by side: {name} is {' or '.join(found)}."
        for name in (field.name for field in fields(results[0].settings))
        if name not in _MAY_DIFFER and len(found := _distinct(getattr(one.settings, name) for one in results)) > 1
    ]
    for task in comparison.tasks:
        if len(_distinct(one.depends_on.corpora.get(task) for one in results)) > 1:
            sentences.append(f"Runs on different versions of the corpus {task} stand side by side.")
    if len(_distinct(one.depends_on.encoder for one in results)) > 1:
        sentences.append("Runs with different encoder weights stand side by side.")
    # Each baseline and each task reaches code of its own: only runs that differ in the seed alone share all of it.
    if any(len(_distinct(one.depends_on.code for one in runs)) > 1 for runs in _by_arm_and_tasks(results)):
        sentences.append("Runs with different code stand side by side.")
    return sentences


def undefined_development(comparison: Comparison) -> Iterator[str]:
    """One sentence on the tasks that had no say in which round was kept."""
    rounds = [result.training.development for result in _results(comparison)]
    tasks = {
        task for each in rounds if each for task in each[0] if all(math.isnan(scores.get(task, 0.0)) for scores in each)
    }
    if tasks:
        yield (
            f"No development score of {', '.join(sorted(tasks))} is defined: the other tasks of a training chose its "
            "round, and without others the last was kept."
        )


def _by_arm_and_tasks(results: Iterable[Result]) -> Iterable[list[Result]]:
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.arm, result.label), []).append(result)
    return groups.values()


def provenance_table(comparison: Comparison) -> Table:
    """One row a thing that the figures depend on."""
    results = _results(comparison)
    rows = [
        *_fields("", [one.environment for one in results]),
        ("precision", _all(one.training.precision for one in results)),
        ("encoder digest", _short(one.depends_on.encoder for one in results)),
        ("code digest", _short(one.depends_on.code for one in results)),
        *((f"corpus {task}", _short(one.depends_on.corpora.get(task) for one in results)) for task in comparison.tasks),
        *_fields("setting ", [one.settings for one in results]),
        ("seeds", ", ".join(map(str, comparison.seeds))),
        ("finished", f"{min(one.finished for one in results)} to {max(one.finished for one in results)}"),
    ]
    return Table(
        name=f"{comparison.name}-provenance",
        title="What these figures depend on",
        align="ll",
        header=("what", "value"),
        rows=tuple(rows),
        detail=True,
    )


def _fields(prefix: str, records: Sequence[Environment] | Sequence[Settings]) -> Iterator[tuple[str, str]]:
    for field in fields(records[0]):
        yield prefix + field.name, _all(getattr(record, field.name) for record in records)


def _all(found: Iterable[object]) -> str:
    return ", ".join(_distinct(found)) or "none"


def _short(digests: Iterable[str | None]) -> str:
    return ", ".join(digest[:12] for digest in _distinct(digests))


def run_table(comparison: Comparison) -> Table:
    """One row a run, linked to its record."""
    return Table(
        name=f"{comparison.name}-runs",
        title="The runs behind these figures",
        align="llrrrll",
        header=("arm", "tasks", "seed", "training", "chosen round", "finished", "record"),
        rows=tuple(_run(arm, result) for arm in comparison.arms for result in arm.results),
        notes=(f"The records lie in runs/{comparison.name}/<arm>/<tasks>/seed-<seed>/ of the results folder.",),
        detail=True,
    )


def _run(arm: Arm, result: Result) -> tuple[str, ...]:
    training = result.training
    return (
        *(arm.name, result.label, str(result.seed), words.duration(training.train_seconds)),
        "" if arm.baseline == FLOOR else words.count(training.chosen_round),
        result.finished,
        Cell(_RECORD, file=result.folder and result.folder / _RECORD),
    )
