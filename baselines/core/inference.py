"""Answers of many heads in one pass: each window is encoded once, and every head reads it.

R read positions, H hidden units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import Any

from torch import Tensor

from baselines.core.chunks import chunk_by_size
from baselines.core.heads import Head
from baselines.core.windows import Window

TOKENS_AT_ONCE = MappingProxyType({"cpu": 2048, "cuda": 32768})
"""Tokens in one pass of the encoder, which bounds its memory: a core gains nothing from more than 512; a GPU needs many
to be at work for longer than it takes to ask it."""

TOKENS_HELD = 2**18
"""Tokens of the windows in memory at a time, where a dev set may be larger than memory."""

PASSES_AHEAD = 8
"""Windows of so many passes are made ahead, so that windows of similar length can run together."""

_Numbered = tuple[int, Window]
"""A window, and the number of its example."""


def answer(
    encode: Callable[[Sequence[Window]], Tensor],
    heads: Sequence[Head[Any, Any]],
    examples: Iterable[Iterable[Window]],
    tokens_at_once: int,
) -> dict[str, list[Any]]:
    """By task, the answers of its head to examples, given as their windows; `encode` makes of windows [R, H].

    Examples are read as a stream, and no window is kept: beyond the answers, memory does not grow with their number or
    length.
    """
    answers: dict[str, list[list[Any]]] = {head.task.name: [] for head in heads}

    def numbered() -> Iterator[_Numbered]:
        for number, windows in enumerate(examples):
            for of_examples in answers.values():
                of_examples.append([])  # An example without windows is answered too.
            yield from ((number, window) for window in windows)

    for some in _passes(numbered(), tokens_at_once):
        windows = [window for _, window in some]
        hidden = encode(windows)
        for head in heads:
            found = head.decode_windows(windows, head.logits(hidden).float().cpu().numpy())
            for (number, _), one in zip(some, found, strict=True):
                answers[head.task.name][number].append(one)
    return {head.task.name: [head.merge_windows(parts) for parts in answers[head.task.name]] for head in heads}


def _passes(windows: Iterable[_Numbered], tokens_at_once: int) -> Iterator[list[_Numbered]]:
    """Windows in groups of at most so many tokens; within what is made ahead, sorted by length."""
    for ahead in chunk_by_size(windows, _length, PASSES_AHEAD * tokens_at_once):
        yield from chunk_by_size(sorted(ahead, key=_length), _length, tokens_at_once)


def _length(numbered: _Numbered) -> int:
    return len(numbered[1].input_ids)
