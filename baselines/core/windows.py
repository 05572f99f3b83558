"""From text to windows: what an encoder takes in one sequence, and where in it a head reads.

T sub-words of a window, U units of a text, R places a head reads.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from tokenizers import Encoding

from baselines.core.tokenizer import SubwordTokenizer
from tasks.core.examples import Span

MOST_PIECES = 32
"""A run of letters or digits is one unit up to so many sub-words."""


@dataclass(frozen=True, slots=True)
class Window:
    """One sequence: sub-word ids [T] and segment ids [T]; the places [R] a head reads; their characters [R, 2];
    and, where gold is known, the targets [R]."""

    input_ids: np.ndarray
    token_type_ids: np.ndarray
    read_positions: np.ndarray
    offset_mapping: np.ndarray
    targets: np.ndarray


ExampleWindows = tuple[Any, list[Window]]
"""An example with its windows."""


def pair_window(tokenizer: SubwordTokenizer, first: str, second: str, most: int) -> Window:
    """A pair of sentences in one window of at most `most` sub-words, read at its first token."""
    encoding = tokenizer.pair(first, second, most)
    ids, segments = np.array(encoding.ids, dtype=np.int64), np.array(encoding.type_ids, dtype=np.int64)
    nothing = np.zeros((1, 2), dtype=np.int64)
    return Window(ids, segments, np.zeros(1, dtype=np.int64), nothing, np.zeros(0))


def text_windows(tokenizer: SubwordTokenizer, text: str, most: int, whole: Iterable[Span] = ()) -> list[Window]:
    """A text in windows of at most `most` sub-words, special ones included, read at the first sub-word of each unit.

    Cut where it hurts least: at blank lines, else at sentence ends, line ends, spaces; never inside a mention of
    `whole` where it can be avoided (mentions are known in training only, so they never steer a test window).
    """
    parts, before = [], 0
    for start, encoding in tokenizer.pieces(text):
        units = _units(text, _offsets(text, start, encoding)) + np.array([before, before, 0, 0])
        parts.append((np.array(encoding.ids, dtype=np.int64), units))
        before += len(encoding)
    if not parts:
        return []
    ids, units = (np.concatenate(part) for part in zip(*parts, strict=True))
    windows = []
    for first, last in _cuts(text, units, most - 2, list(whole)):
        low, high = units[first, 0], units[last - 1, 1]
        framed = np.concatenate([[tokenizer.first], ids[low:high], [tokenizer.last]])
        places = units[first:last, 0] - low + 1
        windows.append(Window(framed, np.zeros_like(framed), places, units[first:last, 2:], np.zeros(0)))
    return windows


def _offsets(text: str, start: int, encoding: Encoding) -> Iterator[tuple[int, int]]:
    """The characters of each sub-word of a piece, without white space at either end: none where it stands on no other.

    Byte-level tokenizers count the space before a word as its own, and have sub-words for white space alone. What a
    normaliser strips of a letter, or composes with it, belongs to it: its combining marks, the parts of its syllable.
    """
    for (begin, end), (limit, _) in pairwise([*encoding.offsets, (len(text) - start, 0)]):
        covered = text[start + begin : start + end]
        begin = start + end - len(covered.lstrip())
        end = begin + len(covered.strip())
        while begin < end < start + limit and unicodedata.category(text[end])[0] in "LM":
            end += 1
        yield begin, end


def _units(text: str, offsets: Iterable[tuple[int, int]]) -> np.ndarray:
    """Runs of letters, runs of digits, and marks by themselves: [U, 4], sub-words and characters [begin, end) of each.

    What stands on white space alone is part of none; no character is part of two.
    """
    units: list[list[int]] = []
    for place, (begin, end) in enumerate(offsets):
        if begin == end:
            continue
        first, _, start, before = units[-1] if units else (0, 0, 0, -1)
        goes_on = begin < before or (begin == before and _same_run(text[start:begin], text[begin]))
        if end <= before or (goes_on and place - first < MOST_PIECES):
            units[-1][1::2] = place + 1, max(before, end)
        else:
            units.append([place, place + 1, end - len(text[max(begin, before) : end].lstrip()), end])
    return np.array(units, dtype=np.int64).reshape(-1, 4)


def _same_run(left: str, right: str) -> bool:
    """Whether a run goes on with a character: a combining mark is of the letter's or digit's kind that it stands on."""
    base = next((char for char in reversed(left) if not _is_mark(char)), "")
    return _is_mark(right) or (base.isalpha() and right.isalpha()) or (base.isdigit() and right.isdigit())


def _is_mark(char: str) -> bool:
    """Whether a character combines with the one before it."""
    return unicodedata.category(char)[0] == "M"


def _cuts(text: str, units: np.ndarray, room: int, whole: list[Span]) -> list[tuple[int, int]]:
    """The unit ranges [first, last) of the windows."""
    inside = np.zeros(len(text) + 1, dtype=bool)
    for span in whole:
        inside[span.start + 1 : span.end] = True
    ranges, first, ends = [], 0, units[:, 1].copy()  # A column that does not lie end to end is copied at every search.
    while first < len(units):
        last = max(first + 1, int(np.searchsorted(ends, units[first, 0] + room, side="right")))
        if last < len(units):
            middle = first + (last - first + 1) // 2
            last = max(
                range(max(middle, first + 1), last + 1), key=lambda cut: (_ease(text, units[:, 2:], cut, inside), cut)
            )
        ranges.append((first, last))
        first = last
    return ranges


def _ease(text: str, characters: np.ndarray, cut: int, inside: np.ndarray) -> int:
    """How well a text bears a cut before unit `cut`: 4 at a blank line, down to 0 within a word, less in a mention."""
    end, start = int(characters[cut - 1, 1]), int(characters[cut, 0])
    gap = text[end:start]
    if gap.count("\n") > 1:
        ease = 4
    elif gap and text[end - 1] in ".!?":
        ease = 3
    elif "\n" in gap:
        ease = 2
    else:
        ease = 1 if gap else 0
    return ease - 5 * bool(inside[start])
