"""The flat span head: one layer of BIO tags, as in the papers, decoded by Viterbi under the rule of BIO.

W words of a text, R words of all windows of a batch, H hidden units, C tags: 0 is O, 1 + 2i is B and 2 + 2i is I of
label i. The rule: an I follows the B or an I of its label. Decoding cuts windows into S segments of L words at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from tasks.core.examples import Span

FORBIDDEN = -1e9
"""Added to the score of a tag that breaks the rule."""


class BioTags:
    """Mentions as BIO tags: each word belongs to one mention at most."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)

    def layer(self, hidden_size: int) -> nn.Module:
        """[R, H] -> [R, C]."""
        return nn.Linear(hidden_size, 1 + 2 * len(self.labels))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean cross-entropy of tags: [R, C] and [R] -> []."""
        return F.cross_entropy(logits, targets)

    def encode(self, words: np.ndarray, spans: Iterable[Span]) -> np.ndarray:
        """The tags of words [W, 2] (start, end in characters) -> [W]: of overlapping mentions the longest is tagged, of
        a discontinuous one the first fragment. Flat tags cannot express more."""
        tags = np.zeros(len(words), dtype=np.int64)
        ranges = [(*word_range(words, span), span.label) for span in spans]
        for first, last, label in sorted(ranges, key=lambda found: (found[0] - found[1], found)):
            if first < last and not tags[first:last].any():
                begin = 1 + 2 * self.labels.index(label)
                tags[first], tags[first + 1 : last] = begin, begin + 1
        return tags

    def decode(self, logits: np.ndarray, lengths: Sequence[int]) -> np.ndarray:
        """The likeliest tags that keep the rule, for windows of these lengths end to end: [R, C] -> [R]."""
        starts = np.cumsum([0, *lengths])[:-1]
        return viterbi_decode(logits, starts[np.array(lengths) > 0])

    def mentions(self, words: np.ndarray, tags: np.ndarray) -> tuple[np.ndarray, list[Span]]:
        """The mentions that tags [R] express, and the number of the word where each begins, in order."""
        edges = np.append(np.flatnonzero((tags == 0) | (tags % 2 == 1)), len(tags))
        begins = np.flatnonzero(tags % 2 == 1)
        # Tags keep the rule, so a mention goes on up to the first tag after its B that is no I.
        ends = edges[np.searchsorted(edges, begins, side="right")]
        rows = zip(words[begins, 0].tolist(), words[ends - 1, 1].tolist(), tags[begins].tolist(), strict=True)
        return begins, [Span(((start, end),), self.labels[tag // 2]) for start, end, tag in rows]


def word_range(words: np.ndarray, span: Span) -> tuple[int, int]:
    """The words [first, last) of a mention's first fragment, and of those that follow with no word between, as where a
    line breaks.

    A mention whose ends are not those of words is widened to the words that it touches: it still teaches, and counts
    as a miss.
    """
    first = last = 0
    for number, (start, end) in enumerate(span.fragments):
        begin = int(np.searchsorted(words[:, 1], start, side="right"))
        if number == 0:
            first = begin
        elif begin > last:
            break
        last = int(np.searchsorted(words[:, 0], end, side="left"))
    return first, last


def viterbi_decode(logits: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The likeliest tags [R] that keep the rule, for windows end to end that start at these rows of [R, C].

    Viterbi over all words would be a loop in Python over the longest window. Nearly all words need none: where the
    likeliest tags by themselves keep the rule, they are the likeliest path. So only broken segments are decoded. A
    segment goes from a tag that is no I to the next: any tag may come before a tag that is no I, so what is best for
    each segment is best for all.
    """
    logits = logits.astype(np.float64)
    logits[starts, 2::2] += FORBIDDEN  # Nothing comes before the first word of a window that it could continue.
    tags: np.ndarray = logits.argmax(1)
    inside, before = _is_inside(tags), np.append(0, tags[:-1])
    broken = np.flatnonzero(inside & (before != tags) & (before != tags - 1))
    starts_window, starts_segment = np.zeros(len(tags), dtype=bool), ~inside
    starts_window[starts] = starts_segment[starts] = True
    while len(broken):
        segments = np.flatnonzero(starts_segment)
        which = np.unique(np.searchsorted(segments, broken, side="right")) - 1
        first, last = segments[which], np.append(segments, len(tags))[which + 1]
        paths = _likeliest_paths(_side_by_side(logits, first, last))
        for start, end, path in zip(first.tolist(), last.tolist(), paths.T, strict=True):
            tags[start:end] = path[: end - start]
        # Decoded by itself a segment may want to begin with an I, which binds it to the one before: decode them as one.
        # Each pass joins two segments or more, so the loop ends.
        broken = first[_is_inside(tags[first]) & ~starts_window[first]]
        starts_segment[broken] = False
    return tags


def _is_inside(tags: np.ndarray) -> np.ndarray:
    found: np.ndarray = (tags > 0) & (tags % 2 == 0)
    return found


def _side_by_side(logits: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Segments [first, last) of rows [R, C] as columns, [L, S, C]; a shorter one is filled up with words that are O."""
    rows = first + np.arange((last - first).max())[:, None]
    outside = np.append(0.0, np.full(logits.shape[1] - 1, FORBIDDEN))
    found: np.ndarray = np.where((rows < last)[..., None], logits[np.minimum(rows, len(logits) - 1)], outside)
    return found


def _likeliest_paths(logits: np.ndarray) -> np.ndarray:
    """Viterbi: the likeliest paths [L, S] through [L, S, C] that keep the rule from their second word on."""
    inside_tags = np.arange(2, logits.shape[2], 2)
    back = np.zeros(logits.shape, dtype=np.int64)
    score = logits[0]
    for word in range(1, len(logits)):
        begin, inside = score[:, 1::2], score[:, 2::2]
        # O and every B come from the best tag of all, an I from its own B, one below in number, or from itself.
        back[word] = score.argmax(1)[:, None]
        back[word, :, 2::2] = np.where(begin >= inside, inside_tags - 1, inside_tags)
        arrive = np.repeat(score.max(1, keepdims=True), score.shape[1], axis=1)
        arrive[:, 2::2] = np.maximum(begin, inside)
        score = arrive + logits[word]
    paths = np.zeros(logits.shape[:2], dtype=np.int64)
    paths[-1] = score.argmax(1)
    for word in range(len(logits) - 1, 0, -1):
        paths[word - 1] = back[word, np.arange(logits.shape[1]), paths[word]]
    return paths
