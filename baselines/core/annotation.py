"""One pass for many heads: each window is encoded once, and every head answers from it.

R places read, H hidden units, C outputs of a head.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from baselines.core.heads import Head
from baselines.core.windows import Window, portions
from tasks.core.kinds import Task

if TYPE_CHECKING:
    from baselines.core.model import MultitaskModel

TOKENS_AT_ONCE = MappingProxyType({"cpu": 2048, "cuda": 16384})
"""Real sub-words in one pass, by device: from 512 on a core gains nothing, and a pass is all that is held at a time."""

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
    most = tokens_at_once or TOKENS_AT_ONCE[model.device]
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
        for chosen in portions(order, windows, most):
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
