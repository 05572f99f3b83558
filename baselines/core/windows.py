"""From text to windows: what an encoder takes in one sequence, and where in it a head reads.

T sub-words of a window or a text, U units of a text, R places a head reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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

    ids: np.ndarray
    segments: np.ndarray
    places: np.ndarray
    characters: np.ndarray
    targets: np.ndarray


Cut = tuple[Any, list[Window]]
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
    pieces = [_units(text, start, encoding) for start, encoding in tokenizer.pieces(text) if encoding.ids]
    if not pieces:
        return []
    ids, characters, sizes = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    ends = np.cumsum(sizes)
    begins = ends - sizes
    windows = []
    for first, last in _cuts(text, characters, np.append(begins, len(ids)), most - 2, list(whole)):
        low, high = begins[first], ends[last - 1]
        framed = np.concatenate([[tokenizer.first], ids[low:high], [tokenizer.last]])
        places = begins[first:last] - low + 1
        windows.append(Window(framed, np.zeros_like(framed), places, characters[first:last], np.zeros(0)))
    return windows


def _units(text: str, start: int, encoding: Encoding) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a piece of a text the sub-words [T]; of its units the characters [U, 2] and the sub-words of each [U]."""
    trimmed = [_trimmed(text, start + begin, start + end) for begin, end in encoding.offsets]
    offsets, begins = np.array(trimmed, dtype=np.int64), _unit_starts(text, trimmed)
    ends = np.append(begins[1:], len(offsets))
    characters = np.stack([offsets[begins, 0], offsets[ends - 1, 1]], axis=1)
    return np.array(encoding.ids, dtype=np.int64), characters, ends - begins


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Byte-level tokenizers count the space before a word as its own: a mention never begins there."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _unit_starts(text: str, offsets: list[tuple[int, int]]) -> np.ndarray:
    """Which sub-words begin a unit: a run of letters, a run of digits, or a mark by itself."""
    starts: list[int] = []
    for place, (start, end) in enumerate(offsets):
        if place and place - starts[-1] < MOST_PIECES:
            before = offsets[place - 1][1]
            joined = start <= before and (start < before or start == end or _same_run(text[before - 1], text[start]))
            if joined:
                continue
        starts.append(place)
    return np.array(starts, dtype=np.int64)


def _same_run(left: str, right: str) -> bool:
    return (left.isalpha() and right.isalpha()) or (left.isdigit() and right.isdigit())


def _cuts(text: str, characters: np.ndarray, begins: np.ndarray, room: int, whole: list[Span]) -> list[tuple[int, int]]:
    """The unit ranges [first, last) of the windows; `begins` [U + 1] are the sub-words at which units begin."""
    inside = np.zeros(len(text) + 1, dtype=bool)
    for span in whole:
        inside[span.start + 1 : span.end] = True
    ranges, first, units = [], 0, len(characters)
    while first < units:
        last = max(first + 1, int(np.searchsorted(begins, begins[first] + room, side="right")) - 1)
        if last < units:
            middle = first + (last - first + 1) // 2
            last = max(
                range(max(middle, first + 1), last + 1), key=lambda cut: (_ease(text, characters, cut, inside), cut)
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
