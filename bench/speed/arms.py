"""Our arms: one model for all tasks, or one for each; loaded once, then asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from baselines.core.settings import Settings
from bench import registry
from bench.runner import kept_models as models
from bench.runner.context import RunContext
from bench.store import names
from bench.store.inference_record import MULTITASK, SINGLE_TASK
from tasks.core.examples import Document, Pair
from tasks.core.kinds import SpanTask, Task

if TYPE_CHECKING:
    from torch import nn

    from baselines.core.model import MultitaskModel

Example = TypeVar("Example")


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What an arm is loaded from: the folder of kept models of a corpus, or, where it is None, an encoder alone."""

    encoder: Path
    tasks: tuple[str, ...]
    settings: Settings
    device: str
    kept: Path | None

    def folder(self, arm: str, tasks: Sequence[str]) -> Path:
        """Where the kept model of an arm lies."""
        assert self.kept is not None
        return self.kept / arm / names.tasks_label(tasks) / "seed-0"


def setup(where: RunContext, tasks: Sequence[Task[Any, Any]], settings: Settings, device: str) -> Setup:
    """Kept models where both arms have all of them, else models as drawn, with the settings given."""
    assert where.encoder.folder is not None
    every = tuple(task.name for task in tasks)
    comparison = names.comparison_label(where.corpora.name, where.encoder.name, settings.span_head)
    kept = where.results / models.MODELS / comparison
    found = Setup(encoder=where.encoder.folder, tasks=every, settings=settings, device=device, kept=kept)
    folders = [found.folder(MULTITASK, every), *(found.folder(SINGLE_TASK, [name]) for name in every)]
    if all((folder / models.CARD).is_file() for folder in folders):
        return replace(found, settings=models.read_card(folders[0]).settings)
    return replace(found, kept=None)


class Loaded(Protocol):
    """An arm that answers; `modules` are its networks, for counting."""

    modules: Sequence[nn.Module]
    precision: str

    def annotate(self, notes: Sequence[Document]) -> object:
        """The answers of all span tasks to notes."""

    def judge(self, task: str, pairs: Sequence[Pair[Any]]) -> object:
        """The answers of a pair task to pairs."""


class Ours:
    """One model or several, each with some of the tasks; a note passes each model once."""

    def __init__(self, answering: Sequence[tuple[MultitaskModel, Sequence[Task[Any, Any]]]]) -> None:
        self.modules: Sequence[nn.Module] = [model for model, _ in answering]
        self.precision = answering[0][0].precision
        self._spans = [(model, spans) for model, tasks in answering if (spans := _of_spans(tasks))]
        self._by_task = {task.name: (model, task) for model, tasks in answering for task in tasks}

    def annotate(self, notes: Sequence[Document]) -> dict[str, list[Any]]:
        """The answers of all span tasks to notes."""
        return {name: found for model, spans in self._spans for name, found in model.annotate(spans, notes).items()}

    def passes(self, notes: Sequence[Document]) -> Callable[[], None]:
        """The encoder's part of one model's answers alone: notes are cut, and their windows on the device, before."""
        import torch

        from baselines.core.chunks import chunk_by_size
        from baselines.core.inference import TOKENS_AT_ONCE

        model, spans = self._spans[0]
        cuts = (model.head(spans[0].name).cut(model.tokenizer, note, use_gold=False) for note in notes)
        windows = sorted((window for cut in cuts for window in cut), key=lambda window: len(window.input_ids))
        each = chunk_by_size(windows, lambda window: len(window.input_ids), TOKENS_AT_ONCE[model.device])
        batches = [model.pack(some) for some in each]

        def run() -> None:
            with torch.inference_mode(), model.autocast():
                for batch in batches:
                    model.encoder(batch)

        return run

    def judge(self, task: str, pairs: Sequence[Pair[Any]]) -> list[Any]:
        """The answers of a pair task to pairs."""
        model, asked = self._by_task[task]
        return model.predict(asked, pairs)


def _of_spans(tasks: Sequence[Task[Any, Any]]) -> list[Task[Any, Any]]:
    return [task for task in tasks if isinstance(task, SpanTask)]


def load_ours(arm: str, setup: Setup) -> Ours:
    """The models of an arm."""
    tasks = [registry.task(name) for name in setup.tasks]
    groups = [tasks] if arm == MULTITASK else [[task] for task in tasks]
    return Ours([(load_model(arm, setup, group), group) for group in groups])


def load_model(arm: str, setup: Setup, tasks: Sequence[Task[Any, Any]]) -> MultitaskModel:
    """One model of an arm, for these tasks."""
    if setup.kept is None:
        return models.untrained(setup.encoder, tuple(tasks), setup.settings, setup.device)
    whole = [task.name for task in (registry.of_paper() if arm == MULTITASK else tasks)]
    model = models.load(setup.folder(arm, whole), setup.device)
    # A model with fewer heads than it was trained with.
    for name in {*model.heads} - {task.name for task in tasks}:
        model.heads.pop(name)
    return model


def chunks(examples: Sequence[Example], size: int) -> Iterator[Sequence[Example]]:
    """Examples so many at a time."""
    for start in range(0, len(examples), size):
        yield examples[start : start + size]
