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
        paths = [rows.argmax(-1).astype(np.int16) for rows in logits]
        # Where the likeliest tags taken one by one keep the rule, no path that keeps it is likelier.
        broken = [place for place, path in enumerate(paths) if not _keeps_rule(path)]
        for place, path in zip(broken, likeliest_paths([logits[place] for place in broken]), strict=True):
            paths[place] = path
        return paths

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


def _keeps_rule(tags: np.ndarray) -> bool:
    """Whether every I follows a B or I of its own label."""
    inside = (tags > 0) & (tags % 2 == 0)
    before = np.concatenate([[0], tags[:-1]])
    return not (inside & (before != tags) & (before != tags - 1)).any()


def likeliest_paths(logits: Sequence[np.ndarray]) -> list[np.ndarray]:
    """For each window, [U, C] with U at least 1, the likeliest of the paths [U] that keep the rule (Viterbi).

    All windows go a step at a time together, the longest first, so that those still going are the first ones.
    """
    if not logits:
        return []
    order = sorted(range(len(logits)), key=lambda window: -len(logits[window]))
    lengths = np.array([len(logits[window]) for window in order])
    going = [int((lengths > place).sum()) for place in range(lengths[0])]
    rows = np.zeros((lengths[0], len(order), logits[0].shape[1]), dtype=np.float32)
    for row, window in enumerate(order):
        rows[: lengths[row], row] = logits[window]
    paths = _backward(*_forward(rows, going), going)
    found = {window: paths[: lengths[row], row] for row, window in enumerate(order)}
    return [found[window] for window in range(len(order))]


def _forward(rows: np.ndarray, going: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Of rows [U, W, C] the scores [W, C] of the best paths to each last tag, and the tag before each [U, W, C]."""
    begin, inside = slice(1, -1, 2), slice(2, None, 2)
    tags = np.arange(2, rows.shape[2], 2)
    score = rows[0].astype(np.float64)
    score[:, inside] = FORBIDDEN
    back = np.zeros(rows.shape, dtype=np.int16)
    for place in range(1, len(rows)):
        now = score[: going[place]]
        back[place, : len(now)] = now.argmax(1)[:, None]
        # An I can only come from the B before it in the numbering, or from itself.
        back[place, : len(now), inside] = np.where(now[:, begin] >= now[:, inside], tags - 1, tags)
        arrive = np.repeat(now.max(1, keepdims=True), now.shape[1], axis=1)
        arrive[:, inside] = np.maximum(now[:, begin], now[:, inside])
        score[: len(now)] = arrive + rows[place, : len(now)]
    return score, back


def _backward(score: np.ndarray, back: np.ndarray, going: Sequence[int]) -> np.ndarray:
    """The best paths [U, W] from their last tags back; what lies behind the end of a window means nothing."""
    paths = np.zeros(back.shape[:2], dtype=np.int16)
    tags = score.argmax(1)
    for place in range(len(back) - 1, -1, -1):
        paths[place] = tags
        live = np.arange(going[place])
        tags[live] = back[place, live, tags[live]]
    return paths
