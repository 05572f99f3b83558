"""The nested span head: every stretch of units is judged by itself, so that mentions may nest and overlap.

U units (the words and marks a head reads), R of them in a batch, H hidden units, W widths (a stretch of w + 1 units),
D units of the layer between, C classes: 0 is no mention, 1 + i is label i.

A stretch is scored from its two ends and its width, as span-based entity models do (Zhong and Chen, NAACL 2021).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.core.bio_tags import stretch
from tasks.core.examples import Span

WIDTHS = 24
"""No stretch is wider; on QUAERO's training mentions twelve units would do."""

BETWEEN = 128
"""D of the layer between."""

NULL_BIAS = 4.0
"""What "no mention" is ahead by before anything is learnt: of the stretches of a note one in a hundred is a mention."""

OUTSIDE = -1
"""The target of a stretch that would end beyond its window."""


class SpanClassifier:
    """What a span head says stretch by stretch; identical stretches with two labels are the one thing it cannot say."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)

    def layer(self, hidden: int) -> nn.Module:
        """[R, H] -> [R, W * C]."""
        return StretchLayer(hidden, 1 + len(self.labels))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The cross-entropy of stretches, summed over widths, the mean over units: [R, W * C] and [R, W] -> []."""
        rows, wanted = logits.view(targets.numel(), -1), targets.flatten().long()
        return F.cross_entropy(rows, wanted, ignore_index=OUTSIDE, reduction="sum") / len(targets)

    def encode(self, units: np.ndarray, spans: Iterable[Span]) -> np.ndarray:
        """The classes of all stretches of units [U, 2] (start, end in characters) -> [U, W].

        A mention whose ends are not those of units is widened to the units it touches: it still teaches, and scores
        as a miss. One in several stretches is not taught: its parts by themselves are no mentions.
        """
        classes = np.zeros((len(units), WIDTHS), dtype=np.int16)
        classes[np.add.outer(np.arange(len(units)), np.arange(WIDTHS)) >= len(units)] = OUTSIDE
        for span in spans:
            first, last = stretch(units, span)
            if 0 < last - first <= WIDTHS and span.end <= units[last - 1, 1]:
                classes[first, last - first - 1] = 1 + self.labels.index(span.label)
        return classes

    def best(self, logits: np.ndarray, reads: Sequence[int]) -> np.ndarray:
        """The likeliest class of each stretch: of windows end to end, [R, W * C] -> [R, W]."""
        classes: np.ndarray = logits.reshape(len(logits), WIDTHS, 1 + len(self.labels)).argmax(-1)
        left = np.concatenate([np.arange(units, 0, -1) for units in reads]) if reads else np.zeros(0, dtype=np.int64)
        classes[np.arange(WIDTHS) >= left[:, None]] = OUTSIDE
        return classes

    def mentions(self, units: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, list[Span]]:
        """What classes [R, W] say of units [R, 2]: mentions, and the units they begin at, in order."""
        begins, widths = np.nonzero(classes > 0)
        said = classes[begins, widths].tolist()
        rows = zip(units[begins, 0].tolist(), units[begins + widths, 1].tolist(), said, strict=True)
        return begins, [Span(((start, end),), self.labels[label - 1]) for start, end, label in rows]


class StretchLayer(nn.Module):
    """Scores of the stretches that begin at each unit: one layer between, of both ends and the width."""

    def __init__(self, hidden: int, classes: int) -> None:
        super().__init__()
        self.start = nn.Linear(hidden, BETWEEN)
        self.end = nn.Linear(hidden, BETWEEN)
        self.width = nn.Parameter(torch.zeros(WIDTHS, BETWEEN))
        self.out = nn.Linear(BETWEEN, classes)
        self.register_buffer("prior", NULL_BIAS * F.one_hot(torch.tensor(0), classes), persistent=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """[R, H] -> [R, W * C]; a stretch that leaves its window gets a score that means nothing."""
        ends = F.pad(self.end(hidden), (0, 0, 0, WIDTHS - 1)).unfold(0, WIDTHS, 1).transpose(1, 2)
        between = F.relu(self.start(hidden)[:, None] + ends + self.width)
        scores: Tensor = self.out(between) + self.prior
        return scores.flatten(1)
