"""One pass for many heads: each window is encoded once, and every head answers from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch

from baselines.core.chunks import chunk_by_size
from baselines.core.heads import Head
from baselines.core.windows import ExampleWindows, Window
from tasks.core.kinds import Task

if TYPE_CHECKING:
    from baselines.core.model import MultitaskModel

TOKENS_AT_ONCE = MappingProxyType({"cpu": 2048, "cuda": 32768})
"""Real sub-words in one pass, which is all that is held at a time: from 512 on a core gains nothing; a GPU needs many
to be at work for longer than it takes to ask it."""

TOKENS_HELD = 2**18
"""Sub-words of the windows that are held at a time, where a row of examples may be longer than memory."""

PASSES_AHEAD = 8
"""Windows of so many passes are cut ahead, so that like lengths can run together."""

Placed = tuple[int, Window]
"""A window, and the number of the example that it is of."""


def annotate(
    model: MultitaskModel,
    tasks: Sequence[Task[Any, Any]],
    examples: Sequence[Any],
    tokens_at_once: int | None = None,
) -> dict[str, list[Any]]:
    """By task, the answers of its head to all examples; the tasks must read the same kind of example.

    Gold is not looked at. Examples are read as a stream: beyond the answers themselves memory does not grow with their
    number or length.
    """
    heads = [model.head(task.name) for task in tasks]
    kinds = sorted({task.example_type.__name__ for task in tasks})
    if len(kinds) > 1:
        raise ValueError(f"no example is read by heads for {' and '.join(kinds)} together: ask for them apart")
    cuts = (heads[0].cut(model.tokenizer, example, use_gold=False) for example in examples)
    return _annotate(model, heads, cuts, tokens_at_once or TOKENS_AT_ONCE[model.device])


def answered(
    model: MultitaskModel, task: Task[Any, Any], cuts: Iterable[ExampleWindows]
) -> Iterator[tuple[Any, list[Any]]]:
    """Some examples at a time of those that were cut before, with the answers of a task's head."""
    for some in chunk_by_size(cuts, lambda cut: sum(len(window.input_ids) for window in cut[1]), TOKENS_HELD):
        examples, windows = zip(*some, strict=True)
        answers = _annotate(model, [model.head(task.name)], windows, TOKENS_AT_ONCE[model.device])
        yield examples, answers[task.name]


def _annotate(
    model: MultitaskModel, heads: Sequence[Head[Any, Any]], cuts: Iterable[Iterable[Window]], most: int
) -> dict[str, list[Any]]:
    """By task, the answers of its head to examples that are cut in these windows."""
    said: dict[str, list[list[Any]]] = {head.task.name: [] for head in heads}
    with _answering(model):
        for some in _passes(_of_examples(cuts, said), most):
            windows = [window for _, window in some]
            hidden = model.encoder(model.pack(windows))
            for head in heads:
                found = head.said(windows, head.logits(hidden).float().cpu().numpy())
                for (example, _), one in zip(some, found, strict=True):
                    said[head.task.name][example].append(one)
    return {head.task.name: [head.answer(parts) for parts in said[head.task.name]] for head in heads}


def _of_examples(cuts: Iterable[Iterable[Window]], said: dict[str, list[list[Any]]]) -> Iterator[Placed]:
    """Every window with the number of its example, for which there is room then in what is said."""
    for number, windows in enumerate(cuts):
        for parts in said.values():
            parts.append([])
        yield from ((number, window) for window in windows)


def _passes(windows: Iterable[Placed], most: int) -> Iterator[list[Placed]]:
    """Windows in groups of at most so many sub-words; of those cut ahead like lengths run together."""
    for ahead in chunk_by_size(windows, _length, PASSES_AHEAD * most):
        yield from chunk_by_size(sorted(ahead, key=_length), _length, most)


def _length(placed: Placed) -> int:
    return len(placed[1].input_ids)


@contextmanager
def _answering(model: MultitaskModel) -> Iterator[None]:
    """The model as it answers: no dropout, no gradients, weights brought to their precision once."""
    training = model.training
    if training:
        model.eval()
    with torch.inference_mode(), model.autocast():
        yield
    if training:
        model.train()
