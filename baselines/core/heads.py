"""The heads: what each kind of task reads from the encoder.

R read positions, H hidden units, C outputs of a head.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from pkgutil import resolve_name
from typing import Any, Generic, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.core.bio_tags import BioTags
from baselines.core.rng import Dropout, DropoutRng, rng
from baselines.core.settings import Settings
from baselines.core.span_classifier import SpanClassifier
from baselines.core.tokenizer import SubwordTokenizer
from baselines.core.windows import Window, pair_window, text_windows
from tasks.core.examples import Document, Pair, Span
from tasks.core.kinds import PairTask, SimilarityTask, SpanTask, Task

Example = TypeVar("Example")
Answer = TypeVar("Answer")

INITIALIZER_RANGE = 0.02
"""The standard deviation of a head's first weights, as BERT's own."""


class Head(nn.Module, ABC, Generic[Example, Answer]):
    """One layer for a task, with all that is particular to its kind."""

    def __init__(self, task: Task[Any, Any], layer: nn.Module, settings: Settings) -> None:
        super().__init__()
        self.task, self.settings = task, settings
        self.layer = layer

    def init_weights(self, seed: int, source: DropoutRng) -> Head[Example, Answer]:
        """Draw the first weights, which depend on seed and task alone; biases are 0."""
        numbers = rng(seed, self.task.name, "head")
        with torch.no_grad():
            for weights in self.layer.parameters():
                if weights.ndim > 1:
                    weights.copy_(torch.from_numpy(numbers.normal(0.0, INITIALIZER_RANGE, tuple(weights.shape))))
                else:
                    weights.zero_()
        self.dropout = Dropout(self.settings.dropout, source)
        return self

    def logits(self, hidden: Tensor) -> Tensor:
        """[R, H] -> [R, C]."""
        out: Tensor = self.layer(self.dropout(hidden))
        return out

    @property
    def batch(self) -> int:
        """Windows in a batch of this kind."""
        return self.settings.pair_batch

    @abstractmethod
    def cut(self, tokenizer: SubwordTokenizer, example: Example, use_gold: bool) -> list[Window]:
        """The windows of an example without targets; with `use_gold`, for training, its gold may steer the cuts.

        Without `use_gold` they are the same for all heads whose tasks have the same type of example.
        """

    @abstractmethod
    def targets(self, windows: Sequence[Window], example: Example) -> list[np.ndarray]:
        """The targets of each window of an example, [R, ...]."""

    def windows(self, tokenizer: SubwordTokenizer, example: Example, use_gold: bool) -> list[Window]:
        """The windows of an example, with targets."""
        cut = self.cut(tokenizer, example, use_gold)
        return [replace(window, targets=each) for window, each in zip(cut, self.targets(cut, example), strict=True)]

    @abstractmethod
    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean loss over the read positions: [R, C] and [R, ...] -> []."""

    @abstractmethod
    def decode_windows(self, windows: Sequence[Window], logits: np.ndarray) -> list[Any]:
        """The answer of each window; their read positions lie end to end in the logits [R, C]."""

    @abstractmethod
    def merge_windows(self, answers: Sequence[Any]) -> Answer:
        """The answer of an example, from those of its windows."""

    def oracle(self, windows: Sequence[Window]) -> Answer | None:
        """What the targets of an example's windows say; None where that is gold itself."""
        return None


SCHEMES: Mapping[str, type[BioTags] | type[SpanClassifier]] = {"flat": BioTags, "nested": SpanClassifier}
"""How a span head expresses mentions, by the name of the setting."""


class SpanHead(Head[Document, frozenset[Span]]):
    """The mentions of a document: those of its windows, together."""

    def __init__(self, task: SpanTask, hidden_size: int, settings: Settings) -> None:
        self.scheme = SCHEMES[settings.span_head](task.labels)
        super().__init__(task, self.scheme.layer(hidden_size), settings)

    @property
    def batch(self) -> int:
        return self.settings.span_batch

    def cut(self, tokenizer: SubwordTokenizer, example: Document, use_gold: bool) -> list[Window]:
        return text_windows(tokenizer, example.text, self.settings.max_length, sorted(example.gold) if use_gold else ())

    def targets(self, windows: Sequence[Window], example: Document) -> list[np.ndarray]:
        pairs = zip(windows, _touching(windows, example.gold), strict=True)
        return [self.scheme.encode(window.offset_mapping, spans) for window, spans in pairs]

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return self.scheme.loss(logits, targets)

    def oracle(self, windows: Sequence[Window]) -> frozenset[Span]:
        return self.merge_windows(
            [self.scheme.mentions(window.offset_mapping, window.targets)[1] for window in windows]
        )

    def decode_windows(self, windows: Sequence[Window], logits: np.ndarray) -> list[list[Span]]:
        lengths = [len(window.read_positions) for window in windows]
        words = np.concatenate([window.offset_mapping for window in windows])
        begins, spans = self.scheme.mentions(words, self.scheme.decode(logits, lengths))
        # Mentions come in the order of their words: each window's end where its words do.
        ends = np.searchsorted(begins, np.cumsum(lengths)).tolist()
        return [spans[start:end] for start, end in pairwise([0, *ends])]

    def merge_windows(self, answers: Sequence[list[Span]]) -> frozenset[Span]:
        return frozenset(chain.from_iterable(answers))


def _touching(windows: Sequence[Window], gold: Iterable[Span]) -> Iterator[list[Span]]:
    """For each window of a document, in order, the mentions with a character in it: each is looked at only while it may
    touch a window, so that a note's targets take time in proportion to its length."""
    waiting, held = sorted(gold, reverse=True), list[Span]()
    for window in windows:
        begin, end = int(window.offset_mapping[0, 0]), int(window.offset_mapping[-1, 1])
        while waiting and waiting[-1].start < end:
            held.append(waiting.pop())
        held = [span for span in held if span.end > begin]
        yield held


class _OfPairs(Head[Pair[Any], Answer]):
    """A head that reads a pair from its first token, in one window."""

    def cut(self, tokenizer: SubwordTokenizer, example: Pair[Any], use_gold: bool) -> list[Window]:
        return [pair_window(tokenizer, example.first, example.second, self.settings.pair_max_length)]

    def merge_windows(self, answers: Sequence[Answer]) -> Answer:
        return answers[0]


class PairHead(_OfPairs[str]):
    """The class of a pair."""

    def __init__(self, task: PairTask, hidden_size: int, settings: Settings) -> None:
        super().__init__(task, nn.Linear(hidden_size, len(task.labels)), settings)

    def targets(self, windows: Sequence[Window], example: Pair[str]) -> list[np.ndarray]:
        return [np.array([self.task.labels.index(example.gold)], dtype=np.int64)]

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(logits, targets)

    def decode_windows(self, windows: Sequence[Window], logits: np.ndarray) -> list[str]:
        return [self.task.labels[best] for best in logits.argmax(1).tolist()]


class SimilarityHead(_OfPairs[float]):
    """The score of a pair: squared error on the task's scale brought to 0..1."""

    def __init__(self, task: SimilarityTask, hidden_size: int, settings: Settings) -> None:
        super().__init__(task, nn.Linear(hidden_size, 1), settings)
        self.low, self.high = task.scale

    def targets(self, windows: Sequence[Window], example: Pair[float]) -> list[np.ndarray]:
        return [np.array([(example.gold - self.low) / (self.high - self.low)], dtype=np.float32)]

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return F.mse_loss(logits[:, 0], targets)

    def decode_windows(self, windows: Sequence[Window], logits: np.ndarray) -> list[float]:
        scores = (self.low + score * (self.high - self.low) for score in logits[:, 0].tolist())
        return [min(max(score, self.low), self.high) for score in scores]


def head_for(task: Task[Any, Any], hidden: int, settings: Settings) -> Head[Any, Any]:
    """A new head of the class that the task's kind names."""
    head: Head[Any, Any] = resolve_name(task.head)(task, hidden, settings)
    return head
