"""A split may be larger than memory: training, scoring and testing hold some of it at a time."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines.core import model as model_module
from baselines.core.cached_windows import cached_dev_windows, cached_train_windows
from baselines.core.ceiling import ceiling
from baselines.core.model import MultitaskModel
from bench.runner import run as runner
from bench.runner.corpora import Corpora
from bench.runner.corpus_statistics import CorpusStatistics
from small_bench import Model
from tasks.core.examples import Document
from tasks.core.metrics.metric import evidence
from test_training import CLASSES, SMALL, SPANS, examples, spec

FEW, MANY = 20, 200
"""How many notes; each is one of some."""


def notes(count: int) -> Iterator[Document]:
    """Notes of a thousand characters, made as they are asked for."""
    some = list(examples(SPANS, "train"))
    for number in range(count):
        one = some[number % len(some)]
        yield Document(f"{number}", f"{one.text}{number:030}" + " denies chest x ray daily" * 40, one.gold)


def peak(use: Callable[[], Any]) -> int:
    """The most bytes that Python and NumPy held meanwhile."""
    tracemalloc.start()
    try:
        use()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def grown(use: Callable[[int], Any]) -> float:
    """How many times as much is held of ten times as many notes."""
    use(1)  # What is imported and made once.
    return peak(lambda: use(MANY)) / peak(lambda: use(FEW))


@pytest.fixture
def model(tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> MultitaskModel:
    monkeypatch.setattr(model_module, "TOKENS_HELD", 2000)
    return MultitaskModel(spec(tmp_path, tiny_encoder, [SPANS, CLASSES]))


def test_a_training_set_that_is_kept_is_not_held(model: MultitaskModel, tmp_path: Path) -> None:
    def use(count: int, kept: bool = True) -> None:
        made = (window for note in notes(count) for window in model.windows(SPANS, note, use_gold=True))
        windows = cached_train_windows(made, tmp_path / f"{count}.arrow" if kept else None)
        assert all(len(window.input_ids) for window in windows)

    for count in (FEW, MANY):  # From here on the files are there; the library writes a thousand windows at a time.
        use(count)
    assert grown(use) < 1.5
    assert grown(lambda count: use(count, kept=False)) > 5  # The law can fail.


def test_a_development_set_that_is_kept_is_not_held(model: MultitaskModel, tmp_path: Path) -> None:
    cuts = {
        count: cached_dev_windows(SPANS, model.cut(SPANS, notes(count)), tmp_path / f"{count}.arrow")
        for count in (1, FEW, MANY)
    }
    assert grown(lambda count: model.score(SPANS, cuts[count])) < 1.5
    assert model.score(SPANS, cuts[FEW]) == model.score(SPANS, list(model.cut(SPANS, notes(FEW))))


def test_a_test_split_is_not_held_for_its_ceiling(tiny_encoder: Path) -> None:
    assert grown(lambda count: ceiling(SPANS, notes(count), tiny_encoder, SMALL)) < 1.5


class Few(Corpora):
    """The test split is so many notes."""

    def __init__(self, count: int) -> None:
        self.count = count

    def stream(self, task: Any, split: str, fraction: float) -> Iterator[Any]:
        return notes(self.count)

    def corpus_statistics(self, task: Any) -> CorpusStatistics:
        return CorpusStatistics(digest="", train_characters=0, notices={}, examples={"train": 0, "dev": 0}, groups=())


class Gold(Model):
    """Answers with gold."""

    def predict(self, task: Any, examples: Sequence[Any]) -> list[Any]:
        return [example.gold for example in examples]


def test_a_test_split_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stays is evidence and answers, in numbers; scores are those of all notes together."""
    monkeypatch.setattr(runner, "CHARACTERS_HELD", 8000)
    assert grown(lambda count: runner._test(Gold(), SPANS, Few(count), 0.1, None)) < 3
    tested = runner._test(Gold(), SPANS, Few(MANY), 0.1, None)
    together = list(notes(MANY))
    rows = evidence(SPANS.primary, together, [note.gold for note in together])
    assert np.array_equal(tested.evidence.rows["f1"], rows)
    assert tested.score.examples["test"] == len(tested.answers) == len(tested.evidence.ids) == MANY
