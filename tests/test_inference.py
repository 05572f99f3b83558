"""One pass answers as many do: no head's answer depends on the other heads, on the batch, or on how it was loaded."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.core.bio_tags import BioTags
from baselines.core.model import MultitaskModel, precision
from tasks.core.examples import Document, Span
from tasks.core.kinds import SpanTask
from test_training import CLASSES, PARTS, SCORES, SMALL, SPANS, WORDS, examples, spec

OTHERS = SpanTask(name="others", title="", labels=("place",), metrics=SPANS.metrics, **PARTS)
TASKS = (SPANS, OTHERS, CLASSES, SCORES)


def made(tmp_path: Path, encoder: Path, **changes: Any) -> MultitaskModel:
    """A model whose heads were not trained but are strong enough to say something."""
    model = MultitaskModel(spec(tmp_path, encoder, TASKS, settings=replace(SMALL, **changes)))
    with torch.no_grad():
        for parameter in model.heads.parameters():
            parameter.mul_(100)
    return model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> MultitaskModel:
    return made(tmp_path_factory.mktemp("model"), tiny_encoder)


def notes(count: int, words: int = 40) -> list[Document]:
    """Notes of one word and more, each with a mention whose label no head knows."""
    numbers = np.random.default_rng(0)
    texts = [" ".join(numbers.choice(WORDS, 1 + k * words // count)) for k in range(count)]
    return [Document(str(k), text, frozenset({Span(((0, 2),), "unheard of")})) for k, text in enumerate(texts)]


def mentions(answers: Sequence[frozenset[Span]]) -> int:
    return sum(map(len, answers))


@pytest.mark.parametrize("span_head", ["flat", "nested"])
def test_heads_answer_together_as_each_alone(tmp_path: Path, tiny_encoder: Path, span_head: str) -> None:
    """And a note need have no gold of theirs."""
    model, documents = made(tmp_path, tiny_encoder, span_head=span_head), notes(12)
    together = model.annotate([SPANS, OTHERS], documents)
    assert together == {task.name: model.predict(task, documents) for task in (SPANS, OTHERS)}
    assert all(mentions(answers) > 10 for answers in together.values())
    pairs = examples(CLASSES, "test")
    assert model.annotate([CLASSES, SCORES], pairs) == {
        task.name: model.predict(task, pairs) for task in (CLASSES, SCORES)
    }


def test_each_window_is_encoded_once_for_all_heads(model: MultitaskModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """In passes of at most so many tokens."""
    passes: list[int] = []
    forward = model.encoder.forward
    monkeypatch.setattr(model.encoder, "forward", lambda batch: passes.append(batch.tokens) or forward(batch))
    documents = notes(12)
    model.annotate([SPANS, OTHERS], documents, tokens_at_once=50)
    assert sum(passes) == sum(
        len(window.input_ids)
        for note in documents
        for window in model.head("spans").cut(model.tokenizer, note, use_gold=False)
    )
    assert max(passes) <= 50


def test_answers_do_not_depend_on_what_else_is_in_the_batch(model: MultitaskModel) -> None:
    """Alone, in any company, in any order and in passes of any size; scores to a millionth."""
    documents = notes(12)
    alone = [model.annotate([SPANS, OTHERS], [note]) for note in documents]
    for tokens in (1, 60, 8192):
        together = model.annotate([SPANS, OTHERS], documents[::-1], tokens)
        for task in (SPANS, OTHERS):
            assert together[task.name][::-1] == [answers[task.name][0] for answers in alone]
    pairs, apart = examples(CLASSES, "test"), [model.annotate([CLASSES, SCORES], [pair])
                                               for pair in examples(CLASSES, "test")]  # fmt: skip
    for tokens in (1, 60, 8192):
        together = model.annotate([CLASSES, SCORES], pairs, tokens)
        assert together["classes"] == [answers["classes"][0] for answers in apart]
        assert together["scores"] == pytest.approx([answers["scores"][0] for answers in apart], abs=1e-6)


@pytest.mark.parametrize("tokens", [1, 60, 8192])
def test_in_bfloat16_answers_are_the_same_to_the_bit_in_any_company(
    tmp_path: Path, tiny_encoder: Path, tokens: int
) -> None:
    """Attention sees a window by itself, and where bfloat16 is chosen sums do not depend on how many rows there are."""
    if tokens > 1 and precision("auto", "cpu") != "bfloat16":
        pytest.skip("this processor does not compute in bfloat16: only a window by itself is the same to the bit")
    model, pairs, documents = made(tmp_path, tiny_encoder, precision="bfloat16"), examples(CLASSES, "test"), notes(12)
    for tasks, asked in (((CLASSES, SCORES), pairs), ((SPANS, OTHERS), documents)):
        together = model.annotate(tasks, asked, tokens)
        for place, one in enumerate(asked):
            alone = model.annotate(tasks, [one])
            assert alone == {task: [answers[place]] for task, answers in together.items()}


def test_what_a_note_takes_in_memory_is_in_proportion_to_its_length(tmp_path: Path, tiny_encoder: Path) -> None:
    """Less than half of what the outputs of a head with many labels for the whole note would take."""
    labels = tuple(f"label{k}" for k in range(100))
    many = SpanTask(name="many", title="", labels=labels, metrics=SPANS.metrics, **PARTS)
    model = MultitaskModel(spec(tmp_path, tiny_encoder, [many]))
    with torch.no_grad():
        model.head("many").layer.bias[0] = 1000  # type: ignore[index]  # No mention, so that answers take nothing.
    model.annotate([many], notes(1))
    peaks = []
    for words in (600, 2400):
        note = Document("long", " ".join(WORDS * (words // len(WORDS))), frozenset())
        tracemalloc.start()
        model.annotate([many], [note], tokens_at_once=100)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 5 * peaks[0]
    assert peaks[1] < 2400 * 201 * 4 / 2


def test_examples_of_two_kinds_are_not_read_together(model: MultitaskModel) -> None:
    with pytest.raises(ValueError, match="Document and Pair"):
        model.annotate([SPANS, CLASSES], [])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("span_head", ["flat", "nested"])
def test_a_frozen_model_answers_the_same_to_the_bit(
    tmp_path: Path, tiny_encoder: Path, precision: str, span_head: str
) -> None:
    model = made(tmp_path, tiny_encoder, precision=precision, span_head=span_head).eval()
    batch = model.pack(
        [window for note in notes(5) for window in model.head("spans").cut(model.tokenizer, note, use_gold=False)]
    )
    with torch.no_grad():
        before = {task.name: model(task.name, batch) for task in TASKS}
        model.freeze()
        assert all(torch.equal(model(task.name, batch), before[task.name]) for task in TASKS)


ROWS = st.lists(st.lists(st.integers(-4, 4), min_size=5, max_size=5), max_size=12)


def one_by_one(rows: list[list[int]]) -> list[int]:
    """The likeliest path of one window that keeps the rule; of equals the tag of the lowest number, from the end."""
    best = {tag: (float(score) if tag % 2 or not tag else -1e9, [tag]) for tag, score in enumerate(rows[0])}
    for row in rows[1:]:
        came = {}
        for tag, score in enumerate(row):
            before = [tag - 1, tag] if tag and tag % 2 == 0 else list(best)
            first = max(before, key=lambda one: (best[one][0], -one))
            came[tag] = (best[first][0] + score, [*best[first][1], tag])
        best = came
    return best[max(best, key=lambda one: (best[one][0], -one))][1]


@given(st.lists(ROWS, max_size=6))
@settings(max_examples=150, deadline=None)
def test_the_best_paths_of_windows_together_are_those_of_each(windows: list[list[list[int]]]) -> None:
    """Small whole numbers tie often: of equals the first is taken, whichever way was gone."""
    rows = np.array([row for rows in windows for row in rows], dtype=np.float32).reshape(-1, 5)
    found = BioTags(("a", "b")).decode(rows, [len(rows) for rows in windows])
    assert found.tolist() == [tag for rows in windows if rows for tag in one_by_one(rows)]


@given(st.lists(st.integers(0, 4), max_size=12))
@settings(max_examples=100, deadline=None)
def test_mentions_begin_at_a_b_and_end_before_the_next_tag_that_is_no_i(tags: list[int]) -> None:
    """Against reading the tags one by one."""
    words = np.arange(2 * len(tags)).reshape(-1, 2)
    expected, open_at = [], None
    for place, tag in enumerate([*tags, 0]):
        if open_at is not None and (tag == 0 or tag % 2):
            label = ("a", "b")[(tags[open_at] - 1) // 2]
            expected.append((open_at, Span(((int(words[open_at, 0]), int(words[place - 1, 1])),), label)))
            open_at = None
        open_at = place if tag % 2 else open_at
    begins, spans = BioTags(("a", "b")).mentions(words, np.array(tags, dtype=np.int16))
    assert list(zip(begins.tolist(), spans, strict=True)) == expected
