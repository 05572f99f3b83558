"""Metrics as modules of the `evaluate` library: the same numbers, in memory; nothing is fetched or loaded by name.

>>> from tasks.core.metrics import evaluate_modules
>>> from tasks.quaero_2014 import TASK
>>> f1 = evaluate_modules.for_spans(TASK.primary)
>>> answer = [{"label": "ANAT", "fragments": [[0, 4]]}]
>>> f1.add_batch(predictions=[answer], references=[{"text": "foie gras", "spans": answer}])
>>> f1.compute()
{'f1': 1.0}

`evaluate.combine([for_spans(metric) for metric in TASK.metrics])` gives all scores of a task at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tasks.core.errors import InputError
from tasks.core.examples import Document, Pair, Span
from tasks.core.metrics.metric import Metric, evidence

if TYPE_CHECKING:
    import evaluate


def for_spans(metric: Metric[Document, frozenset[Span]]) -> evaluate.Metric:
    """Predictions are [{"label", "fragments": [[start, end], ...]}, ...] for each document.

    References are {"text", "spans"}, with spans of the same form in the order of their file.
    """
    from datasets import Value

    spans = [{"label": Value("string"), "fragments": [[Value("int64")]]}]
    features = {"predictions": spans, "references": {"text": Value("string"), "spans": spans}}
    return _module(metric, features, _document, lambda prediction: frozenset(_spans(prediction)))


def for_classes(metric: Metric[Pair[str], str]) -> evaluate.Metric:
    """Predictions and references are the names of classes."""
    return _for_pairs(metric, "string")


def for_scores(metric: Metric[Pair[float], float]) -> evaluate.Metric:
    """Predictions and references are numbers."""
    return _for_pairs(metric, "float64")


def _for_pairs(metric: Metric[Any, Any], kind: str) -> evaluate.Metric:
    from datasets import Value

    features = {"predictions": Value(kind), "references": Value(kind)}
    return _module(metric, features, lambda name, gold: Pair(name, "", "", gold), lambda prediction: prediction)


def _module(
    metric: Metric[Any, Any],
    features: Mapping[str, Any],
    example: Callable[[str, Any], Document | Pair[Any]],
    answer: Callable[[Any], Any],
) -> evaluate.Metric:
    import evaluate
    from datasets import Features

    class Module(evaluate.Metric):  # type: ignore[misc]
        def _info(self) -> evaluate.MetricInfo:
            return evaluate.MetricInfo(
                description=metric.title, citation="", features=Features(features), inputs_description=""
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
            examples = [example(str(k), reference) for k, reference in enumerate(references)]
            rows = evidence(metric, examples, [answer(prediction) for prediction in predictions])
            return {metric.name: float(metric.value(rows.sum(axis=0)))}

    return Module(config_name=metric.name, keep_in_memory=True)


def _document(name: str, reference: Any) -> Document:
    listing = _spans(reference["spans"])
    return Document(name, reference["text"], frozenset(listing), listing)


def _spans(spans: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    if not all(span["fragments"] and all(len(piece) == 2 for piece in span["fragments"]) for span in spans):
        raise InputError("a span has fragments that are not pairs of a start and an end")
    return tuple(Span(tuple((start, end) for start, end in span["fragments"]), span["label"]) for span in spans)
