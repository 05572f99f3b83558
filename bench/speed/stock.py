"""The peers' arms, with the stock classes of transformers: pipelines that answer, and the Trainer on our windows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Sampler

from baselines.core.encoder import without_attention_dropout
from baselines.core.heads import head_for
from baselines.core.schedules import TaskPlan
from baselines.core.settings import Settings
from baselines.core.tokenizer import SubwordTokenizer
from baselines.core.windows import Window
from bench import registry
from bench.store.locks import temporary_folder
from tasks.core.errors import InputError
from tasks.core.examples import Document
from tasks.core.kinds import Task

if TYPE_CHECKING:
    from baselines.core.model import MultitaskModel

STOCK: MappingProxyType[str, dict[str, Any]] = MappingProxyType(
    {"Trainer": {}, "Trainer, bf16, by length": {"bf16": True, "train_sampling_strategy": "group_by_length"}}
)
"""Name -> what the Trainer is told beyond our rates; by default it is float32, padded to a batch's longest."""

_IGNORE_INDEX = -100
"""The label of a position that the loss of transformers leaves out."""


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """Some of a task's training set to be trained on, and its whole test split to be answered then."""

    task: Task[Any, Any]
    examples: list[Any]
    test: list[Any]
    encoder: Path
    settings: Settings
    device: str

    # To the process of an arm a task travels by its name: its metrics are functions, which cannot be pickled.
    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"task": self.task.name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, task=registry.task(state["task"]))

    @property
    def batch(self) -> int:
        """Windows in a batch."""
        return head_for(self.task, 1, self.settings).batch

    def windows(self) -> list[Window]:
        """The windows that our own training makes of the examples."""
        head, tokenizer = head_for(self.task, 1, self.settings), SubwordTokenizer(self.encoder)
        return [window for example in self.examples for window in head.windows(tokenizer, example, use_gold=True)]


def stock_model(encoder: Path, task: Task[Any, Any]) -> tuple[Any, Any]:
    """The stock class for a task, and its config with BIO tags, classes or one score as labels."""
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoModelForTokenClassification

    of_tokens = task.example_type is Document
    tags = ["O", *(mark + label for label in task.labels for mark in ("B-", "I-"))]
    names = tags if of_tokens else list(task.labels) or ["score"]
    config = AutoConfig.from_pretrained(encoder, num_labels=len(names), local_files_only=True)
    config.id2label = dict(enumerate(names))
    return (AutoModelForTokenClassification if of_tokens else AutoModelForSequenceClassification), config


def stock_pipeline(model: MultitaskModel, task: Task[Any, Any], encoder: Path, device: str) -> Any:
    """A pipeline as the manual has it, with our weights: float32, padded batches, mentions put together by `simple`."""
    from transformers import AutoTokenizer, pipeline

    kind, config = stock_model(encoder, task)
    stock: Any = kind.from_config(config, dtype=torch.float32).eval()
    # Our linear weights may be held in bfloat16; loading brings them to the stock model's float32. The pooler that it
    # has for pairs, and we have not, stays as drawn.
    getattr(stock, stock.base_model_prefix).load_state_dict(model.encoder.model.state_dict(), strict=False)
    last = [module for module in stock.modules() if isinstance(module, nn.Linear)][-1]
    last.load_state_dict(model.head(task.name).layer.state_dict())
    longest = model.encoder.max_length
    if task.example_type is Document:
        # Two windows of a note too long for the encoder share `stride` tokens.
        name, options = "token-classification", {"aggregation_strategy": "simple", "stride": 16}
    else:
        name, longest = "text-classification", model.head(task.name).settings.pair_max_length
        options = {"truncation": True} | ({"function_to_apply": "none"} if task.answer_json is float else {})
    tokenizer = AutoTokenizer.from_pretrained(encoder, local_files_only=True, model_max_length=longest)
    return pipeline(name, model=stock, tokenizer=tokenizer, device=0 if device == "cuda" else -1, **options)


class InOurOrder(Sampler[int]):
    """The windows in the order in which our own training takes them, an epoch each time it is asked."""

    def __init__(self, plan: TaskPlan, seed: int) -> None:
        self._plan, self._seed, self._epochs = plan, seed, count()

    def __len__(self) -> int:
        return self._plan.windows

    def __iter__(self) -> Iterator[int]:
        first = next(self._epochs) * self._plan.batches_per_epoch
        for number in range(first, first + self._plan.batches_per_epoch):
            yield from self._plan.indices(self._seed, number).tolist()


def train_stock(given: TrainingSet, name: str, seed: int) -> tuple[float, str, list[Any]]:
    """Train by the stock Trainer at our rates: its seconds, its precision and its answers to the test split.

    Unless it puts like lengths together, its batches are those of our training under that seed. InputError where it is
    not installed.
    """
    try:
        import accelerate  # noqa: F401 (what it needs, and transformers does not bring)
    except ImportError:
        raise InputError('the stock Trainer needs accelerate: install ".[peers]", or leave out --peers') from None
    from transformers import PrinterCallback, Trainer, TrainingArguments

    # Ours asks for deterministic kernels; the Trainer's default does not.
    torch.use_deterministic_algorithms(False)
    torch.manual_seed(seed)
    windows = given.windows()
    with temporary_folder() as folder:
        arguments = TrainingArguments(output_dir=str(folder), seed=seed, **_arguments(given), **STOCK[name])
        rows = [_row(given.task, window) for window in windows]
        trainer = Trainer(model=training_model(given), args=arguments, train_dataset=rows, data_collator=padded)
        if "train_sampling_strategy" not in STOCK[name]:
            plan = TaskPlan(given.task.name, len(windows), given.batch, given.settings.epochs)
            trainer._get_train_sampler = lambda dataset=None: InOurOrder(plan, seed)
        trainer.remove_callback(PrinterCallback)
        begun = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - begun
    return seconds, "bfloat16" if arguments.bf16 else "float32", answers_to_test(given, trainer.model)


def _arguments(given: TrainingSet) -> dict[str, Any]:
    """The settings of ours, as TrainingArguments calls them, and no report, checkpoint or log."""
    settings = given.settings
    return {
        "per_device_train_batch_size": given.batch,
        "num_train_epochs": settings.epochs,
        "learning_rate": settings.encoder_lr,
        "warmup_steps": settings.warmup,
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        "report_to": "none",
        "save_strategy": "no",
        "logging_strategy": "no",
        "disable_tqdm": True,
        "use_cpu": given.device == "cpu",
    }


def training_model(given: TrainingSet) -> Any:
    """The model that ours is: no dropout inside attention, no pooler."""
    from transformers import logging

    logging.set_verbosity_error()
    kind, config = stock_model(given.encoder, given.task)
    without_attention_dropout(config)
    model: Any = kind.from_pretrained(given.encoder, config=config, local_files_only=True)
    base = getattr(model, model.base_model_prefix)
    if hasattr(getattr(base, "pooler", None), "dense"):
        base.pooler = FirstToken()
    return model


class FirstToken(nn.Module):
    """In place of a pooler: the first token as it is, which our heads read."""

    def forward(self, hidden: Tensor) -> Tensor:
        """[B, T, H] -> [B, H]."""
        return hidden[:, 0]


def answers_to_test(given: TrainingSet, model: Any) -> list[Any]:
    """What a stock model's own logits say of the test split, read as our heads read theirs."""
    head, tokenizer = head_for(given.task, 1, given.settings), SubwordTokenizer(given.encoder)
    model.eval()

    def answer(example: Any) -> Any:
        windows = head.cut(tokenizer, example, use_gold=False)
        return head.merge_windows(
            [*chain(*(head.decode_windows([one], logits_of(given.task, model, one)) for one in windows))]
        )

    return [answer(example) for example in given.test]


@torch.no_grad()
def logits_of(task: Task[Any, Any], model: Any, window: Window) -> np.ndarray:
    """The logits of a stock model at the positions of a window that a head reads, [R, C]."""
    names = ("input_ids", "token_type_ids")
    inputs = {name: torch.from_numpy(getattr(window, name))[None].to(model.device) for name in names}
    logits: np.ndarray = model(**inputs).logits.float().cpu().numpy()
    return logits[0, window.read_positions] if task.example_type is Document else logits


def _row(task: Task[Any, Any], window: Window) -> dict[str, Any]:
    row = {"input_ids": window.input_ids.tolist(), "token_type_ids": window.token_type_ids.tolist()}
    if task.example_type is not Document:
        return row | {"labels": window.targets[0].item()}
    labels = np.full(len(window.input_ids), _IGNORE_INDEX)
    labels[window.read_positions] = window.targets
    return row | {"labels": labels.tolist()}


def padded(rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
    """A batch padded to its longest row, as the collators of transformers do it."""
    columns = {name: [torch.tensor(row[name]) for row in rows] for name in rows[0]}
    masks, labels = [torch.ones_like(ids) for ids in columns["input_ids"]], columns.pop("labels")
    batch = {name: pad_sequence(column, batch_first=True) for name, column in columns.items()}
    batch["attention_mask"] = pad_sequence(masks, batch_first=True)
    of_tokens = labels[0].ndim == 1
    batch["labels"] = pad_sequence(labels, True, _IGNORE_INDEX) if of_tokens else torch.stack(labels)
    return batch
