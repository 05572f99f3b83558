"""From text to windows: what an encoder takes in one sequence, and at which of its tokens a head reads.

T tokens of a window, W words of a text, R read positions. A word is a run of letters, a run of digits or a mark.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from tokenizers import Encoding

from baselines.core.tokenizer import SubwordTokenizer
from tasks.core.examples import Span

MAX_WORD_TOKENS = 32
"""A run of letters or digits is one word up to so many tokens."""


@dataclass(frozen=True, slots=True)
class Window:
    """One sequence of tokens, special ones included, and where a head reads it."""

    input_ids: np.ndarray  # [T]
    token_type_ids: np.ndarray  # [T]
    read_positions: np.ndarray  # [R]: the first token of each word, or that of a pair
    offset_mapping: np.ndarray  # [R, 2]: the characters [start, end) of each word
    targets: np.ndarray  # [R, ...] where gold is known, else empty


ExampleWindows = tuple[Any, list[Window]]
"""An example with its windows."""


def pair_window(tokenizer: SubwordTokenizer, first: str, second: str, max_length: int) -> Window:
    """A pair of sentences in one window, read at its first token."""
    encoding = tokenizer.pair(first, second, max_length)
    ids, types = np.array(encoding.ids, dtype=np.int64), np.array(encoding.type_ids, dtype=np.int64)
    return Window(ids, types, np.zeros(1, dtype=np.int64), np.zeros((1, 2), dtype=np.int64), np.zeros(0))


def text_windows(
    tokenizer: SubwordTokenizer, text: str, max_length: int, mentions: Sequence[Span] = ()
) -> list[Window]:
    """A text in windows of at most `max_length` tokens, read at the first token of each word.

    Cut at blank lines where possible, else at sentence ends, line ends or spaces; inside one of the `mentions` only
    where there is no other way. They are given for training alone: gold must never steer a test window.
    """
    parts, before = [], 0
    for start, encoding in tokenizer.pieces(text):
        words = _words(text, _offsets(text, start, encoding)) + np.array([before, before, 0, 0])
        parts.append((np.array(encoding.ids, dtype=np.int64), words))
        before += len(encoding)
    if not parts:
        return []
    ids, words = (np.concatenate(part) for part in zip(*parts, strict=True))
    windows = []
    for first, last in _cuts(text, words, max_length - 2, mentions):
        low, high = words[first, 0], words[last - 1, 1]
        framed = np.concatenate([[tokenizer.first], ids[low:high], [tokenizer.last]])
        read_positions = words[first:last, 0] - low + 1
        windows.append(Window(framed, np.zeros_like(framed), read_positions, words[first:last, 2:], np.zeros(0)))
    return windows


def _offsets(text: str, start: int, encoding: Encoding) -> Iterator[tuple[int, int]]:
    """The characters of each token of a piece, without white space at either end; an empty range where none is left.

    Byte-level tokenizers count the space before a word as its own, and have tokens for white space alone. Characters
    that a normaliser strips from a letter, or composes with it, belong to it: combining marks, the parts of a syllable.
    """
    for (begin, end), (limit, _) in pairwise([*encoding.offsets, (len(text) - start, 0)]):
        covered = text[start + begin : start + end]
        begin = start + end - len(covered.lstrip())
        end = begin + len(covered.strip())
        while begin < end < start + limit and unicodedata.category(text[end])[0] in "LM":
            end += 1
        yield begin, end


def _words(text: str, offsets: Iterable[tuple[int, int]]) -> np.ndarray:
    """[W, 4]: the tokens [first, last) and the characters [start, end) of each word.

    A token of white space alone is part of none; no character is part of two.
    """
    words: list[list[int]] = []
    for token, (begin, end) in enumerate(offsets):
        if begin == end:
            continue
        first, _, start, before = words[-1] if words else (0, 0, 0, -1)
        # Tokens share characters where a character is several tokens, as of bytes: they are one word.
        goes_on = begin < before or (begin == before and _same_run(text[start:begin], text[begin]))
        if end <= before or (goes_on and token - first < MAX_WORD_TOKENS):
            words[-1][1::2] = token + 1, max(before, end)
        else:
            words.append([token, token + 1, end - len(text[max(begin, before) : end].lstrip()), end])
    return np.array(words, dtype=np.int64).reshape(-1, 4)


def _same_run(left: str, right: str) -> bool:
    """Whether a run goes on with a character; a combining mark counts as the letter or digit that it stands on."""
    base = next((char for char in reversed(left) if not _is_mark(char)), "")
    return _is_mark(right) or (base.isalpha() and right.isalpha()) or (base.isdigit() and right.isdigit())


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"


def _cuts(text: str, words: np.ndarray, room: int, mentions: Sequence[Span]) -> list[tuple[int, int]]:
    """The word ranges [first, last) of the windows: each as long as there is room, less what a better cut costs."""
    inside = np.zeros(len(text) + 1, dtype=bool)
    for span in mentions:
        inside[span.start + 1 : span.end] = True
    ranges, first, ends = [], 0, words[:, 1].copy()  # A strided column would be copied at every search.
    while first < len(words):
        last = max(first + 1, int(np.searchsorted(ends, words[first, 0] + room, side="right")))
        if last < len(words):
            # Of the second half of what fits the best cut; of equal cuts the last.
            earliest = max(first + 1, first + (last - first + 1) // 2)
            last = max(range(earliest, last + 1), key=lambda cut: (_quality(text, words[:, 2:], cut, inside), cut))
        ranges.append((first, last))
        first = last
    return ranges


def _quality(text: str, offsets: np.ndarray, cut: int, inside: np.ndarray) -> int:
    """How good a cut before a word is: 4 at a blank line, down to 0 within a run, below 0 inside a mention."""
    end, start = int(offsets[cut - 1, 1]), int(offsets[cut, 0])
    gap = text[end:start]
    if gap.count("\n") > 1:
        quality = 4
    elif gap and text[end - 1] in ".!?":
        quality = 3
    elif "\n" in gap:
        quality = 2
    else:
        quality = 1 if gap else 0
    return quality - 5 * bool(inside[start])
