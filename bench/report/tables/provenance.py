"""Where the figures come from: versions, device, digests and settings, and each run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields

from baselines.core.settings import Settings
from bench.report import words
from bench.report.alike import distinct
from bench.report.comparison import FLOOR, Arm, Comparison
from bench.report.table import Cell, Table
from bench.report.tables.notices import noticed
from bench.store.environment import Environment
from bench.store.runs import Result

_RECORD = "result.json"


def _results(comparison: Comparison) -> list[Result]:
    return [result for arm in comparison.trained or comparison.arms for result in arm.results]


def undefined_development(comparison: Comparison) -> Iterator[str]:
    """One sentence on the tasks that had no say in which round was kept."""
    rounds = [result.training.dev_scores for result in _results(comparison)]
    tasks = {
        task for each in rounds if each for task in each[0] if all(math.isnan(scores.get(task, 0.0)) for scores in each)
    }
    if tasks:
        yield (
            f"No development score of {', '.join(sorted(tasks))} is defined: the other tasks of a training chose its "
            "round, and without others the last was kept."
        )


def provenance_table(comparison: Comparison) -> Table:
    """One row a thing that the figures depend on."""
    results, whole = _results(comparison), [result for arm in comparison.arms for result in arm.results]
    rows = [
        *_fields("", [one.environment for one in results]),
        ("precision", _all(one.training.precision for one in results)),
        ("encoder digest", _short(one.fingerprints.encoder for one in results)),
        ("code digest", _short(one.fingerprints.code for one in results)),
        *((f"corpus {task}", _short(one.fingerprints.corpora.get(task) for one in whole)) for task in comparison.tasks),
        *((f"notices {task}", " or ".join(found)) for task in comparison.tasks if (found := noticed(whole, task))),
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
    return ", ".join(distinct(found)) or "none"


def _short(digests: Iterable[str | None]) -> str:
    return ", ".join(digest[:12] for digest in distinct(digests))


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
        "" if arm.baseline == FLOOR else words.count(training.best_epoch),
        result.finished,
        Cell(_RECORD, file=result.folder and result.folder / _RECORD),
    )
