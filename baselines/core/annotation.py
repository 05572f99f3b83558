"""One pass for many heads: each window is encoded once, and every head answers from it.

R places read, H hidden units, C outputs of a head.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from baselines.core.heads import Head
from baselines.core.portions import portions
from baselines.core.windows import Cut, Window
from tasks.core.kinds import Task

if TYPE_CHECKING:
    from baselines.core.model import MultitaskModel

TOKENS_AT_ONCE = MappingProxyType({"cpu": 2048, "cuda": 16384})
"""Real sub-words in one pass, by device: from 512 on a core gains nothing, and a pass is all that is held at a time."""

TOKENS_HELD = 2**18
"""Sub-words of the windows that are held at a time, where a row of examples may be longer than memory."""

Best = dict[str, list[np.ndarray]]
"""By task, what its head keeps of each window."""


def annotate(
    model: MultitaskModel,
    tasks: Sequence[Task[Any, Any]],
    examples: Sequence[Any],
    tokens_at_once: int | None = None,
) -> dict[str, list[Any]]:
    """By task, the answers of its head to all examples; the tasks must read the same kind of example.

    Gold is not looked at. Of the outputs of the encoder only one pass is held at a time, so that memory beyond what the
    examples themselves take does not depend on their number or length.
    """
    heads = [model.head(task.name) for task in tasks]
    kinds = sorted({head.reads.__name__ for head in heads})
    if len(kinds) > 1:
        raise ValueError(f"no example is read by heads for {' and '.join(kinds)} together: ask for them apart")
    windows = [heads[0].cut(model.tokenizer, example, teach=False) for example in examples]
    return _annotate(model, heads, windows, tokens_at_once or TOKENS_AT_ONCE[model.device])


def answered(model: MultitaskModel, task: Task[Any, Any], cuts: Iterable[Cut]) -> Iterator[tuple[Any, list[Any]]]:
    """Some examples at a time of those that were cut before, with the answers of a task's head."""
    for some in portions(cuts, lambda cut: sum(len(window.ids) for window in cut[1]), TOKENS_HELD):
        examples, windows = zip(*some, strict=True)
        answers = _annotate(model, [model.head(task.name)], windows, TOKENS_AT_ONCE[model.device])
        yield examples, answers[task.name]


def _annotate(
    model: MultitaskModel, heads: Sequence[Head[Any, Any]], windows: Sequence[Sequence[Window]], most: int
) -> dict[str, list[Any]]:
    """By task, the answers of its head to examples that are cut in these windows."""
    best = _best(model, heads, [window for each in windows for window in each], most)
    return {head.task.name: list(_answers(head, windows, best[head.task.name])) for head in heads}


def _answers(head: Head[Any, Any], windows: Sequence[Sequence[Window]], best: Sequence[np.ndarray]) -> Iterator[Any]:
    start = 0
    for each in windows:
        yield head.answer(each, best[start : start + len(each)])
        start += len(each)


def _best(model: MultitaskModel, heads: Sequence[Head[Any, Any]], windows: Sequence[Window], most: int) -> Best:
    """What each head keeps of each window; like lengths run together."""
    best: Best = {head.task.name: [np.zeros(0)] * len(windows) for head in heads}
    order = sorted(range(len(windows)), key=lambda place: len(windows[place].ids))
    with _answering(model):
        for chosen in portions(order, lambda place: len(windows[place].ids), most):
            batch = model.pack([windows[place] for place in chosen])
            hidden = model.encoder(batch)
            for head in heads:
                rows = head.logits(hidden).float().cpu().numpy()
                kept = head.best(np.split(rows, np.cumsum(batch.reads)[:-1]))
                for place, one in zip(chosen, kept, strict=True):
                    best[head.task.name][place] = one
    return best


@contextmanager
def _answering(model: MultitaskModel) -> Iterator[None]:
    """The model as it answers: no dropout, no gradients, weights brought to their precision once."""
    training = model.training
    model.eval()
    with torch.no_grad(), model.autocast():
        yield
    model.train(training)
