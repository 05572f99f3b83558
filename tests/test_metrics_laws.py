"""Laws that every metric keeps, on random documents and answers."""

import math
import random
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

from tasks.core.errors import InputError
from tasks.core.examples import Document, Pair, Span
from tasks.core.metrics import mt_clinical_bert
from tasks.core.metrics.concepts import SPAN_ONLY_F1, exact_tokens
from tasks.core.metrics.events import EVENT_OVERLAP_F1, EVENT_TYPE_ACCURACY
from tasks.core.metrics.formulas import FORMULAS, by_label
from tasks.core.metrics.metric import evidence
from tasks.core.metrics.pairs import ACCURACY, PEARSON, SPEARMAN
from tasks.core.metrics.phi import BINARY_AND_HIPAA, BINARY_F1, BINARY_TOKEN_F1, HIPAA_F1, relaxed_f1, token_f1
from tasks.core.metrics.spans import (
    brateval_f1,
    exact_envelope,
    exact_f1,
    exact_precision,
    exact_recall,
    lenient_f1,
    macro_f1,
)

LABELS = ("DATE", "DOCTOR", "AGE")
LENGTH = 24
SPAN_METRICS = (
    exact_f1(LABELS),
    exact_f1(LABELS, exact_envelope),
    exact_f1(LABELS, exact_tokens),
    exact_precision(LABELS),
    exact_recall(LABELS),
    macro_f1(LABELS),
    lenient_f1(LABELS),
    brateval_f1(LABELS),
    SPAN_ONLY_F1,
    relaxed_f1(LABELS),
    token_f1(LABELS),
    *BINARY_AND_HIPAA,
    EVENT_OVERLAP_F1,
    EVENT_TYPE_ACCURACY,
    *mt_clinical_bert.scores(LABELS),
)
each_span_metric = pytest.mark.parametrize("metric", SPAN_METRICS, ids=lambda metric: metric.name)

texts = st.text(alphabet="ab c,.1\n", min_size=LENGTH, max_size=LENGTH)


@st.composite
def random_spans(draw, most=6):
    """Mentions of one or two fragments, nested, overlapping and crossing as they come."""
    ends = st.lists(st.integers(0, LENGTH), min_size=2, max_size=4, unique=True).map(sorted)
    made = set()
    for _ in range(draw(st.integers(0, most))):
        cuts = draw(ends)
        fragments = ((cuts[0], cuts[1]), (cuts[2], cuts[3])) if len(cuts) == 4 else ((cuts[0], cuts[1]),)
        made.add(Span(fragments, draw(st.sampled_from(LABELS))))
    return frozenset(made)


@st.composite
def separate_spans(draw):
    """One fragment each, at least a character between two of them, on letters."""
    cuts = sorted(draw(st.sets(st.integers(0, LENGTH), min_size=4)))
    places = [(start, end) for start, end in pairwise(cuts)][::2]
    return frozenset(Span((place,), draw(st.sampled_from(LABELS))) for place in places)


cases = st.lists(st.tuples(texts, random_spans(), random_spans()), max_size=5)


def score(metric, document, answer):
    return float(metric.value(np.asarray(metric.observe(document, answer), dtype=float)))


def same(one, other):
    return one == other or (math.isnan(one) and math.isnan(other))


@each_span_metric
@settings(max_examples=25, deadline=None)
@given(separate_spans())
def test_a_perfect_answer_scores_one(metric, gold):
    # HIPAA knows nothing of doctors: where all are doctors it has nothing to score.
    value = score(metric, Document("", "a" * LENGTH, gold), gold)
    assert value == 1.0 or (metric.name.startswith("hipaa") and {span.label for span in gold} == {"DOCTOR"})


@each_span_metric
@settings(max_examples=15, deadline=None)
@given(texts)
def test_without_gold_and_answer_a_score_is_undefined(metric, text):
    assert math.isnan(score(metric, Document("", text, frozenset()), frozenset()))


@each_span_metric
@settings(max_examples=25, deadline=None)
@given(texts, random_spans(), random_spans())
def test_a_score_lies_between_zero_and_one(metric, text, gold, answer):
    row = np.asarray(metric.observe(Document("", text, gold), answer), dtype=float)
    assert row.shape == (len(metric.columns),)
    assert (row >= 0).all()
    value = float(metric.value(row))
    assert math.isnan(value) or 0 <= value <= 1


@each_span_metric
@settings(max_examples=20, deadline=None)
@given(cases, st.randoms(use_true_random=False), st.integers(0, 5))
def test_evidence_adds_up_whatever_the_order_and_the_batches(metric, cases, random, cut):
    documents = [Document(str(k), text, gold) for k, (text, gold, _) in enumerate(cases)]
    answers = [answer for _, _, answer in cases]
    rows = evidence(metric, documents, answers)
    parts = [evidence(metric, documents[part], answers[part]) for part in (slice(cut), slice(cut, None))]
    assert np.array_equal(rows.sum(axis=0), sum(part.sum(axis=0) for part in parts))
    order = list(range(len(cases)))
    random.shuffle(order)
    shuffled = evidence(metric, [documents[k] for k in order], [answers[k] for k in order])
    assert np.array_equal(shuffled.sum(axis=0), rows.sum(axis=0))


@pytest.mark.parametrize(
    "metric",
    [exact_f1(LABELS), SPAN_ONLY_F1, token_f1(LABELS), HIPAA_F1, BINARY_AND_HIPAA[-1], BINARY_F1, BINARY_TOKEN_F1],
    ids=lambda metric: metric.name,
)
@settings(max_examples=30, deadline=None)
@given(texts, random_spans(), random_spans())
def test_gold_and_answer_change_places_as_precision_and_recall_do(metric, text, gold, answer):
    there = np.asarray(metric.observe(Document("", text, gold), answer), dtype=float)
    back = np.asarray(metric.observe(Document("", text, answer), gold), dtype=float)
    precision, recall = (FORMULAS[f"micro_{kind}"] for kind in ("precision", "recall"))
    assert same(float(precision(there, metric.columns)), float(recall(back, metric.columns)))
    assert same(float(recall(there, metric.columns)), float(precision(back, metric.columns)))
    assert same(float(metric.value(there)), float(metric.value(back)))


@settings(max_examples=50, deadline=None)
@given(texts, random_spans(), random_spans())
def test_events_change_places_as_precision_and_recall_do(text, gold, answer):
    found, expected, right, answered = EVENT_OVERLAP_F1.observe(Document("", text, gold), answer)
    assert EVENT_OVERLAP_F1.observe(Document("", text, answer), gold) == (right, answered, found, expected)


@settings(max_examples=50, deadline=None)
@given(texts, random_spans(), random_spans())
def test_brateval_is_the_exact_rule_on_mentions_of_one_fragment(text, gold, answer):
    gold, answer = (frozenset(span for span in side if len(span.fragments) == 1) for side in (gold, answer))
    document = Document("", text, gold)
    assert exact_f1(LABELS).observe(document, answer) == brateval_f1(LABELS).observe(document, answer)


def tags(places):
    row = ["O"] * LENGTH
    for span in places:
        row[span.start] = f"B-{span.label}"
        for k in range(span.start + 1, span.end):
            row[k] = f"I-{span.label}"
    return row


@settings(max_examples=50, deadline=None)
@given(separate_spans(), separate_spans())
def test_exact_f1_of_flat_mentions_is_seqevals_strict_f1(gold, answer):
    theirs = f1_score([tags(gold)], [tags(answer)], mode="strict", scheme=IOB2)
    assert score(exact_f1(LABELS), Document("", "a" * LENGTH, gold), answer) == pytest.approx(theirs, abs=1e-15)


grades = st.lists(st.tuples(*[st.integers(0, 50).map(lambda tenths: tenths / 10)] * 2), min_size=2, max_size=40)


@settings(max_examples=100, deadline=None)
@given(grades)
def test_pearson_is_numpys_within_rounding_and_undefined_with_it(grades):
    gold, answers = (list(side) for side in zip(*grades, strict=True))
    ours = float(PEARSON.value(evidence(PEARSON, [Pair("", "", "", g) for g in gold], answers).sum(axis=0)))
    if len(set(gold)) == 1 or len(set(answers)) == 1:
        assert math.isnan(ours)
    else:
        assert ours == pytest.approx(np.corrcoef(gold, answers)[0, 1], abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(grades, st.integers(0, 12), st.sampled_from([0, 2.5, -4]))
def test_pearson_of_answers_that_hardly_differ_is_scipys(grades, digits, middle):
    """However near answers are to each other, and wherever: undefined only where all are equal."""
    gold, answers = (list(side) for side in zip(*grades, strict=True))
    answers = [middle + answer / 10**digits for answer in answers]
    ours = correlation(PEARSON, gold, answers)
    if len(set(gold)) == 1 or len(set(answers)) == 1:
        assert math.isnan(ours)
    else:
        # Beyond, scipy warns of what it computes itself; differences from the least answer are exact.
        theirs = answers if digits <= 6 else np.subtract(answers, min(answers))
        assert ours == pytest.approx(pearsonr(gold, theirs).statistic, abs=1e-9)


def correlation(metric, gold, answers):
    pairs = [Pair(str(k), "", "", score) for k, score in enumerate(gold)]
    return float(metric.value(evidence(metric, pairs, answers).sum(axis=0)))


@settings(max_examples=100, deadline=None)
@given(grades)
def test_spearman_is_scipys_with_ties_and_undefined_with_it(grades):
    gold, answers = (list(side) for side in zip(*grades, strict=True))
    ours = correlation(SPEARMAN, gold, answers)
    if len(set(gold)) == 1 or len(set(answers)) == 1:
        assert math.isnan(ours)
    else:
        assert ours == pytest.approx(spearmanr(gold, answers).statistic, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(grades, st.randoms(use_true_random=False))
def test_spearman_sees_order_alone(grades, random):
    gold, answers = (list(side) for side in zip(*grades, strict=True))
    stretched = [math.exp(answer) for answer in answers]
    assert same(correlation(SPEARMAN, gold, answers), correlation(SPEARMAN, gold, stretched))
    random.shuffle(grades)
    shuffled = correlation(SPEARMAN, *(list(side) for side in zip(*grades, strict=True)))
    assert math.isnan(shuffled) or shuffled == pytest.approx(correlation(SPEARMAN, gold, answers), abs=1e-12)


@pytest.mark.parametrize("metric", [PEARSON, SPEARMAN], ids=lambda metric: metric.name)
@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, 1e200])
def test_a_score_that_is_no_finite_number_is_an_error(metric, score):
    with pytest.raises(InputError, match=r"the answer of pair 1 is .*finite number"):
        correlation(metric, [1.0, 2.0], [1.0, score])
    with pytest.raises(InputError, match=r"the gold score of pair 0 is .*finite number"):
        correlation(metric, [score, 2.0], [1.0, 1.0])


ROWS = [(metric.formula, metric.columns) for metric in (*SPAN_METRICS, ACCURACY, PEARSON)]


@pytest.mark.parametrize(("formula", "columns"), ROWS)
def test_formulas_score_many_totals_as_they_score_one(formula, columns):
    totals = np.random.default_rng(0).integers(0, 4, (6, 50, len(columns))).astype(float)
    together = FORMULAS[formula](totals, columns)
    alone = [[float(FORMULAS[formula](totals[i, j], columns)) for j in range(50)] for i in range(6)]
    assert together.shape == (6, 50)
    assert np.array_equal(together, alone, equal_nan=True)


GOLD = frozenset({Span(((0, 1),), "DATE"), Span(((2, 3),), "AGE"), Span(((4, 5),), "AGE")})
ANSWER = frozenset({Span(((0, 1),), "DATE"), Span(((2, 3),), "AGE")})


def test_macro_f1_is_the_mean_over_labels_that_somebody_used():
    assert score(macro_f1(LABELS), Document("", "", GOLD), ANSWER) == pytest.approx((1 + 2 / 3) / 2)


def test_scores_of_each_label_come_from_the_same_evidence():
    metric = exact_f1(("AGE", "a:b", "DATE"))
    row = np.asarray(metric.observe(Document("", "", GOLD), ANSWER))
    recalls = by_label(row, metric.columns, "micro_recall")
    assert list(recalls) == ["AGE", "a:b", "DATE"]
    assert np.array_equal(list(recalls.values()), [0.5, np.nan, 1.0], equal_nan=True)


def test_a_label_that_a_metric_does_not_count_is_an_error_and_not_lost():
    with pytest.raises(InputError, match="document 7 has a mention labelled 'AGE'"):
        exact_f1(("DATE",)).observe(Document("7", "", GOLD), frozenset())


def test_accuracy_counts_right_classes():
    pairs = [Pair(str(k), "", "", gold) for k, gold in enumerate("xxyy")]
    assert float(ACCURACY.value(evidence(ACCURACY, pairs, list("xyyy")).sum(axis=0))) == 0.75


def test_pearson_is_undefined_where_a_side_does_not_vary():
    pairs = [Pair(str(k), "", "", gold) for k, gold in enumerate([0.1, 0.7, 3.3])]
    assert np.isnan(PEARSON.value(evidence(PEARSON, pairs, [0.1, 0.1, 0.1]).sum(axis=0)))
    assert np.isnan(PEARSON.value(evidence(PEARSON, pairs[:1], [2.0]).sum(axis=0)))
    assert np.isnan(PEARSON.value(np.zeros(6)))
    assert np.isnan(PEARSON.value(evidence(PEARSON, [], []).sum(axis=0)))


@each_span_metric
def test_work_grows_in_proportion_to_a_note(metric):
    rng = random.Random(0)

    def some(count):
        starts = (rng.randrange(20 * count) for _ in range(count))
        return frozenset(Span(((start, start + rng.randrange(1, 20)),), rng.choice(LABELS)) for start in starts)

    def work(count):
        document, answer = Document("", "ab " * 7 * count, some(count)), some(count)
        return instructions(lambda: metric.observe(document, answer))

    assert work(800) < 8 * work(200)  # Four times, but for sorting; to compare each with each would be sixteen times.


def instructions(run):
    """How many instructions of Python a call takes, which no load of the machine changes."""
    count, before = 0, sys.gettrace()

    def trace(frame, event, arg):
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return count
