"""The head of the further kind: a long document is cut in windows, whose logits are averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.core.heads import Head
from baselines.core.settings import Settings
from baselines.core.tokenizer import SubwordTokenizer
from baselines.core.windows import Window, text_windows
from further_kind import Note, NoteTask


class NoteHead(Head[Note, str]):
    def __init__(self, task: NoteTask, hidden: int, settings: Settings) -> None:
        super().__init__(task, nn.Linear(hidden, len(task.labels)), settings)

    def cut(self, tokenizer: SubwordTokenizer, example: Note, use_gold: bool) -> list[Window]:
        first, nothing = np.zeros(1, dtype=np.int64), np.zeros((1, 2), dtype=np.int64)
        windows = text_windows(tokenizer, example.text, self.settings.max_length)
        return [replace(window, read_positions=first, offset_mapping=nothing) for window in windows]

    def targets(self, windows: Sequence[Window], example: Note) -> list[np.ndarray]:
        return [np.array([self.task.labels.index(example.gold)])] * len(windows)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(logits, targets)

    def decode_windows(self, windows: Sequence[Window], logits: np.ndarray) -> list[np.ndarray]:
        return list(logits)

    def merge_windows(self, answers: Sequence[np.ndarray]) -> str:
        return self.task.labels[int(np.mean(answers, axis=0).argmax())]
