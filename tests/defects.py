"""Defects as people make them, each put into the running code by a patch: what the drift check has to catch."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from baselines.core import heads, training
from baselines.core.windows import Window
from bench.runner.corpora import Corpora
from tasks.core.examples import Document
from tasks.core.kinds import TEST, TRAIN, SpanTask, Task


@contextmanager
def heads_left_out() -> Iterator[None]:
    """The optimiser knows the encoder alone, as in the papers' code: heads stay at their random start."""
    real = training._optimiser

    def left_out(model: Any, settings: Any) -> torch.optim.Optimizer:
        optimiser = real(model, settings)
        forgotten = {id(parameter) for parameter in model.heads.parameters()}
        for group in optimiser.param_groups:
            group["params"] = [parameter for parameter in group["params"] if id(parameter) not in forgotten]
        return optimiser

    with patch.object(training, "_optimiser", left_out):
        yield


@contextmanager
def offsets_one_short(from_window: int = 0) -> Iterator[None]:
    """Ends are those of the last character instead of one behind it, in a note's windows from the given one on."""
    real = heads.text_windows

    def short(*words: Any) -> list[Window]:
        windows = real(*words)
        moved = [replace(one, offset_mapping=one.offset_mapping - np.array([0, 1])) for one in windows[from_window:]]
        return [*windows[:from_window], *moved]

    with patch.object(heads, "text_windows", short):
        yield


@contextmanager
def padding_in_the_loss() -> Iterator[None]:
    """What is learnt from is filled up to all that the encoder takes; the filling is attended to, and learnt as O."""
    real = training._train_windows

    def padded(model: Any, spec: Any, task: Any) -> list[Window]:
        most = model.encoder.max_length
        return [_filled(window, most, isinstance(task, SpanTask)) for window in real(model, spec, task)]

    with patch.object(training, "_train_windows", padded):
        yield


def _filled(window: Window, most: int, read: bool) -> Window:
    more = np.zeros(most - len(window.input_ids), dtype=np.int64)
    filled = replace(
        window, input_ids=np.append(window.input_ids, more), token_type_ids=np.append(window.token_type_ids, more)
    )
    if not read:
        return filled
    read_positions = np.append(window.read_positions, np.arange(len(window.input_ids), most))
    return replace(filled, read_positions=read_positions, targets=np.append(window.targets, more))


ExamplesEdit = Callable[[Sequence[Any]], Sequence[Any]]


@contextmanager
def training_set_changed(task_name: str, change: ExamplesEdit) -> Iterator[None]:
    """The training set of a task is changed where it is read; dev and test sets are as they are."""
    real = Corpora.stream

    def stream(self: Corpora, task: Task[Any, Any], split: str, fraction: float) -> Iterable[Any]:
        found = real(self, task, split, fraction)
        return change(list(found)) if (task.name, split) == (task_name, TRAIN) else found

    with patch.object(Corpora, "stream", stream):
        yield


def gold_shuffled(examples: Sequence[Any]) -> list[Any]:
    """Each pair with the gold of another."""
    golds = [one.gold for one in examples]
    random.Random(0).shuffle(golds)
    return [replace(one, gold=gold) for one, gold in zip(examples, golds, strict=True)]


def labels_swapped(one: str, other: str) -> ExamplesEdit:
    """Two labels change places, in mentions or in pairs."""
    names = {one: other, other: one}

    def swap(example: Any) -> Any:
        if isinstance(example, Document):
            return replace(example, gold=frozenset(replace(x, label=names.get(x.label, x.label)) for x in example.gold))
        return replace(example, gold=names.get(example.gold, example.gold))

    return lambda examples: [swap(example) for example in examples]


def labels_lost(labels: Sequence[str]) -> ExamplesEdit:
    """A reader loses every mention of some labels."""

    def lose(document: Document) -> Document:
        return replace(document, gold=frozenset(span for span in document.gold if span.label not in labels))

    return lambda documents: [lose(document) for document in documents]


@contextmanager
def leaked_test_set(task_name: str) -> Iterator[None]:
    """The test set leaks into training."""
    real = Corpora.stream

    def stream(self: Corpora, task: Task[Any, Any], split: str, fraction: float) -> Iterable[Any]:
        return real(self, task, TEST if (task.name, split) == (task_name, TRAIN) else split, fraction)

    with patch.object(Corpora, "stream", stream):
        yield
