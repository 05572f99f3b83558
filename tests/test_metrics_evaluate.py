"""Metrics as modules of the `evaluate` library: our numbers, its interface, no network and no files."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from tasks.core.errors import InputError
from tasks.core.examples import Document, Pair, Span
from tasks.core.metrics.evaluate_modules import as_evaluate
from tasks.core.metrics.metric import evidence
from tasks.core.metrics.pairs import Accuracy, Pearson, Spearman
from tasks.core.metrics.phi import TokenF1
from tasks.core.metrics.spans import ExactF1, ExactPrecision

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


@pytest.mark.parametrize("metric", [ExactF1(LABELS), TokenF1(LABELS)], ids=lambda metric: metric.name)
def test_a_module_computes_what_the_metric_does(metric):
    expected = {metric.name: ours(metric, DOCUMENTS, ANSWERS)}
    assert as_evaluate(metric).compute(predictions=PREDICTIONS, references=REFERENCES) == expected


def test_batches_and_single_examples_add_up():
    metric = ExactF1(LABELS)
    batched, single = as_evaluate(metric), as_evaluate(metric)
    for prediction, reference in zip(PREDICTIONS, REFERENCES, strict=True):
        batched.add_batch(predictions=[prediction], references=[reference])
        single.add(prediction=prediction, reference=reference)
    assert batched.compute() == single.compute() == {"f1": ours(metric, DOCUMENTS, ANSWERS)}


def test_combined_modules_each_give_their_score():
    metrics = (ExactF1(LABELS), ExactPrecision(LABELS))
    combined = evaluate.combine([as_evaluate(metric) for metric in metrics])
    expected = {metric.name: ours(metric, DOCUMENTS, ANSWERS) for metric in metrics}
    assert combined.compute(predictions=PREDICTIONS, references=REFERENCES) == expected


def test_pair_metrics_take_classes_and_numbers():
    assert as_evaluate(Accuracy()).compute(predictions=["x", "y"], references=["x", "x"]) == {"accuracy": 0.5}
    gold, given = [1.0, 2.0, 4.0], [1.0, 2.5, 3.0]
    pairs = [Pair("", "", "", score) for score in gold]
    expected = {"pearson": ours(Pearson(), pairs, given)}
    assert as_evaluate(Pearson()).compute(predictions=given, references=gold) == expected


def test_ranks_are_taken_among_all_batches():
    gold, given = [1.0, 2.0, 4.0, 4.5], [1.0, 3.5, 3.0, 3.0]
    pairs = [Pair("", "", "", score) for score in gold]
    expected = {metric.name: ours(metric, pairs, given) for metric in (Spearman(), Pearson())}
    combined = evaluate.combine([as_evaluate(Spearman()), as_evaluate(Pearson())])
    for part in (slice(1), slice(1, 4)):
        combined.add_batch(predictions=given[part], references=gold[part])
    assert combined.compute() == expected


def test_nothing_to_score_is_undefined():
    assert np.isnan(as_evaluate(ExactF1(LABELS)).compute(predictions=[], references=[])["f1"])


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
        as_evaluate(ExactF1(LABELS)).compute(predictions=predictions, references=references)
    assert "secret" not in str(error.value)


def test_a_module_leaves_no_file_and_costs_nothing_until_asked_for(tmp_path):
    program = (
        "import sys; from tasks.core.metrics.evaluate_modules import as_evaluate; "
        "from tasks.core.metrics.pairs import Accuracy; assert 'evaluate' not in sys.modules; "
        "print(as_evaluate(Accuracy()).compute(predictions=['x'], references=['x']))"
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
