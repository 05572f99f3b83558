"""Tidy rows: one a score, of all labels or of one, with all that tells it from its neighbours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace

from bench.report.comparison import Comparison
from bench.report.tables.metrics import label_scores, metric_of_labels
from bench.store import strict_json
from bench.store.runs import MetricScore, Result
from bench.store.sanitise import sanitise, spreadsheet
from tasks.core.metrics.formulas import LOWEST


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One metric of one task in one run, or its value on one label; `value` is in score units, None where undefined.

    `label` is empty for all labels together, and `support` counts a label's mentions in the test set. `examples` counts
    the test set, `ceiling` is the recall of perfect tags; `schedule` and `joint_tasks` say how and with what else the
    model was trained; `run` is the run's folder below `runs`. `min_score` and `pipeline` are for eval cards alone.
    """

    task: str
    metric: str
    label: str
    primary: bool
    baseline: str
    arm: str
    seed: int
    value: float | None
    support: int | None
    examples: int | None
    ceiling: float | None
    corpus: str
    encoder: str
    kind: str
    schedule: str
    joint_tasks: int
    train_seconds: float | None
    finished: str
    bench: str
    run: str
    min_score: float = field(metadata=strict_json.HERE_ONLY)
    pipeline: str = field(metadata=strict_json.HERE_ONLY)


def rows(comparisons: Iterable[Comparison]) -> list[ScoreRow]:
    """All scores, in the order in which the report shows them."""
    return [
        row
        for comparison in comparisons
        for task in comparison.tasks
        for _, result in comparison.runs_of(task)
        for row in _of_run(result, task)
    ]


def _of_run(result: Result, task: str) -> Iterator[ScoreRow]:
    score = result.scores[task]
    for metric in score.metrics:
        row = _row(result, task, metric)
        yield row
        of_label = replace(row, primary=False, ceiling=None)
        for one in label_scores(result, task) if metric is metric_of_labels(score) else ():
            yield replace(of_label, label=sanitise(one.label), value=defined(one.value), support=one.support)


def _row(result: Result, task: str, metric: MetricScore) -> ScoreRow:
    score = result.scores[task]
    return ScoreRow(
        task=sanitise(task),
        metric=sanitise(metric.name),
        label="",
        primary=metric.primary,
        baseline=sanitise(result.baseline),
        arm=sanitise(result.arm),
        seed=result.seed,
        value=defined(metric.value),
        support=None,
        examples=score.examples.get("test"),
        ceiling=defined(score.ceiling),
        corpus=result.corpus,
        encoder=sanitise(result.encoder),
        kind=sanitise(score.kind),
        schedule=sanitise(result.settings.schedule) if result.joint else "",
        joint_tasks=len(result.tasks),
        train_seconds=defined(result.training.train_seconds),
        finished=sanitise(result.finished),
        bench=sanitise(result.environment.bench),
        run=sanitise(result.name.path.as_posix()),
        min_score=LOWEST.get(metric.formula, 0.0),
        pipeline=sanitise(score.pipeline),
    )


def defined(value: float | None) -> float | None:
    """None for what is not a number."""
    return value if value is not None and math.isfinite(value) else None


def as_json(rows: Iterable[ScoreRow]) -> str:
    """The rows as a list of objects."""
    return strict_json.dumps(list(rows), indent=1) + "\n"


def as_csv(rows: Iterable[ScoreRow]) -> str:
    """The rows as a table for pandas or a spreadsheet: it takes no cell for a formula; an undefined value is empty."""
    import pandas

    columns = [one.name for one in fields(ScoreRow) if not one.metadata]
    frame = pandas.DataFrame([asdict(row) for row in rows], columns=columns)
    return str(frame.map(lambda cell: spreadsheet(cell) if isinstance(cell, str) else cell).to_csv(index=False))
