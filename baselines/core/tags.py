"""The flat span head: one layer of BIO tags, as in the papers. From mentions to tags and back.

U units (the words and marks a head reads), H hidden units, C tags: 0 is O, 1 + 2i is B and 2 + 2i is I of label i.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from tasks.core.examples import Span

FORBIDDEN = -1e9


class FlatTags:
    """What a span head says in BIO tags: each unit belongs to one mention at most."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)

    def layer(self, hidden: int) -> nn.Module:
        """[R, H] -> [R, C]."""
        return nn.Linear(hidden, 1 + 2 * len(self.labels))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean cross-entropy of tags: [R, C] and [R] -> []."""
        return F.cross_entropy(logits, targets)

    def encode(self, units: np.ndarray, spans: Iterable[Span]) -> np.ndarray:
        """The tags of units [U, 2] (start, end in characters) -> [U]; of overlapping mentions the longest is kept.

        A mention whose ends are not those of units is widened to the units it touches: it still teaches, and scores
        as a miss. Of a mention in several fragments the first is tagged: flat tags have no way to say more.
        """
        tags = np.zeros(len(units), dtype=np.int64)
        stretches = [(*stretch(units, span), span.label) for span in spans]
        for first, last, label in sorted(stretches, key=lambda found: (found[0] - found[1], found)):
            if first < last and not tags[first:last].any():
                begin = 1 + 2 * self.labels.index(label)
                tags[first], tags[first + 1 : last] = begin, begin + 1
        return tags

    def best(self, logits: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The likeliest tags of each window in which every I follows a B or I of its own label, [U, C] -> [U]."""
        return [_path(rows) for rows in logits]

    def decode(self, units: np.ndarray, tags: np.ndarray) -> set[Span]:
        """The mentions that tags [U] say of units [U, 2]."""
        edges = np.append(np.flatnonzero((tags == 0) | (tags % 2 == 1)), len(tags))
        begins = np.flatnonzero(tags % 2 == 1)
        # A mention goes on up to the next edge after its B.
        ends = edges[np.searchsorted(edges, begins, side="right")]
        rows = zip(units[begins, 0].tolist(), units[ends - 1, 1].tolist(), tags[begins].tolist(), strict=True)
        return {Span(((start, end),), self.labels[(tag - 1) // 2]) for start, end, tag in rows}


def stretch(units: np.ndarray, span: Span) -> tuple[int, int]:
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


def _path(logits: np.ndarray) -> np.ndarray:
    """The likeliest tags of one window, [U, C] -> [U]."""
    path: np.ndarray = logits.argmax(-1).astype(np.int16)
    if len(path) == 0 or _allowed(path):
        # Where the likeliest tags taken one by one keep the rule, no path that keeps it is likelier.
        return path
    return _viterbi(logits)


def _allowed(tags: np.ndarray) -> bool:
    """Whether every I follows a B or I of its own label."""
    inside = (tags > 0) & (tags % 2 == 0)
    before = np.concatenate([[0], tags[:-1]])
    return not (inside & (before != tags) & (before != tags - 1)).any()


def _viterbi(logits: np.ndarray) -> np.ndarray:
    """The likeliest of the paths that keep the rule, [U, C] -> [U], with U at least 1."""
    inside = np.arange(2, logits.shape[1], 2)
    score = logits[0].astype(np.float64)
    score[inside] = FORBIDDEN
    back = np.zeros(logits.shape, dtype=np.int16)
    for place in range(1, len(logits)):
        best = int(score.argmax())
        back[place] = best
        arrive = np.full(score.shape, score[best])
        # An I can only come from the B before it in the numbering, or from itself.
        from_begin = score[inside - 1] >= score[inside]
        back[place, inside] = np.where(from_begin, inside - 1, inside)
        arrive[inside] = np.maximum(score[inside - 1], score[inside])
        score = arrive + logits[place]
    path = np.zeros(len(logits), dtype=np.int16)
    path[-1] = score.argmax()
    for place in range(len(logits) - 1, 0, -1):
        path[place - 1] = back[place, path[place]]
    return path
