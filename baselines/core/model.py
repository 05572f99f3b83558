"""The model of both arms: one encoder and a head for each of its tasks, one or eight.

R read positions, H hidden units, C outputs of a head.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from baselines.core.baseline import TrainSpec
from baselines.core.batches import Batch, pack
from baselines.core.chunks import chunk_by_size
from baselines.core.encoder import SharedEncoder
from baselines.core.fitness import require_fit
from baselines.core.heads import Head, head_for
from baselines.core.inference import TOKENS_AT_ONCE, TOKENS_HELD, answer
from baselines.core.rng import DropoutRng
from baselines.core.tokenizer import SubwordTokenizer
from baselines.core.windows import ExampleWindows, Window
from tasks.core.errors import InputError
from tasks.core.kinds import Task
from tasks.core.metrics.metric import Observed


class MultitaskModel(nn.Module):
    """An encoder shared by the heads of its tasks; with one task it is the single-task model."""

    def __init__(self, spec: TrainSpec) -> None:
        super().__init__()
        assert spec.encoder is not None
        self.device, self.precision = spec.device, precision(spec.settings.precision, spec.device)
        self.dropout = DropoutRng()
        self.tokenizer = SubwordTokenizer(spec.encoder)
        self.encoder = SharedEncoder(spec.encoder, spec.settings.dropout, self.dropout)
        longest = max(spec.settings.max_length, spec.settings.pair_max_length)
        if longest > self.encoder.max_length:
            option = "--max-length" if longest == spec.settings.max_length else "--pair-max-length"
            raise InputError(
                f"windows of {longest} tokens are too long for an encoder that takes {self.encoder.max_length}: "
                f"lower {option}"
            )
        heads = {task.name: head_for(task, self.encoder.hidden_size, spec.settings) for task in spec.tasks}
        self.heads = nn.ModuleDict({name: head.init_weights(spec.seed, self.dropout) for name, head in heads.items()})
        if spec.heads is not None:
            self._load_heads(spec.heads)
        self.to(spec.device)
        require_fit(self.encoder, self.tokenizer, longest, self.autocast())

    def _load_heads(self, file: Path) -> None:
        """Begin from the heads in a file of a kept model that are of the same tasks."""
        stored = load_file(file)
        for name, head in self.heads.items():
            if of_task := {key.removeprefix(f"{name}."): stored[key] for key in stored if key.startswith(f"{name}.")}:
                head.load_state_dict(of_task)

    def forward(self, task: str, batch: Batch) -> Tensor:
        """The logits of a task's head at its read positions, [R, C] in float32."""
        with self.autocast():
            return self.head(task).logits(self.encoder(batch)).float()

    def head(self, task: str) -> Head[Any, Any]:
        """The head of a task."""
        return cast(Head[Any, Any], self.heads[task])

    def autocast(self) -> AbstractContextManager[Any]:
        """The context in which the encoder runs at its precision."""
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.precision == "bfloat16")

    def freeze(self) -> None:
        """Make the model one for answers alone: weights that each pass would cast are kept in its precision.

        The answers stay the same to the bit, and a pass over few tokens is much faster.
        """
        self.eval().requires_grad_(False)
        for module in self.modules():
            cast_to = torch.bfloat16 if self.precision == "bfloat16" and isinstance(module, nn.Linear) else None
            for parameter in module.parameters(recurse=False):
                # A tensor that was read from a file keeps all of that file in memory: a copy does not.
                parameter.data = parameter.data.to(cast_to or parameter.dtype, copy=True)

    def windows(self, task: Task[Any, Any], example: Any, use_gold: bool = False) -> list[Window]:
        """The windows of an example, with targets."""
        return self.head(task.name).windows(self.tokenizer, example, use_gold)

    def cut(self, task: Task[Any, Any], examples: Iterable[Any]) -> Iterator[ExampleWindows]:
        """Examples with the windows in which they are answered, one at a time."""
        return ((example, self.head(task.name).cut(self.tokenizer, example, use_gold=False)) for example in examples)

    def pack(self, windows: Sequence[Window]) -> Batch:
        """Windows as one batch on the model's device."""
        # A CPU's kernels for bfloat16 are each made for one size, in milliseconds; those of float32 take any.
        bucketed = self.encoder.packs and self.device == "cpu" and self.precision == "bfloat16"
        return pack(windows, self.device, self.encoder.first_position, bucketed)

    def predict(self, task: Task[Any, Any], examples: Sequence[Any]) -> list[Any]:
        """The answers of a task's head, one for each example."""
        return self.annotate([task], examples)[task.name]

    def annotate(
        self, tasks: Sequence[Task[Any, Any]], examples: Sequence[Any], tokens_at_once: int | None = None
    ) -> dict[str, list[Any]]:
        """By task, the answers of its head to all examples; the tasks must read the same kind of example.

        Gold is not read.
        """
        heads = [self.head(task.name) for task in tasks]
        kinds = sorted({task.example_type.__name__ for task in tasks})
        if len(kinds) > 1:
            raise ValueError(f"no example is read by heads for {' and '.join(kinds)} together: ask for them apart")
        windows = (windows for _, windows in self.cut(tasks[0], examples))
        with self._answering():
            return answer(self._encode, heads, windows, tokens_at_once or TOKENS_AT_ONCE[self.device])

    def score(self, task: Task[Any, Any], examples: Iterable[ExampleWindows]) -> float:
        """The primary score of a task on examples that have their windows."""
        observed, head = Observed(task.primary), self.head(task.name)
        for some in chunk_by_size(examples, lambda one: sum(len(window.input_ids) for window in one[1]), TOKENS_HELD):
            golds, windows = zip(*some, strict=True)
            with self._answering():
                answers = answer(self._encode, [head], windows, TOKENS_AT_ONCE[self.device])
            observed.add(golds, answers[task.name])
        return float(task.primary.value(observed.rows().sum(axis=0)))

    def _encode(self, windows: Sequence[Window]) -> Tensor:
        hidden: Tensor = self.encoder(self.pack(windows))
        return hidden

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """No dropout, no gradients, and one autocast for all passes, which casts each weight once."""
        training = self.training
        if training:
            self.eval()
        with torch.inference_mode(), self.autocast():
            yield
        if training:
            self.train()


def precision(wanted: str, device: str) -> str:
    """The precision to run at: as asked for, or bfloat16 where the device computes in it."""
    if wanted != "auto":
        return wanted
    if device == "cpu":
        # mkldnn runs bfloat16 on any AVX-512 machine, but without these instructions slower than float32.
        fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    else:
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    return "bfloat16" if fast else "float32"
