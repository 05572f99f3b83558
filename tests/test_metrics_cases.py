"""Cases whose scores are known: made up by hand, answered by the challenges' own programs or by their stated rules."""

from dataclasses import replace

import numpy as np
import pytest

from invented import span
from tasks.core.examples import Document, Span
from tasks.core.metrics import mt_clinical_bert
from tasks.core.metrics.concepts import SPAN_ONLY_F1, exact_tokens
from tasks.core.metrics.events import EVENT_OVERLAP_F1, EVENT_TYPE_ACCURACY
from tasks.core.metrics.formulas import FORMULAS
from tasks.core.metrics.metric import Metric, evidence
from tasks.core.metrics.phi import BINARY_F1, HIPAA_F1, relaxed_f1, token_f1
from tasks.core.metrics.spans import brateval_f1, exact_envelope, exact_f1, exact_precision, exact_recall, lenient_f1


def spans(*mentions: str) -> frozenset[Span]:
    return frozenset(map(span, mentions))


def totals(metric: Metric, document: Document, answer: frozenset[Span]) -> np.ndarray:
    return evidence(metric, [document], [answer]).sum(axis=0)


def score(metric: Metric, document: Document, answer: frozenset[Span]) -> float:
    return float(metric.value(totals(metric, document, answer)))


CONCEPTS = ("problem", "treatment", "test")
# Line L, tokens from T to U of the official case stand at characters 20 L + 2 T to 20 L + 2 U + 1.
CONCEPT_NOTE = Document(
    "i2b2_2010", ("x " * 9 + "x\n") * 10, spans("problem 26-29", "treatment 42-43", "test 60-63", "problem 80-85")
)
CONCEPT_ANSWER = spans("problem 26-29", "problem 42-43", "test 62-63", "test 84-85", "problem 100-101")


def test_i2b2_2010_span_and_class_as_the_official_program_counts_them():
    assert by_role(totals(exact_f1(CONCEPTS, exact_tokens), CONCEPT_NOTE, CONCEPT_ANSWER)) == (1, 4, 3)
    assert score(exact_precision(CONCEPTS, exact_tokens), CONCEPT_NOTE, CONCEPT_ANSWER) == 0.2
    assert score(exact_recall(CONCEPTS, exact_tokens), CONCEPT_NOTE, CONCEPT_ANSWER) == 0.25
    assert f"{score(exact_f1(CONCEPTS, exact_tokens), CONCEPT_NOTE, CONCEPT_ANSWER):.4f}" == "0.2222"


def test_i2b2_2010_span_only_as_the_official_program_counts_it():
    assert tuple(totals(SPAN_ONLY_F1, CONCEPT_NOTE, CONCEPT_ANSWER)) == (2, 3, 2)
    assert f"{score(SPAN_ONLY_F1, CONCEPT_NOTE, CONCEPT_ANSWER):.4f}" == "0.4444"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param("test 2-5", (1, 0, 0), id="inside a token"),
        pytest.param("test 6-7", (0, 0, 1), id="white space alone is no concept"),
        pytest.param("test 0-8", (0, 1, 1), id="a token too many"),
    ],
)
def test_i2b2_2010_mentions_are_compared_by_their_tokens(answer, expected):
    document = Document("", "x-rays of", spans("test 0-6"))
    assert by_role(totals(exact_f1(CONCEPTS, exact_tokens), document, spans(answer))) == expected
    assert tuple(totals(SPAN_ONLY_F1, document, spans(answer))) == expected


def by_role(row: np.ndarray) -> tuple[float, ...]:
    return tuple(row.reshape(-1, 3).sum(axis=0))


DRUGS = ("Drug", "Strength", "ADE", "Reason")
DRUG_NOTE = Document("n2c2_2018", "x" * 60, spans("Drug 0-7", "Strength 8-14", "ADE 20-26;30-35", "Reason 40-50"))
DRUG_ANSWER = spans("Drug 0-7", "Strength 8-11", "Strength 12-14", "ADE 20-35", "ADE 40-50")


def test_n2c2_2018_strict_as_the_official_program_scores_it():
    assert score(exact_precision(DRUGS, exact_envelope), DRUG_NOTE, DRUG_ANSWER) == 0.4
    assert score(exact_recall(DRUGS, exact_envelope), DRUG_NOTE, DRUG_ANSWER) == 0.5
    assert f"{score(exact_f1(DRUGS, exact_envelope), DRUG_NOTE, DRUG_ANSWER):.4f}" == "0.4444"


def test_a_mention_that_gold_lists_twice_is_found_once_where_the_program_counts_lines():
    (mention,) = gold = spans("a 0-4")
    document = Document("", "x" * 20, gold, (mention, mention))
    assert by_role(totals(exact_f1(("a",)), document, gold)) == (1, 0, 0)
    for metric in (exact_f1(("a",), exact_envelope), lenient_f1(("a",)), brateval_f1(("a",))):
        assert by_role(totals(metric, document, gold)) == (1, 0, 1)
    assert tuple(totals(EVENT_OVERLAP_F1, document, gold)) == (1, 2, 1, 1)
    assert by_role(totals(mt_clinical_bert.scores(("a",))[0], document, gold)) == (0, 1, 0)


def test_a_listing_of_other_gold_is_none():
    first, second = sorted(spans("a 0-4", "b 2-3"))
    document = Document("", "x" * 20, frozenset({first, second}), (second, first, second))
    assert list(document.listed()) == [second, first, second]
    assert list(replace(document, gold=frozenset({first})).listed()) == [first]


def test_n2c2_2018_lenient_as_the_official_program_scores_it():
    row = totals(lenient_f1(DRUGS), DRUG_NOTE, DRUG_ANSWER)
    columns = lenient_f1(DRUGS).columns
    assert [float(FORMULAS[f"micro_{kind}"](row, columns)) for kind in ("precision", "recall", "f1")] == [0.75] * 3


@pytest.mark.parametrize(
    ("gold", "answer", "expected"),
    [
        pytest.param(["a 0-4", "a 6-9"], ["a 0-9"], (1, 0, 1), id="one answer over two mentions is found once"),
        pytest.param(["a 0-9"], ["a 0-4", "a 6-9"], (1, 0, 0), id="the second half of a mention is left out"),
        pytest.param(["a 0-9", "a 8-12"], ["a 0-3", "a 5-10", "a 11-12"], (1, 0, 1), id="left out, yet it takes"),
        pytest.param(["a 0-4"], ["a 4-6"], (0, 1, 1), id="touching is no overlap"),
        pytest.param(["a 0-4"], ["b 0-4"], (0, 1, 1), id="another label is no overlap"),
        pytest.param(["a 0-2;8-9"], ["a 4-5"], (1, 0, 0), id="a gap belongs to the extent"),
    ],
)
def test_lenient_pairs_as_the_official_program(gold, answer, expected):
    assert by_role(totals(lenient_f1(("a", "b")), Document("", "x" * 20, spans(*gold)), spans(*answer))) == expected


def test_strict_n2c2_finds_two_mentions_of_one_extent_once():
    document = Document("", "x" * 20, spans("a 0-2;8-9", "a 0-9"))
    assert by_role(totals(exact_f1(("a",), exact_envelope), document, document.gold)) == (1, 0, 1)


PHI = ("PATIENT", "DOCTOR", "HOSPITAL", "MEDICALRECORD", "IDNUM", "DATE", "AGE", "CITY")
PHI_NOTE = Document(
    "i2b2_2014",
    "Smith seen at Mercy General Hospital, 1234567, on 2067-05-03 by Dr Ann Lee Moss, 77, of New Port\n",
    spans(
        "PATIENT 0-5", "HOSPITAL 14-36", "MEDICALRECORD 38-45", "DATE 50-60", "DOCTOR 67-79", "AGE 81-83", "CITY 88-96"
    ),
)
PHI_ANSWER = spans(
    "DOCTOR 0-5", "HOSPITAL 14-35", "IDNUM 38-45", "DATE 50-60", "DOCTOR 67-79", "AGE 81-83", "CITY 88-96"
)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (exact_f1(PHI), "0.5714"),
        (relaxed_f1(PHI), "0.7143"),
        (token_f1(PHI), "0.7857"),
        (BINARY_F1, "0.8571"),
        (HIPAA_F1, "0.7500"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_i2b2_2014_views_as_the_official_program_scores_them(metric, expected):
    assert f"{score(metric, PHI_NOTE, PHI_ANSWER):.4f}" == expected


def test_hipaa_leaves_idnum_out_of_precision_but_medicalrecord_in_recall():
    row = totals(HIPAA_F1, PHI_NOTE, PHI_ANSWER)
    assert float(FORMULAS["micro_precision"](row, HIPAA_F1.columns)) == 1.0
    assert float(FORMULAS["micro_recall"](row, HIPAA_F1.columns)) == 0.6


@pytest.mark.parametrize(
    ("gold", "answer", "expected"),
    [
        pytest.param(["a 0-4"], ["a 0-6"], (1, 0, 0), id="end two off"),
        pytest.param(["a 0-4"], ["a 0-7"], (0, 1, 1), id="end three off"),
        pytest.param(["a 1-4"], ["a 0-4"], (0, 1, 1), id="start one off"),
        pytest.param(["a 0-4"], ["a 0-4", "a 0-5"], (1, 0, 0), id="answers near each other are one"),
        pytest.param(["a 0-5"], ["a 0-3", "a 0-7"], (1, 0, 0), id="found on the smaller side"),
    ],
)
def test_relaxed_ends_as_the_official_program(gold, answer, expected):
    assert by_role(totals(relaxed_f1(("a",)), Document("", "x" * 20, spans(*gold)), spans(*answer))) == expected


@pytest.mark.parametrize(
    ("text", "gold", "answer", "expected"),
    [
        pytest.param("ab-cd", "a 0-5", "a 0-2", (1, 0, 1), id="a mark parts tokens"),
        pytest.param("abcd", "a 0-4", "a 0-3", (0, 1, 1), id="a cut token is another"),
        pytest.param("--", "a 0-2", "a 1-2", (1, 0, 0), id="no token at all is an empty one at the end"),
        pytest.param("né", "a 0-2", "a 0-1", (1, 0, 0), id="only ASCII letters count"),
    ],
)
def test_tokens_as_the_official_program(text, gold, answer, expected):
    assert by_role(totals(token_f1(("a",)), Document("", text, spans(gold)), spans(answer))) == expected


@pytest.mark.parametrize(
    ("gold", "answer", "exact", "brateval"),
    [
        pytest.param(["a 0-2"], ["a 0-2;4-6"], (0, 1, 1), (1, 0, 0), id="a fragment too many"),
        pytest.param(["a 0-2;4-6"], ["a 0-2"], (0, 1, 1), (0, 1, 1), id="a fragment too few"),
        pytest.param(["a 0-2;4-6"], ["a 0-6"], (0, 1, 1), (0, 1, 1), id="the gap filled"),
        pytest.param(["a 0-6", "b 0-2"], ["a 0-6", "b 0-2"], (2, 0, 0), (2, 0, 0), id="nested"),
        pytest.param(["a 0-2", "a 4-6"], ["a 0-2;4-6"], (0, 1, 2), (1, 0, 1), id="an answer is used once"),
    ],
)
def test_quaero_mentions_as_stated_and_as_brateval_takes_them(gold, answer, exact, brateval):
    document = Document("", "x" * 20, spans(*gold))
    assert by_role(totals(exact_f1(("a", "b")), document, spans(*answer))) == exact
    assert by_role(totals(brateval_f1(("a", "b")), document, spans(*answer))) == brateval


EVENT_TEXT = "severe chest pain , aspirin given"


@pytest.mark.parametrize(
    ("gold", "answer", "row"),
    [
        pytest.param(["P 0-17"], ["P 7-17"], (1, 1, 1, 1), id="overlap"),
        pytest.param(["P 0-17"], ["T 7-17"], (1, 1, 1, 1), id="type does not matter to spans"),
        pytest.param(["P 0-17"], ["P 0-6", "P 7-17"], (1, 1, 1, 2), id="one to one"),
        pytest.param(["P 0-17"], ["P 18-19"], (0, 1, 0, 1), id="apart"),
        pytest.param(["P 17-19"], ["P 17-19"], (0, 1, 0, 1), id="marks alone are no event"),
        # The second start is 5, the first end 6: gold from 0 meets it, but from the answer's side it is too little.
        pytest.param(["P 0-6"], ["P 5-12"], (1, 1, 0, 1), id="one shared character counts one way"),
        pytest.param([], [], (0, 0, 0, 0), id="nothing"),
    ],
)
def test_events_pair_as_the_official_program(gold, answer, row):
    assert tuple(totals(EVENT_OVERLAP_F1, Document("", EVENT_TEXT, spans(*gold)), spans(*answer))) == row


@pytest.mark.parametrize(
    ("gold", "answer", "correct"),
    [
        pytest.param(["P 0-17"], ["T 7-17"], 0, id="other type"),
        pytest.param(["P 0-17"], ["T 0-6", "P 7-17"], 1, id="the partner of the same type is preferred"),
        pytest.param(["P 0-17"], ["T 0-17", "P 7-17"], 0, id="the same words are preferred to the same type"),
        pytest.param(["P 0-17", "T 7-17"], ["T 7-17"], 1, id="the same words take a partner from a mere overlap"),
    ],
)
def test_event_types_are_counted_over_gold(gold, answer, correct):
    document = Document("", EVENT_TEXT, spans(*gold))
    assert tuple(totals(EVENT_TYPE_ACCURACY, document, spans(*answer))) == (correct, len(gold))


def test_event_f1_counts_each_side_on_its_own():
    document = Document("", EVENT_TEXT, spans("P 0-6"))
    assert score(EVENT_OVERLAP_F1, document, spans("P 5-12")) == 0.0
    assert score(EVENT_OVERLAP_F1, document, spans("P 0-12", "P 20-27")) == pytest.approx(2 / 3)
    assert score(EVENT_OVERLAP_F1, document, frozenset()) == 0.0
    assert np.isnan(score(EVENT_OVERLAP_F1, Document("", "", frozenset()), frozenset()))


@pytest.mark.parametrize(
    ("gold", "answer", "expected"),
    [
        pytest.param(["a 0-4", "a 2-6"], ["a 0-4"], (0, 1, 0), id="overlapping mentions both leave gold"),
        pytest.param(["a 0-4", "b 4-6"], ["a 0-4"], (0, 1, 0), id="touching mentions both leave gold"),
        pytest.param(["a 0-4", "b 5-6"], ["a 0-4"], (1, 0, 1), id="neighbours stay"),
        pytest.param(["a 0-2;4-6"], ["a 0-2"], (1, 0, 1), id="fragments are mentions of their own"),
        pytest.param(["a 0-2;3-6"], ["a 0-6"], (1, 0, 0), id="two fragments a blank apart are one"),
        pytest.param(["a 0-2;8-9", "b 8-9"], [], (0, 0, 1), id="only the crowded fragment leaves"),
    ],
)
def test_paper_gold_leaves_out_what_the_papers_code_left_out(gold, answer, expected):
    metric = mt_clinical_bert.scores(("a", "b"))[0]
    assert by_role(totals(metric, Document("", "x" * 20, spans(*gold)), spans(*answer))) == expected


def test_paper_token_f1_counts_words_not_mentions():
    document = Document("", "acute chest pain, mild", spans("a 0-16"))
    assert by_role(totals(mt_clinical_bert.scores(("a",))[1], document, spans("a 6-16", "a 18-22"))) == (2, 1, 1)
    assert by_role(totals(mt_clinical_bert.scores(("a",))[1], document, spans("a 8-10"))) == (1, 0, 2)
