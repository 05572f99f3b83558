"""The peers' arms of training: the stock Trainer of transformers, as it comes and at its best, on our windows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import count
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Sampler

from baselines.core.encoder import without_attention_dropout
from baselines.core.heads import head_for
from baselines.core.schedules import TaskPlan
from baselines.core.tokenizer import SubwordTokenizer
from baselines.core.windows import Window
from bench.speed.training import Course, Trained
from bench.store.locks import temporary_folder
from tasks.core.errors import InputError
from tasks.core.kinds import SimilarityTask, SpanTask

STOCK: MappingProxyType[str, dict[str, Any]] = MappingProxyType(
    {"Trainer": {}, "Trainer, bf16, by length": {"bf16": True, "train_sampling_strategy": "group_by_length"}}
)
"""Name -> what it is told beyond our rates; by default it is float32, padded to a batch's longest."""

_UNREAD = -100
"""The label of a place that the loss of transformers leaves out."""


def packed(course: Course) -> list[Window]:
    """The windows that our own training makes of the examples."""
    head, tokenizer = head_for(course.task, 1, course.settings), SubwordTokenizer(course.encoder)
    return [window for example in course.examples for window in head.windows(tokenizer, example, use_gold=True)]


def batch_size(course: Course) -> int:
    """Windows in a batch."""
    return head_for(course.task, 1, course.settings).batch


class InOurOrder(Sampler[int]):
    """The windows in the order in which our own training takes them, an epoch each time it is asked."""

    def __init__(self, share: TaskPlan, seed: int) -> None:
        self._share, self._seed, self._epochs = share, seed, count()

    def __len__(self) -> int:
        return self._share.windows

    def __iter__(self) -> Iterator[int]:
        first = next(self._epochs) * self._share.batches_per_epoch
        for number in range(first, first + self._share.batches_per_epoch):
            yield from self._share.indices(self._seed, number).tolist()


def stock(course: Course, windows: Sequence[Window], options: dict[str, Any], seed: int) -> Trained:
    """A training by the stock Trainer, of the same rates as ours; InputError where it is not installed.

    Unless it puts like lengths together, its batches are those of our training under that seed.
    """
    try:
        import accelerate  # noqa: F401 (what it needs, and transformers does not bring)
    except ImportError:
        raise InputError('the stock Trainer needs accelerate: install ".[peers]", or leave out --peers') from None
    from transformers import PrinterCallback, Trainer, TrainingArguments

    # Ours asks for deterministic kernels; the Trainer's default does not.
    torch.use_deterministic_algorithms(False)
    torch.manual_seed(seed)
    with temporary_folder() as folder:
        arguments = TrainingArguments(output_dir=str(folder), seed=seed, **_told(course), **options)
        rows = [_row(course, window) for window in windows]
        trainer = Trainer(model=_model(course), args=arguments, train_dataset=rows, data_collator=_padded)
        if "train_sampling_strategy" not in options:
            share = TaskPlan(course.task.name, len(windows), batch_size(course), course.settings.epochs)
            trainer._get_train_sampler = lambda dataset=None: InOurOrder(share, seed)
        trainer.remove_callback(PrinterCallback)
        begun = time.perf_counter()
        trainer.train()
        seconds, precision = time.perf_counter() - begun, "bfloat16" if arguments.bf16 else "float32"
        return Trained(seconds, precision, lambda: _answers(course, trainer.model))


def _told(course: Course) -> dict[str, Any]:
    """The settings of ours, as TrainingArguments calls them, and no report, checkpoint or log."""
    settings = course.settings
    return {
        "per_device_train_batch_size": batch_size(course),
        "num_train_epochs": settings.epochs,
        "learning_rate": settings.encoder_lr,
        "warmup_steps": settings.warmup,
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        "report_to": "none",
        "save_strategy": "no",
        "logging_strategy": "no",
        "disable_tqdm": True,
        "use_cpu": course.device == "cpu",
    }


def _answers(course: Course, model: Any) -> list[Any]:
    """What its own logits say of the test split, read as our heads read theirs."""
    head, tokenizer = head_for(course.task, 1, course.settings), SubwordTokenizer(course.encoder)
    model.eval()
    answers = []
    for example in course.test:
        windows = head.cut(tokenizer, example, use_gold=False)
        answers.append(
            head.merge_windows([head.decode_windows([one], _logits(course, model, one))[0] for one in windows])
        )
    return answers


@torch.no_grad()
def _logits(course: Course, model: Any, window: Window) -> np.ndarray:
    inputs = {"input_ids": window.input_ids, "token_type_ids": window.token_type_ids}
    moved = {name: torch.from_numpy(row)[None].to(model.device) for name, row in inputs.items()}
    logits: np.ndarray = model(**moved).logits.float().cpu().numpy()
    return logits[0, window.read_positions] if isinstance(course.task, SpanTask) else logits


def _model(course: Course) -> Any:
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoModelForTokenClassification, logging

    logging.set_verbosity_error()
    kind = AutoModelForTokenClassification if isinstance(course.task, SpanTask) else AutoModelForSequenceClassification
    count = 1 + 2 * len(course.task.labels) if isinstance(course.task, SpanTask) else max(1, len(course.task.labels))
    config = AutoConfig.from_pretrained(course.encoder, num_labels=count, local_files_only=True)
    without_attention_dropout(config)
    model: Any = kind.from_pretrained(course.encoder, config=config, local_files_only=True)
    base = getattr(model, model.base_model_prefix)
    if hasattr(getattr(base, "pooler", None), "dense"):
        base.pooler = First()
    return model


class First(nn.Module):
    """In place of a pooler: the first sub-word as it is, which our heads read."""

    def forward(self, hidden: Tensor) -> Tensor:
        """[B, T, H] -> [B, H]."""
        return hidden[:, 0]


def _row(course: Course, window: Window) -> dict[str, Any]:
    row = {"input_ids": window.input_ids.tolist(), "token_type_ids": window.token_type_ids.tolist()}
    if not isinstance(course.task, SpanTask):
        target = window.targets[0]
        return row | {"labels": float(target) if isinstance(course.task, SimilarityTask) else int(target)}
    labels = [_UNREAD] * len(window.input_ids)
    for place, target in zip(window.read_positions, window.targets, strict=True):
        labels[place] = int(target)
    return row | {"labels": labels}


def _padded(rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
    """A batch padded to its longest row, as the collators of transformers do it."""
    longest = max(len(row["input_ids"]) for row in rows)

    def column(name: str, n_pad: int) -> Tensor:
        return torch.tensor([row[name] + [n_pad] * (longest - len(row[name])) for row in rows])

    batch = {"input_ids": column("input_ids", 0), "token_type_ids": column("token_type_ids", 0)}
    lengths = torch.tensor([len(row["input_ids"]) for row in rows])
    batch["attention_mask"] = (torch.arange(longest) < lengths[:, None]).long()
    spans = isinstance(rows[0]["labels"], list)
    batch["labels"] = column("labels", _UNREAD) if spans else torch.tensor([row["labels"] for row in rows])
    return batch
