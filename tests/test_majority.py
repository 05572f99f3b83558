"""The floor counts and does nothing else: these laws say what it counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.core.baseline import TrainSpec
from baselines.core.settings import Settings
from baselines.majority import BASELINE
from bench import registry
from tasks.core.examples import Document, Pair, Span
from tasks.core.lexicon import lexicon


def document(text: str, *mentions: tuple[int, int, str], name: str = "1") -> Document:
    """A document with its mentions as (start, end, label)."""
    return Document(name, text, frozenset(Span(((start, end),), label) for start, end, label in mentions))


def found(training: Sequence[Document], text: str) -> list[tuple[str, str]]:
    """(string, label) of what the floor finds in a text."""
    spans = sorted(lexicon(training).find(text))
    return [(text[span.start : span.end], span.label) for span in spans]


def test_a_string_is_answered_where_it_was_a_mention_more_often_than_not() -> None:
    often = document("pain. Pain. pain", (0, 4, "problem"), (6, 10, "problem"))
    seldom = document("cold. cold", (0, 4, "problem"))
    assert found([often, seldom], "no PAIN, a cold") == [("PAIN", "problem")]


def test_the_most_frequent_label_answers_and_of_equals_the_first_by_name() -> None:
    training = document("mri mri mri ct ct", (0, 3, "b"), (4, 7, "a"), (8, 11, "b"), (12, 14, "d"), (15, 17, "c"))
    assert found([training], "mri ct") == [("mri", "b"), ("ct", "c")]


def test_the_longest_string_wins_and_white_space_does_not_matter() -> None:
    training = document("chest pain, pain pain", (0, 10, "problem"), (12, 16, "symptom"), (17, 21, "symptom"))
    assert found([training], "chest\n pain; pain") == [("chest\n pain", "problem"), ("pain", "symptom")]


def test_only_whole_words_are_answered() -> None:
    training = document("ace. x", (0, 3, "drug"))
    assert found([training], "face ace aces") == [("ace", "drug")]


def test_a_string_longer_than_what_is_left_of_a_text_is_no_match() -> None:
    training = document("pain in chest. pain pain", (0, 13, "problem"), (15, 19, "problem"), (20, 24, "problem"))
    assert found([training], "so much pain") == [("pain", "problem")]


def test_mentions_that_are_not_whole_words_or_have_fragments_are_passed_over() -> None:
    gold = frozenset({Span(((0, 4), (9, 13)), "x"), Span(((6, 8),), "x")})
    assert found([Document("1", "left  arm and hand", gold)], "left arm hand") == []


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text(alphabet="ab .é\n", max_size=12), min_size=1, max_size=4), st.text(alphabet="ab .é\n", max_size=20)
)
def test_what_is_found_lies_in_the_text_and_does_not_overlap(texts: list[str], text: str) -> None:
    training = [document(one, *([(0, len(one), "x")] if one else []), name=str(k)) for k, one in enumerate(texts)]
    end = 0
    for span in sorted(lexicon(training).find(text)):
        assert end <= span.start < span.end <= len(text)
        end = span.end


def answers(task: str, train: Sequence[Any], tmp_path: Path) -> list[Any]:
    """What the floor answers to two pairs."""
    job = TrainSpec(
        tasks=(registry.task(task),), examples=lambda task, split: train, seed=0, settings=Settings(), encoder=None,
        device="cpu", checkpoints=tmp_path, checkpoint_seconds=1.0, progress=lambda fraction, note: None,
    )  # fmt: skip
    model, record = BASELINE.train(job)
    assert record.task_counts[task].examples == len(train)
    return model.predict(registry.task(task), train[:2])


@pytest.mark.parametrize(("golds", "answer"), [("nne", "n"), ("nene", "e")])
def test_pairs_get_the_most_frequent_class_and_of_equals_the_first_by_name(
    golds: str, answer: str, tmp_path: Path
) -> None:
    train = [Pair(str(k), "a", "b", gold) for k, gold in enumerate(golds)]
    assert answers("mednli", train, tmp_path) == [answer, answer]


def test_scores_are_the_mean_of_training(tmp_path: Path) -> None:
    assert answers("n2c2_2019", [Pair("1", "a", "b", 1.0), Pair("2", "a", "b", 4.0)], tmp_path) == [2.5, 2.5]
