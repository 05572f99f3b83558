"""Metrics as modules of the `evaluate` library: our numbers, its interface, no network and no files."""

import doctest
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from tasks.core.errors import InputError
from tasks.core.examples import Document, Pair, Span
from tasks.core.metrics import evaluate_modules
from tasks.core.metrics.evaluate_modules import for_classes, for_scores, for_spans
from tasks.core.metrics.metric import evidence
from tasks.core.metrics.pairs import ACCURACY, PEARSON, SPEARMAN
from tasks.core.metrics.phi import token_f1
from tasks.core.metrics.spans import exact_f1, exact_precision

evaluate = pytest.importorskip("evaluate")

LABELS = ("a", "b")
REFERENCES = [
    {
        "text": "acute pain",
        "spans": [{"label": "a", "fragments": [[0, 5]]}, {"label": "b", "fragments": [[6, 8], [9, 10]]}],
    },
    {"text": "nothing", "spans": []},
]
PREDICTIONS = [[{"label": "a", "fragments": [[0, 5]]}], [{"label": "b", "fragments": [[0, 7]]}]]
DOCUMENTS = [
    Document("0", "acute pain", frozenset({Span(((0, 5),), "a"), Span(((6, 8), (9, 10)), "b")})),
    Document("1", "nothing", frozenset()),
]
ANSWERS = [frozenset({Span(((0, 5),), "a")}), frozenset({Span(((0, 7),), "b")})]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("a metric reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def ours(metric, examples, answers):
    return float(metric.value(evidence(metric, examples, answers).sum(axis=0)))


def test_the_documented_use_is_how_it_works():
    """The module's docstring holds what a user types and sees."""
    assert doctest.testmod(evaluate_modules) == (0, 6)


@pytest.mark.parametrize("metric", [exact_f1(LABELS), token_f1(LABELS)], ids=lambda metric: metric.name)
def test_a_module_computes_what_the_metric_does(metric):
    expected = {metric.name: ours(metric, DOCUMENTS, ANSWERS)}
    assert for_spans(metric).compute(predictions=PREDICTIONS, references=REFERENCES) == expected


def test_batches_and_single_examples_add_up():
    metric = exact_f1(LABELS)
    batched, single = for_spans(metric), for_spans(metric)
    for prediction, reference in zip(PREDICTIONS, REFERENCES, strict=True):
        batched.add_batch(predictions=[prediction], references=[reference])
        single.add(prediction=prediction, reference=reference)
    assert batched.compute() == single.compute() == {"f1": ours(metric, DOCUMENTS, ANSWERS)}


def test_combined_modules_each_give_their_score():
    metrics = (exact_f1(LABELS), exact_precision(LABELS))
    combined = evaluate.combine([for_spans(metric) for metric in metrics])
    expected = {metric.name: ours(metric, DOCUMENTS, ANSWERS) for metric in metrics}
    assert combined.compute(predictions=PREDICTIONS, references=REFERENCES) == expected


def test_pair_metrics_take_classes_and_numbers():
    assert for_classes(ACCURACY).compute(predictions=["x", "y"], references=["x", "x"]) == {"accuracy": 0.5}
    gold, given = [1.0, 2.0, 4.0], [1.0, 2.5, 3.0]
    pairs = [Pair("", "", "", score) for score in gold]
    expected = {"pearson": ours(PEARSON, pairs, given)}
    assert for_scores(PEARSON).compute(predictions=given, references=gold) == expected


def test_ranks_are_taken_among_all_batches():
    gold, given = [1.0, 2.0, 4.0, 4.5], [1.0, 3.5, 3.0, 3.0]
    pairs = [Pair("", "", "", score) for score in gold]
    expected = {metric.name: ours(metric, pairs, given) for metric in (SPEARMAN, PEARSON)}
    combined = evaluate.combine([for_scores(SPEARMAN), for_scores(PEARSON)])
    for part in (slice(1), slice(1, 4)):
        combined.add_batch(predictions=given[part], references=gold[part])
    assert combined.compute() == expected


def test_nothing_to_score_is_undefined():
    assert np.isnan(for_spans(exact_f1(LABELS)).compute(predictions=[], references=[])["f1"])


@pytest.mark.parametrize(
    ("predictions", "references"),
    [
        (["secret"], [{"text": "secret", "spans": []}]),
        ([[]], [{"text": "secret"}]),
        ([[], []], [{"text": "secret", "spans": []}]),
        ([[{"label": "a", "fragments": [["secret", 3]]}]], REFERENCES[:1]),
        ([[{"label": "a", "fragments": [[3]]}]], REFERENCES[:1]),
        ([[{"label": "a", "fragments": []}]], REFERENCES[:1]),
    ],
)
def test_malformed_input_is_an_error_that_quotes_no_text(predictions, references):
    with pytest.raises(InputError) as error:
        for_spans(exact_f1(LABELS)).compute(predictions=predictions, references=references)
    assert "secret" not in str(error.value)


def test_a_module_leaves_no_file_and_costs_nothing_until_asked_for(tmp_path):
    program = (
        "import sys; from tasks.core.metrics.evaluate_modules import for_classes; "
        "from tasks.core.metrics.pairs import ACCURACY; assert 'evaluate' not in sys.modules; "
        "print(for_classes(ACCURACY).compute(predictions=['x'], references=['x']))"
    )
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "HF_HOME": str(tmp_path / "hub"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "{'accuracy': 1.0}\n"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
