"""One flat layer of BIO tags: from mentions to tags and back.

U units (the words and marks a head reads), C tags: 0 is O, 1 + 2i is B and 2 + 2i is I of label i.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tasks.core.examples import Span

FORBIDDEN = -1e9


def tag_count(labels: Sequence[str]) -> int:
    """C for these labels."""
    return 1 + 2 * len(labels)


def encode(units: np.ndarray, spans: Iterable[Span], labels: Sequence[str]) -> np.ndarray:
    """The tags of units [U, 2] (start, end in characters) -> [U]; of overlapping mentions the longest is kept.

    A mention whose ends are not those of units is widened to the units it touches: it still teaches, and scores as
    a miss. Of a mention in several fragments the first is tagged: flat tags have no way to say more.
    """
    tags = np.zeros(len(units), dtype=np.int64)
    stretches = [(*_stretch(units, span), span.label) for span in spans]
    for first, last, label in sorted(stretches, key=lambda stretch: (stretch[0] - stretch[1], stretch)):
        if first < last and not tags[first:last].any():
            begin = 1 + 2 * labels.index(label)
            tags[first], tags[first + 1 : last] = begin, begin + 1
    return tags


def _stretch(units: np.ndarray, span: Span) -> tuple[int, int]:
    """The units [first, last) of a mention's first fragment, and of those that follow with no unit between."""
    first = last = 0
    for place, (start, end) in enumerate(span.fragments):
        begins = int(np.searchsorted(units[:, 1], start, side="right"))
        if place == 0:
            first = begins
        elif begins > last:
            break
        last = int(np.searchsorted(units[:, 0], end, side="left"))
    return first, last


def decode(units: np.ndarray, tags: np.ndarray, labels: Sequence[str]) -> set[Span]:
    """The mentions that tags [U] say of units [U, 2]."""
    spans = set()
    first = None
    for place in range(len(tags) + 1):
        tag = int(tags[place]) if place < len(tags) else 0
        if first is not None and (tag == 0 or tag % 2 == 1):
            label = labels[(int(tags[first]) - 1) // 2]
            spans.add(Span(((int(units[first, 0]), int(units[place - 1, 1])),), label))
            first = None
        if tag % 2 == 1:
            first = place
    return spans


def best_path(logits: np.ndarray) -> np.ndarray:
    """The likeliest tags [U] under logits [U, C] in which every I follows a B or I of its own label (Viterbi)."""
    if not len(logits):
        return np.zeros(0, dtype=np.int64)
    inside = np.arange(2, logits.shape[1], 2)
    score = logits[0].astype(np.float64)
    score[inside] = FORBIDDEN
    back = np.zeros(logits.shape, dtype=np.int64)
    for place in range(1, len(logits)):
        best = int(score.argmax())
        back[place] = best
        arrive = np.full(score.shape, score[best])
        # An I can only come from the B before it in the numbering, or from itself.
        from_begin = score[inside - 1] >= score[inside]
        back[place, inside] = np.where(from_begin, inside - 1, inside)
        arrive[inside] = np.maximum(score[inside - 1], score[inside])
        score = arrive + logits[place]
    path = np.zeros(len(logits), dtype=np.int64)
    path[-1] = score.argmax()
    for place in range(len(logits) - 1, 0, -1):
        path[place - 1] = back[place, path[place]]
    return path
