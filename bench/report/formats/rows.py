"""Tidy rows, one a score, and the forms in which others collect them: JSON, CSV, and eval cards of each run.

An eval card is an Every Eval Ever record, which follows eval.schema.json of every-eval-ever, version 0.3.0
(github.com/evaleval/every_eval_ever), and the metadata that huggingface_hub writes as `model-index`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from baselines.core.hub import ENCODERS
from bench.report.comparison import DEMO, Comparison, kind_of
from bench.report.held import metric_of_labels
from bench.report.tables.scores import label_scores
from bench.store import strict_json
from bench.store.runs import MetricScore, Result
from bench.store.sanitise import sanitise, spreadsheet, stem
from tasks.core.errors import InputError
from tasks.core.metrics.formulas import LOWEST

SCHEMA = "0.3.0"
LIBRARY = "mt-clinical-bench"
# Names that the metrics have in general use; ours are named after the rule that a challenge scored by.
_GENERAL = {"accuracy": "accuracy", "pearson": "pearsonr", "spearman": "spearmanr"}
_MODEL_DETAILS = ("encoder", "baseline", "schedule", "joint_tasks", "start", "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One metric of one task in one run, or its value on one label; `value` is in score units, None where undefined.

    `label` is empty for all labels together, and `support` counts a label's mentions in the test set. `examples` counts
    the test set, `ceiling` is the recall of perfect tags; `schedule` and `joint_tasks` say how and with what else the
    model was trained, `start` from which run, empty for the encoder; `run` is the run's folder below `runs`.
    `min_score` and `pipeline` are for eval cards alone.
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
    start: str
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
        for metric in result.scores[task].metrics
        for row in _of_metric(result, task, metric)
    ]


def _of_metric(result: Result, task: str, metric: MetricScore) -> Iterator[ScoreRow]:
    score = result.scores[task]
    row = ScoreRow(
        task=sanitise(task),
        metric=sanitise(metric.name),
        label="",
        primary=metric.primary,
        baseline=sanitise(result.baseline),
        arm=sanitise(result.arm),
        seed=result.seed,
        value=_defined(metric.value),
        support=None,
        examples=score.examples.get("test"),
        ceiling=_defined(score.ceiling),
        corpus=result.corpus,
        encoder=sanitise(result.encoder),
        kind=sanitise(score.kind),
        schedule=sanitise(result.settings.schedule) if result.joint else "",
        joint_tasks=len(result.tasks),
        start=sanitise(result.name.origin),
        train_seconds=_defined(result.training.train_seconds),
        finished=sanitise(result.finished),
        bench=sanitise(result.environment.bench),
        run=sanitise(result.name.path.as_posix()),
        min_score=LOWEST.get(metric.formula, 0.0),
        pipeline=sanitise(score.pipeline),
    )
    yield row
    of_label = replace(row, primary=False, ceiling=None)
    labels = label_scores(result, task) if metric is metric_of_labels(score) else {}
    for label, (support, value) in labels.items():
        yield replace(of_label, label=sanitise(label), value=_defined(value), support=support)


def _defined(value: float | None) -> float | None:
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


def eval_cards(rows: Iterable[ScoreRow]) -> dict[str, str]:
    """File name -> content: in a folder for each run a record and the head of a model card."""
    scores = sorted((row for row in rows if not row.label), key=lambda row: row.run)
    cards = {}
    for run, group in groupby(scores, key=lambda row: row.run):
        of_run = list(group)
        folder = "/".join(map(stem, PurePosixPath(run).parts))
        cards[f"{folder}/every-eval-ever.json"] = json.dumps(record(of_run), indent=1, allow_nan=False) + "\n"
        cards[f"{folder}/model-card.md"] = f"---\n{metadata(of_run)}\n---\n"
    return cards


def record(rows: Sequence[ScoreRow]) -> dict[str, Any]:
    """One run as an Every Eval Ever record; a score that is not defined cannot stand there and is named instead."""
    first = rows[0]
    finished = _epoch_seconds(first)
    undefined = [f"{row.task} {row.metric}" for row in rows if row.value is None]
    details = {"undefined_scores": ", ".join(undefined)} if undefined else {}
    return {
        "schema_version": SCHEMA,
        "evaluation_id": f"{LIBRARY}/{first.run}/{finished}",
        "evaluation_timestamp": finished,
        "retrieved_timestamp": finished,
        "source_metadata": {
            "source_name": LIBRARY,
            "source_type": "evaluation_run",
            "source_organization_name": "unknown",
            "evaluator_relationship": "first_party",
            "additional_details": details,
        },
        "eval_library": {"name": LIBRARY, "version": first.bench},
        "model_info": {
            "name": f"{first.encoder}, {first.arm}, seed {first.seed}",
            "id": f"local/{stem(first.run)}",
            "additional_details": {
                "deployment_type": "self_deployed",
                "model_availability": "unknown",
                **{name: str(getattr(first, name)) for name in _MODEL_DETAILS},
            },
        },
        "evaluation_results": [_result(row) for row in rows if row.value is not None],
    }


def _epoch_seconds(row: ScoreRow) -> str:
    try:
        return str(int(datetime.fromisoformat(row.finished).timestamp()))
    except ValueError:
        raise InputError(f"{row.run} finished at {row.finished!r}, which is no time: run it again") from None


def _result(row: ScoreRow) -> dict[str, Any]:
    return {
        "evaluation_result_id": f"{row.task}.{row.metric}",
        "evaluation_name": f"{LIBRARY}.{row.task}",
        "source_data": {
            "dataset_name": _dataset(row),
            "source_type": "other",
            "additional_details": {"split": "test", "examples": str(row.examples)},
        },
        "metric_config": {
            "metric_id": _GENERAL.get(row.metric, f"{LIBRARY}.{row.metric}"),
            "metric_name": row.metric,
            "metric_unit": "proportion",
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": row.min_score,
            "max_score": 1.0,
        },
        "score_details": {"score": row.value, "details": {"primary": str(row.primary).lower()}},
    }


def _dataset(row: ScoreRow) -> str:
    return f"{row.task} (made-up demo corpus)" if kind_of(row.corpus) == DEMO else row.task


def metadata(rows: Sequence[ScoreRow]) -> str:
    """One run as the YAML at the head of a model card."""
    from huggingface_hub import EvalResult, ModelCardData

    first = rows[0]
    results = [
        EvalResult(
            task_type=row.pipeline,
            dataset_type=row.task,
            dataset_name=_dataset(row),
            dataset_split="test",
            metric_type=_GENERAL.get(row.metric, row.metric),
            metric_name=row.metric,
            metric_value=row.value,
        )
        for row in rows
        if row.value is not None
    ]
    card = ModelCardData(
        base_model=next((one.hub for one in ENCODERS if one.name == first.encoder and one.hub), None),
        model_name=stem(first.run),
        eval_results=results or None,
        tags=["clinical", first.baseline],
    )
    return str(card.to_yaml())
