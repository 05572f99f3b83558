"""The model of both arms: one encoder and a head for each of its tasks, one or eight.

R places read, C outputs of a head.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from baselines.core.baseline import Job
from baselines.core.dropout import DropoutStream
from baselines.core.encoder import SharedEncoder
from baselines.core.heads import Head, head_for
from baselines.core.packing import Batch, pack
from baselines.core.tokenizer import SubwordTokenizer
from baselines.core.windows import Window
from tasks.core.errors import InputError
from tasks.core.formulas import micro_recall
from tasks.core.kinds import Task
from tasks.core.metrics import evidence

TOKENS_AT_ONCE = 8192
"""Real sub-words in one pass when answering."""


class MultitaskModel(nn.Module):
    """An encoder shared by the heads of its tasks; with one task it is the single-task model."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        assert job.encoder is not None
        self.device, self.precision = job.device, precision(job.settings.precision, job.device)
        self.dropout = DropoutStream()
        self.tokenizer = SubwordTokenizer(job.encoder)
        self.encoder = SharedEncoder(job.encoder, job.settings.dropout, self.dropout)
        longest = max(job.settings.window, job.settings.pair_window)
        if longest + self.encoder.first_position > self.encoder.longest:
            most = self.encoder.longest - self.encoder.first_position
            raise InputError(
                f"windows of {longest} sub-words are too long for an encoder that takes {most}: lower --window"
            )
        heads = {task.name: head_for(task, self.encoder.hidden, job.settings) for task in job.tasks}
        self.heads = nn.ModuleDict({name: head.begin(job.seed, self.dropout) for name, head in heads.items()})
        self.to(job.device)

    def forward(self, task: str, batch: Batch) -> Tensor:
        """The logits of a task's head at the places it reads, [R, C] in float32."""
        with self.autocast():
            return self.head(task).logits(self.encoder(batch)).float()

    def head(self, task: str) -> Head[Any, Any]:
        """The head of a task."""
        return cast(Head[Any, Any], self.heads[task])

    def autocast(self) -> AbstractContextManager[Any]:
        """The context in which the encoder runs at its precision."""
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.precision == "bfloat16")

    def windows(self, task: Task[Any, Any], example: Any, teach: bool = False) -> list[Window]:
        """An example as its task's head takes it."""
        return self.head(task.name).windows(self.tokenizer, example, teach)

    def pack(self, windows: Sequence[Window]) -> Batch:
        """Windows as one batch on the model's device."""
        return pack(windows, self.device, self.encoder.first_position)

    def predict(self, task: Task[Any, Any], examples: Sequence[Any]) -> list[Any]:
        """The answers of a task's head, one for each example."""
        windows = [self.windows(task, example) for example in examples]
        logits = self._logits(task.name, [window for each in windows for window in each])
        head, answers, start = self.head(task.name), [], 0
        for each in windows:
            answers.append(head.answer(each, logits[start : start + len(each)]))
            start += len(each)
        return answers

    def score(self, task: Task[Any, Any], examples: Sequence[Any]) -> float:
        """The primary score of a task on examples."""
        rows = evidence(task.primary, examples, self.predict(task, examples))
        return float(task.primary.value(rows.sum(axis=0)))

    def ceiling(self, task: Task[Any, Any], examples: Sequence[Any]) -> float | None:
        """The primary metric's recall of what the head is taught: what windows and head cannot say is missing."""
        answers = [self.head(task.name).perfect(self.windows(task, example)) for example in examples]
        if None in answers:
            return None
        found = evidence(task.primary, examples, answers).sum(axis=0)
        recall = float(micro_recall(found, task.primary.columns))
        return recall if math.isfinite(recall) else None

    @torch.no_grad()
    def _logits(self, task: str, windows: Sequence[Window]) -> list[np.ndarray]:
        """The logits of each window, [R, C]; like lengths run together."""
        self.eval()
        out: list[np.ndarray] = [np.zeros(0)] * len(windows)
        order = sorted(range(len(windows)), key=lambda place: len(windows[place].ids))
        for chosen in _groups(order, windows):
            batch = self.pack([windows[place] for place in chosen])
            parts = self(task, batch).split(batch.reads)
            for place, part in zip(chosen, parts, strict=True):
                out[place] = part.cpu().numpy()
        self.train()
        return out


def _groups(order: Sequence[int], windows: Sequence[Window]) -> Iterator[list[int]]:
    """Windows in groups of at most TOKENS_AT_ONCE sub-words, at least one in each."""
    group: list[int] = []
    tokens = 0
    for place in order:
        length = len(windows[place].ids)
        if group and tokens + length > TOKENS_AT_ONCE:
            yield group
            group, tokens = [], 0
        group.append(place)
        tokens += length
    if group:
        yield group


def precision(wanted: str, device: str) -> str:
    """The precision to run at: bfloat16 where the processor computes in it, or as asked for."""
    if wanted != "auto":
        return wanted
    if device == "cpu":
        # mkldnn runs bfloat16 on any AVX-512 machine, but without these instructions slower than float32.
        fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    else:
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    return "bfloat16" if fast else "float32"
