"""The nested span head: every span of up to 24 words is classified by itself, so that mentions may nest and overlap.

W words of a text, R words of all windows of a batch, H hidden units, D units of the hidden layer, E ends: a span that
starts at a word may end at that word or one of the E - 1 next ones. C classes: 0 is no mention, 1 + i is label i.

A span is scored from the hidden states of its two ends and its width, as span-based entity models do (Zhong and Chen,
NAACL 2021).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.core.bio_tags import word_range
from tasks.core.examples import Span

WIDTHS = 24
"""E: words of the widest span; twelve are enough for QUAERO's training set."""

MLP_HIDDEN = 128
"""D of the hidden layer."""

NULL_BIAS = 4.0
"""The lead of "no mention" before anything is learnt: of the spans of a note one in a hundred is a mention, and without
it the first steps would go into learning that."""

IGNORE_INDEX = -1
"""The target of a span that would end beyond its window."""


class SpanClassifier:
    """Mentions as classes of spans; all that it cannot express is a second label of the same span."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)

    def layer(self, hidden_size: int) -> nn.Module:
        """[R, H] -> [R, E * C]."""
        return SpanLayer(hidden_size, 1 + len(self.labels))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The cross-entropy of spans, summed over ends, the mean over words: [R, E * C] and [R, E] -> []."""
        # A mean over spans would divide the loss of a word by E, and its gradient beside the rate of a flat head.
        rows, classes = logits.view(targets.numel(), -1), targets.flatten().long()
        return F.cross_entropy(rows, classes, ignore_index=IGNORE_INDEX, reduction="sum") / len(targets)

    def encode(self, words: np.ndarray, spans: Iterable[Span]) -> np.ndarray:
        """The classes of all spans of words [W, 2] (start, end in characters) -> [W, E]: a discontinuous mention is
        none of them, as its fragments by themselves are no mentions."""
        classes = np.zeros((len(words), WIDTHS), dtype=np.int16)
        classes[np.add.outer(np.arange(len(words)), np.arange(WIDTHS)) >= len(words)] = IGNORE_INDEX
        for span in spans:
            first, last = word_range(words, span)
            if 0 < last - first <= WIDTHS and span.end <= words[last - 1, 1]:
                classes[first, last - first - 1] = 1 + self.labels.index(span.label)
        return classes

    def decode(self, logits: np.ndarray, lengths: Sequence[int]) -> np.ndarray:
        """The likeliest class of each span, for windows of these lengths end to end: [R, E * C] -> [R, E]."""
        classes: np.ndarray = logits.reshape(len(logits), WIDTHS, 1 + len(self.labels)).argmax(-1)
        # The words from each one to the end of its window: a wider span would end in the next window.
        left = np.concatenate([np.arange(length, 0, -1) for length in lengths]) if lengths else np.zeros(0, np.int64)
        classes[np.arange(WIDTHS) >= left[:, None]] = IGNORE_INDEX
        return classes

    def mentions(self, words: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, list[Span]]:
        """The mentions that classes [R, E] express, and the number of the word where each begins, in order."""
        begins, widths = np.nonzero(classes > 0)
        found = classes[begins, widths].tolist()
        rows = zip(words[begins, 0].tolist(), words[begins + widths, 1].tolist(), found, strict=True)
        return begins, [Span(((start, end),), self.labels[number - 1]) for start, end, number in rows]


class SpanLayer(nn.Module):
    """The scores of the spans that start at each word: one hidden layer over both ends and the width."""

    def __init__(self, hidden_size: int, classes: int) -> None:
        super().__init__()
        self.start = nn.Linear(hidden_size, MLP_HIDDEN)
        self.end = nn.Linear(hidden_size, MLP_HIDDEN)
        self.width = nn.Parameter(torch.zeros(WIDTHS, MLP_HIDDEN))
        self.out = nn.Linear(MLP_HIDDEN, classes)
        self.register_buffer("null_bias", NULL_BIAS * F.one_hot(torch.tensor(0), classes), persistent=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """[R, H] -> [R, E * C]; the score of a span that leaves its window means nothing."""
        # Start and end are projected once for each word and added for each span: no [R, E, 2 * H] is ever made.
        ends = F.pad(self.end(hidden), (0, 0, 0, WIDTHS - 1)).unfold(0, WIDTHS, 1).transpose(1, 2)  # [R, E, D], a view
        mlp_hidden = F.relu(self.start(hidden)[:, None] + ends + self.width)
        scores: Tensor = self.out(mlp_hidden) + self.null_bias
        return scores.flatten(1)
