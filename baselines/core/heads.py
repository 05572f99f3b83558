"""The heads: what each kind of task reads from the encoder. The one place where a kind is dispatched.

R places read, H hidden units, C outputs of a head.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.core.dropout import Dropout, DropoutStream
from baselines.core.settings import Settings
from baselines.core.streams import stream
from baselines.core.stretches import Stretches
from baselines.core.tags import FlatTags
from baselines.core.tokenizer import SubwordTokenizer
from baselines.core.windows import Window, pair_window, text_windows
from tasks.core.examples import Document, Pair, Span
from tasks.core.kinds import PairTask, SimilarityTask, SpanTask, Task

Example = TypeVar("Example")
Answer = TypeVar("Answer")

FIRST_WEIGHTS = 0.02
"""The standard deviation of a head's first weights, as BERT's own."""


class Head(nn.Module, ABC, Generic[Example, Answer]):
    """One layer for a task, with all that is particular to its kind."""

    def __init__(self, task: Task[Any, Any], layer: nn.Module, settings: Settings) -> None:
        super().__init__()
        self.task, self.settings = task, settings
        self.layer = layer

    def begin(self, seed: int, source: DropoutStream) -> Head[Example, Answer]:
        """Set the first weights, which depend on seed and task alone."""
        numbers = stream(seed, self.task.name, "head")
        with torch.no_grad():
            for weights in self.layer.parameters():
                drawn = numbers.normal(0.0, FIRST_WEIGHTS, tuple(weights.shape)) if weights.ndim > 1 else np.zeros(1)
                weights.copy_(torch.from_numpy(drawn))
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
    def windows(self, tokenizer: SubwordTokenizer, example: Example, teach: bool) -> list[Window]:
        """The windows of an example; with `teach` for training, where its gold may steer the cuts."""

    @abstractmethod
    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean loss over the places read: [R, C] and [R, ...] -> []."""

    @abstractmethod
    def answer(self, windows: Sequence[Window], logits: Sequence[np.ndarray]) -> Answer:
        """What the logits of an example's windows say."""

    def perfect(self, windows: Sequence[Window]) -> Answer | None:
        """What the targets of an example's windows say; None where that is gold itself."""
        return None


SCHEMES: MappingProxyType[str, type[FlatTags] | type[Stretches]] = MappingProxyType(
    {"flat": FlatTags, "nested": Stretches}
)
"""How a span head puts mentions, by the name of the setting."""


class SpanHead(Head[Document, frozenset[Span]]):
    """The mentions of a document: what its windows say, together."""

    def __init__(self, task: SpanTask, hidden: int, settings: Settings) -> None:
        self.scheme = SCHEMES[settings.span_head](task.labels)
        super().__init__(task, self.scheme.layer(hidden), settings)

    @property
    def batch(self) -> int:
        return self.settings.span_batch

    def windows(self, tokenizer: SubwordTokenizer, example: Document, teach: bool) -> list[Window]:
        whole = sorted(example.gold) if teach else ()
        cut = text_windows(tokenizer, example.text, self.settings.window, whole)
        gold = sorted(example.gold)
        return [replace(window, targets=self.scheme.encode(window.characters, gold)) for window in cut]

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return self.scheme.loss(logits, targets)

    def answer(self, windows: Sequence[Window], logits: Sequence[np.ndarray]) -> frozenset[Span]:
        return self._spans(windows, [self.scheme.best(rows) for rows in logits])

    def perfect(self, windows: Sequence[Window]) -> frozenset[Span]:
        return self._spans(windows, [window.targets for window in windows])

    def _spans(self, windows: Sequence[Window], said: Sequence[np.ndarray]) -> frozenset[Span]:
        pairs = zip(windows, said, strict=True)
        return frozenset().union(*(self.scheme.decode(window.characters, one) for window, one in pairs))


class PairHead(Head[Pair[str], str]):
    """The class of a pair, from its first token."""

    def __init__(self, task: PairTask, hidden: int, settings: Settings) -> None:
        super().__init__(task, nn.Linear(hidden, len(task.labels)), settings)

    def windows(self, tokenizer: SubwordTokenizer, example: Pair[str], teach: bool) -> list[Window]:
        window = pair_window(tokenizer, example.first, example.second, self.settings.pair_window)
        return [replace(window, targets=np.array([self.task.labels.index(example.gold)], dtype=np.int64))]

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(logits, targets)

    def answer(self, windows: Sequence[Window], logits: Sequence[np.ndarray]) -> str:
        return self.task.labels[int(logits[0][0].argmax())]


class SimilarityHead(Head[Pair[float], float]):
    """The score of a pair, from its first token: squared error on the task's scale brought to 0..1."""

    def __init__(self, task: SimilarityTask, hidden: int, settings: Settings) -> None:
        super().__init__(task, nn.Linear(hidden, 1), settings)
        self.low, self.high = task.scale

    def windows(self, tokenizer: SubwordTokenizer, example: Pair[float], teach: bool) -> list[Window]:
        window = pair_window(tokenizer, example.first, example.second, self.settings.pair_window)
        target = (example.gold - self.low) / (self.high - self.low)
        return [replace(window, targets=np.array([target], dtype=np.float32))]

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return F.mse_loss(logits[:, 0], targets)

    def answer(self, windows: Sequence[Window], logits: Sequence[np.ndarray]) -> float:
        score = self.low + float(logits[0][0, 0]) * (self.high - self.low)
        return min(max(score, self.low), self.high)


HEADS: dict[type, type[Head[Any, Any]]] = {SpanTask: SpanHead, PairTask: PairHead, SimilarityTask: SimilarityHead}


def head_for(task: Task[Any, Any], hidden: int, settings: Settings) -> Head[Any, Any]:
    """A new head of the task's kind."""
    return HEADS[type(task)](task, hidden, settings)  # type: ignore[arg-type]
