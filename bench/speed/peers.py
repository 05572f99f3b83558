"""The peers' arm: a stock transformers pipeline for each task, on the weights of our single-task models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench import registry
from bench.speed.arms import Setup, load_model
from bench.store.inference_record import SINGLE_TASK
from tasks.core.errors import InputError
from tasks.core.examples import Document, Pair
from tasks.core.kinds import SimilarityTask, SpanTask, Task

if TYPE_CHECKING:
    from torch import nn

    from baselines.core.model import MultitaskModel

OVERLAP = 16
"""Sub-words that two windows of a note too long for the encoder share: `stride` of the stock pipeline."""


class Pipelines:
    """Stock pipelines as their manual has them: float32, padded batches, mentions put together by `simple`."""

    precision = "float32"

    def __init__(self, setup: Setup) -> None:
        if setup.settings.span_head != "flat":
            raise InputError("a stock pipeline has no nested span head: leave out --peers, or give --span-head flat")
        tasks = [registry.task(name) for name in setup.tasks]
        self._pipes = {task.name: _pipeline(load_model(SINGLE_TASK, setup, [task]), task, setup) for task in tasks}
        self._spans = [name for name, pipe in self._pipes.items() if pipe.task == "token-classification"]
        self.modules: Sequence[nn.Module] = [pipe.model for pipe in self._pipes.values()]

    def annotate(self, notes: Sequence[Document]) -> dict[str, list[Any]]:
        """The answers of all span tasks to notes, as the pipelines put them."""
        texts = [note.text for note in notes]
        return {name: self._pipes[name](texts, batch_size=len(texts)) for name in self._spans}

    def judge(self, task: str, pairs: Sequence[Pair[Any]]) -> Any:
        """The answers of a pair task to pairs."""
        inputs = [{"text": pair.first, "text_pair": pair.second} for pair in pairs]
        return self._pipes[task](inputs, batch_size=len(inputs))


def _pipeline(model: MultitaskModel, task: Task[Any, Any], setup: Setup) -> Any:
    from transformers import AutoTokenizer, pipeline

    spans = isinstance(task, SpanTask)
    stock = _stock_model(model, task, setup)
    longest = model.encoder.max_length
    tokenizer = AutoTokenizer.from_pretrained(setup.encoder, local_files_only=True, model_max_length=longest)
    device = 0 if setup.device == "cuda" else -1
    if spans:
        options: dict[str, Any] = {"aggregation_strategy": "simple", "stride": OVERLAP}
        return pipeline("token-classification", model=stock, tokenizer=tokenizer, device=device, **options)
    tokenizer.model_max_length = setup.settings.pair_max_length
    options = {"function_to_apply": "none"} if isinstance(task, SimilarityTask) else {}
    return pipeline("text-classification", model=stock, tokenizer=tokenizer, device=device, truncation=True, **options)


def _stock_model(model: MultitaskModel, task: Task[Any, Any], setup: Setup) -> Any:
    """The stock class with our weights; the pooler that it has for pairs, and we have not, stays as drawn."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoModelForTokenClassification

    spans = isinstance(task, SpanTask)
    kind = AutoModelForTokenClassification if spans else AutoModelForSequenceClassification
    tags = [mark + label for label in task.labels for mark in ("B-", "I-")]
    names = ["O", *tags] if spans else list(task.labels) or ["score"]
    config = AutoConfig.from_pretrained(setup.encoder, local_files_only=True, num_labels=len(names))
    config.id2label = dict(enumerate(names))
    stock: Any = kind.from_config(config, dtype=torch.float32).eval()
    # Our linear weights may be held in bfloat16; loading brings them to the stock model's float32.
    getattr(stock, stock.base_model_prefix).load_state_dict(model.encoder.model.state_dict(), strict=False)
    last = [module for module in stock.modules() if isinstance(module, torch.nn.Linear)][-1]
    last.load_state_dict(model.head(task.name).layer.state_dict())
    return stock
