"""The flat span head: one layer of BIO tags, as in the papers. From mentions to tags and back.

U units (the words and marks a head reads), R of them in a batch, W stretches of units, H hidden units, C tags: 0 is O,
1 + 2i is B and 2 + 2i is I of label i.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from tasks.core.examples import Span

FORBIDDEN = -1e9


class BioTags:
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

    def best(self, logits: np.ndarray, reads: Sequence[int]) -> np.ndarray:
        """Of windows end to end the likeliest tags in which every I follows a B or I of its label, [R, C] -> [R]."""
        begins = np.cumsum([0, *reads])[:-1]
        return viterbi_decode(logits, begins[np.array(reads) > 0])

    def mentions(self, units: np.ndarray, tags: np.ndarray) -> tuple[np.ndarray, list[Span]]:
        """What tags [R] that keep the rule say of units [R, 2]: mentions, and the units they begin at, in order."""
        edges = np.append(np.flatnonzero((tags == 0) | (tags % 2 == 1)), len(tags))
        begins = np.flatnonzero(tags % 2 == 1)
        # A mention goes on up to the next edge after its B.
        ends = edges[np.searchsorted(edges, begins, side="right")]
        rows = zip(units[begins, 0].tolist(), units[ends - 1, 1].tolist(), tags[begins].tolist(), strict=True)
        return begins, [Span(((start, end),), self.labels[tag // 2]) for start, end, tag in rows]


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


def viterbi_decode(logits: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """The likeliest of the tags [R] that keep the rule, for windows end to end that begin at these rows of [R, C].

    The likeliest tag of each unit by itself, where these keep the rule. They are mended where they break it, in the
    stretch from the last tag that is no I up to the next: as neither side is bound by the other there, what is best for
    each is best for all, unless the mended stretch would rather begin with an I. Then it is joined to the one before.
    """
    logits = logits.astype(np.float64)
    logits[begins, 2::2] += FORBIDDEN
    tags: np.ndarray = logits.argmax(1)
    inside, before = _inside(tags), np.append(0, tags[:-1])
    broken = np.flatnonzero(inside & (before != tags) & (before != tags - 1))
    begin, free = np.zeros(len(tags), dtype=bool), ~inside
    begin[begins] = free[begins] = True
    while len(broken):
        starts = np.flatnonzero(free)
        which = np.unique(np.searchsorted(starts, broken, side="right")) - 1
        first, last = starts[which], np.append(starts, len(tags))[which + 1]
        paths = _likeliest_paths(_apart(logits, first, last))
        for start, end, path in zip(first.tolist(), last.tolist(), paths.T, strict=True):
            tags[start:end] = path[: end - start]
        broken = first[_inside(tags[first]) & ~begin[first]]
        free[broken] = False
    return tags


def _inside(tags: np.ndarray) -> np.ndarray:
    """Which tags are an I."""
    found: np.ndarray = (tags > 0) & (tags % 2 == 0)
    return found


def _apart(logits: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Stretches [first, last) of rows [R, C] side by side, [U, W, C]; behind its end a stretch goes on with O."""
    places = first + np.arange((last - first).max())[:, None]
    beyond = np.append(0.0, np.full(logits.shape[1] - 1, FORBIDDEN))
    rows: np.ndarray = np.where((places < last)[..., None], logits[np.minimum(places, len(logits) - 1)], beyond)
    return rows


def _likeliest_paths(rows: np.ndarray) -> np.ndarray:
    """The likeliest paths [U, W] through rows [U, W, C] that keep the rule from their second unit on (Viterbi)."""
    tags = np.arange(2, rows.shape[2], 2)
    back = np.zeros(rows.shape, dtype=np.int64)
    score = rows[0]
    for place in range(1, len(rows)):
        begin, inside = score[:, 1::2], score[:, 2::2]
        back[place] = score.argmax(1)[:, None]
        # An I can only come from the B before it in the numbering, or from itself.
        back[place, :, 2::2] = np.where(begin >= inside, tags - 1, tags)
        arrive = np.repeat(score.max(1, keepdims=True), score.shape[1], axis=1)
        arrive[:, 2::2] = np.maximum(begin, inside)
        score = arrive + rows[place]
    paths = np.zeros(rows.shape[:2], dtype=np.int64)
    paths[-1] = score.argmax(1)
    for place in range(len(rows) - 1, 0, -1):
        paths[place - 1] = back[place, np.arange(rows.shape[1]), paths[place]]
    return paths
