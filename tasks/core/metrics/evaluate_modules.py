"""Our metrics as modules of the `evaluate` library: same numbers, in memory, nothing fetched or loaded by name.

A span metric takes, for each document, predictions [{"label", "fragments": [[start, end], ...]}, ...] and references
{"text", "spans"} with spans of the same form, in the order of their file; accuracy takes classes, correlations
numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tasks.core.errors import InputError
from tasks.core.examples import Document, Pair, Span
from tasks.core.metrics.metric import Metric, evidence
from tasks.core.metrics.pairs import Accuracy, Pearson

if TYPE_CHECKING:
    import evaluate


def as_evaluate(metric: Metric[Any, Any]) -> evaluate.Metric:
    """A module with compute, add_batch and add, for `evaluate.combine` too; it computes {metric.name: score}."""
    import evaluate
    import numpy as np
    from datasets import Features

    class Module(evaluate.Metric):  # type: ignore[misc]
        def _info(self) -> evaluate.MetricInfo:
            return evaluate.MetricInfo(
                description=metric.title, citation="", features=Features(_features(metric)), inputs_description=""
            )

        def _build_data_dir(self) -> str:
            # The library would make a folder in the user's home, though all is kept in memory.
            return ""

        def add_batch(self, *, predictions: Any = None, references: Any = None) -> None:
            """Add a batch of predictions and references."""
            try:
                super().add_batch(predictions=predictions, references=references)
            except (ValueError, KeyError, AttributeError):
                # The library's own message would quote what it was given, the text of a note included.
                raise InputError(f"{metric.name}: predictions or references are not of the form it takes") from None

        def _compute(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
            examples = [_example(metric, str(k), reference) for k, reference in enumerate(references)]
            answers = [_answer(metric, prediction) for prediction in predictions]
            return {metric.name: float(np.asarray(metric.value(evidence(metric, examples, answers).sum(axis=0))))}

    return Module(config_name=metric.name, keep_in_memory=True)


def _features(metric: Metric[Any, Any]) -> dict[str, Any]:
    from datasets import Value

    if isinstance(metric, Accuracy | Pearson):
        kind = Value("string" if isinstance(metric, Accuracy) else "float64")
        return {"predictions": kind, "references": kind}
    spans = [{"label": Value("string"), "fragments": [[Value("int64")]]}]
    return {"predictions": spans, "references": {"text": Value("string"), "spans": spans}}


def _example(metric: Metric[Any, Any], name: str, reference: Any) -> Document | Pair[Any]:
    if isinstance(metric, Accuracy | Pearson):
        return Pair(name, "", "", reference)
    listing = _spans(reference["spans"])
    return Document(name, reference["text"], frozenset(listing), listing)


def _answer(metric: Metric[Any, Any], prediction: Any) -> Any:
    return prediction if isinstance(metric, Accuracy | Pearson) else frozenset(_spans(prediction))


def _spans(spans: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    if not all(span["fragments"] and all(len(piece) == 2 for piece in span["fragments"]) for span in spans):
        raise InputError("a span has fragments that are not pairs of a start and an end")
    return tuple(Span(tuple((start, end) for start, end in span["fragments"]), span["label"]) for span in spans)
