"""Tidy rows: one a score, with all that tells it from its neighbours."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from bench.report.comparison import Comparison
from bench.report.inert import plain
from bench.store import Result

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One metric of one task in one run; `value` is in score units, None where it is not defined.

    `examples` counts the test set; `schedule` and `joint_tasks` say how and with what else the model was trained.
    """

    task: str
    metric: str
    primary: bool
    baseline: str
    arm: str
    seed: int
    value: float | None
    examples: int | None
    corpus: str
    encoder: str
    kind: str
    schedule: str
    joint_tasks: int
    train_seconds: float | None
    finished: str


def rows(comparisons: Iterable[Comparison]) -> list[Row]:
    """All scores, in the order in which the report shows them."""
    return [
        row
        for comparison in comparisons
        for task in comparison.tasks
        for arm in comparison.arms
        for result in arm.by_task.get(task, {}).values()
        for row in _of_run(result, task)
    ]


def _of_run(result: Result, task: str) -> list[Row]:
    score = result.scores[task]
    return [
        Row(
            task=plain(task),
            metric=plain(metric.name),
            primary=metric.primary,
            baseline=plain(result.baseline),
            arm=plain(result.arm),
            seed=result.seed,
            value=metric.value if math.isfinite(metric.value) else None,
            examples=score.examples.get("test"),
            corpus=result.corpus,
            encoder=plain(result.encoder),
            kind=plain(score.kind),
            schedule=plain(result.settings.schedule) if result.joint else "",
            joint_tasks=len(result.tasks),
            train_seconds=result.training.train_seconds,
            finished=plain(result.finished),
        )
        for metric in score.metrics
    ]


def frame(found: Iterable[Row]) -> pandas.DataFrame:
    """The rows as a table for pandas: an undefined value is NaN."""
    import pandas

    return pandas.DataFrame([asdict(row) for row in found], columns=[field.name for field in fields(Row)])
