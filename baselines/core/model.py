"""The model of both arms: one encoder and a head for each of its tasks, one or eight.

R places read, C outputs of a head.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, cast

import torch
from torch import Tensor, nn

from baselines.core.baseline import TrainSpec
from baselines.core.batches import Batch, pack
from baselines.core.encoder import SharedEncoder
from baselines.core.fitness import require_fit
from baselines.core.heads import Head, head_for
from baselines.core.inference import annotate, answered
from baselines.core.rng import DropoutRng
from baselines.core.tokenizer import SubwordTokenizer
from baselines.core.windows import ExampleWindows, Window
from tasks.core.errors import InputError
from tasks.core.kinds import Task
from tasks.core.metrics import Observed


class MultitaskModel(nn.Module):
    """An encoder shared by the heads of its tasks; with one task it is the single-task model."""

    def __init__(self, job: TrainSpec) -> None:
        super().__init__()
        assert job.encoder is not None
        self.device, self.precision = job.device, precision(job.settings.precision, job.device)
        self.dropout = DropoutRng()
        self.tokenizer = SubwordTokenizer(job.encoder)
        self.encoder = SharedEncoder(job.encoder, job.settings.dropout, self.dropout)
        longest = max(job.settings.max_length, job.settings.pair_max_length)
        if longest + self.encoder.first_position > self.encoder.longest:
            most = self.encoder.longest - self.encoder.first_position
            option = "--max-length" if longest == job.settings.max_length else "--pair-max-length"
            raise InputError(
                f"windows of {longest} sub-words are too long for an encoder that takes {most}: lower {option}"
            )
        heads = {task.name: head_for(task, self.encoder.hidden, job.settings) for task in job.tasks}
        self.heads = nn.ModuleDict({name: head.begin(job.seed, self.dropout) for name, head in heads.items()})
        self.to(job.device)
        require_fit(self.encoder, self.tokenizer, longest, self.autocast())

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

    def windows(self, task: Task[Any, Any], example: Any, use_gold: bool = False) -> list[Window]:
        """An example as its task's head takes it."""
        return self.head(task.name).windows(self.tokenizer, example, use_gold)

    def freeze(self) -> None:
        """Make the model one for answers alone: weights that each pass would bring to its precision are kept in it.

        The answers stay the same to the bit, and a pass over few sub-words is much faster.
        """
        self.eval().requires_grad_(False)
        for module in self.modules():
            kept = torch.bfloat16 if self.precision == "bfloat16" and isinstance(module, nn.Linear) else None
            for parameter in module.parameters(recurse=False):
                # A tensor that was read from a file keeps all of that file in memory: a copy does not.
                parameter.data = parameter.data.to(kept or parameter.dtype, copy=True)

    def pack(self, windows: Sequence[Window]) -> Batch:
        """Windows as one batch on the model's device."""
        # A processor's kernels for bfloat16 are each made for one size, in milliseconds; those of float32 take any.
        bucketed = self.encoder.packs and self.device == "cpu" and self.precision == "bfloat16"
        return pack(windows, self.device, self.encoder.first_position, bucketed)

    def predict(self, task: Task[Any, Any], examples: Sequence[Any]) -> list[Any]:
        """The answers of a task's head, one for each example."""
        return annotate(self, [task], examples)[task.name]

    def cut(self, task: Task[Any, Any], examples: Iterable[Any]) -> Iterator[ExampleWindows]:
        """Examples with the windows in which they are answered, one at a time."""
        return ((example, self.head(task.name).cut(self.tokenizer, example, use_gold=False)) for example in examples)

    def score(self, task: Task[Any, Any], cuts: Iterable[ExampleWindows]) -> float:
        """The primary score of a task on examples that were cut before."""
        observed = Observed(task.primary)
        for examples, answers in answered(self, task, cuts):
            observed.add(examples, answers)
        return float(task.primary.value(observed.rows().sum(axis=0)))

    def oracle(self, task: Task[Any, Any], examples: Sequence[Any]) -> list[Any] | None:
        """What the head is taught of examples: what windows and head cannot say is missing in it."""
        answers = [self.head(task.name).oracle(self.windows(task, example)) for example in examples]
        return None if None in answers else answers


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
