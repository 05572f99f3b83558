"""Results in the forms that others collect them in: Every Eval Ever records and Hugging Face model-card metadata.

Both come from the tidy rows, one file of each for each run. The record follows eval.schema.json of every-eval-ever,
version 0.3.0 (github.com/evaleval/every_eval_ever); the metadata is what huggingface_hub writes as `model-index`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from baselines.core.hub import ENCODERS
from bench.report.comparison import DEMO, kind_of
from bench.report.formats.rows import ScoreRow
from bench.store.sanitise import stem
from tasks.core.errors import InputError

SCHEMA = "0.3.0"
LIBRARY = "mt-clinical-bench"
# Names that the metrics have in general use; ours are named after the rule that a challenge scored by.
_GENERAL = {"accuracy": "accuracy", "pearson": "pearsonr", "spearman": "spearmanr"}
_MODEL_DETAILS = ("encoder", "baseline", "schedule", "joint_tasks", "seed")


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
