"""The arms of inference: one model for all tasks, one for each, stock pipelines; loaded once, then asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from baselines.core.chunks import chunk_by_size
from baselines.core.inference import TOKENS_AT_ONCE
from baselines.core.model import MultitaskModel
from baselines.core.resources import begin_peak, peak_bytes
from baselines.core.settings import Settings
from bench import registry
from bench.runner import kept_models as models
from bench.runner.plan import RunContext
from bench.speed.flops import matrix_product
from bench.speed.stock import stock_pipeline
from bench.speed.worker import seconds_of
from bench.speed.workload import Workload, reads_documents
from bench.store import names
from bench.store.model_cards import CARD, MODELS, read_card
from bench.store.speed_record import MULTITASK, PAIRS, PIPELINES, SINGLE_TASK, ArmWeights, Timing
from tasks.core.errors import InputError
from tasks.core.examples import Document, Pair
from tasks.core.kinds import Task


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What an arm is loaded from: the folder of kept models of a corpus, or, where it is None, an encoder alone."""

    encoder: Path
    tasks: tuple[str, ...]
    settings: Settings
    device: str
    kept: Path | None

    def folder(self, arm: str, tasks: Sequence[str]) -> Path:
        """The folder of the kept model of an arm."""
        assert self.kept is not None
        return self.kept / arm / names.tasks_label(tasks) / "seed-0"


def setup(where: RunContext, tasks: Sequence[Task[Any, Any]], settings: Settings, device: str) -> Setup:
    """Kept models where both arms have all of them, else models as drawn, with the settings given."""
    assert where.encoder.folder is not None
    every = tuple(task.name for task in tasks)
    kept = where.results / MODELS
    kept /= names.comparison_label(where.corpora.name, where.encoder.name, settings.span_head)
    found = Setup(encoder=where.encoder.folder, tasks=every, settings=settings, device=device, kept=kept)
    folders = [found.folder(MULTITASK, every), *(found.folder(SINGLE_TASK, [name]) for name in every)]
    if all((folder / CARD).is_file() for folder in folders):
        return replace(found, settings=read_card(folders[0]).settings)
    return replace(found, kept=None)


class Ours:
    """One model or several, each with some of the tasks; a note passes once each model that has tasks for it."""

    def __init__(self, arm: str, setup: Setup) -> None:
        tasks = [registry.task(name) for name in setup.tasks]
        groups = [tasks] if arm == MULTITASK else [[task] for task in tasks]
        answering = [(load_model(arm, setup, group), group) for group in groups]
        self.modules = [model for model, _ in answering]
        self.precision = self.modules[0].precision
        self._of_notes = [(model, group) for model, every in answering if (group := [*filter(reads_documents, every)])]
        self._by_task = {task.name: (model, task) for model, group in answering for task in group}

    def annotate(self, notes: Sequence[Document]) -> dict[str, list[Any]]:
        return {name: found for model, tasks in self._of_notes for name, found in model.annotate(tasks, notes).items()}

    def judge(self, task: str, pairs: Sequence[Pair[Any]]) -> list[Any]:
        model, asked = self._by_task[task]
        return model.predict(asked, pairs)

    def encoder_passes(self, notes: Sequence[Document]) -> Callable[[], None]:
        """The encoder's part of one model's answers alone: notes are cut, and lie on the device, before."""
        model, tasks = self._of_notes[0]
        cuts = (model.head(tasks[0].name).cut(model.tokenizer, note, use_gold=False) for note in notes)
        windows = sorted((window for cut in cuts for window in cut), key=lambda window: len(window.input_ids))
        chunks = chunk_by_size(windows, lambda window: len(window.input_ids), TOKENS_AT_ONCE[model.device])
        batches = [model.pack(chunk) for chunk in chunks]

        def run() -> None:
            with torch.inference_mode(), model.autocast():
                for batch in batches:
                    model.encoder(batch)

        return run


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


class Pipelines:
    """A stock pipeline for each task, on the weights of our single-task models."""

    precision = "float32"

    def __init__(self, setup: Setup) -> None:
        if setup.settings.span_head != "flat":
            raise InputError("a stock pipeline has no nested span head: leave out --peers, or give --span-head flat")
        self._pipes = {
            task.name: stock_pipeline(load_model(SINGLE_TASK, setup, [task]), task, setup.encoder, setup.device)
            for task in map(registry.task, setup.tasks)
        }
        self._of_notes = [name for name in setup.tasks if reads_documents(registry.task(name))]
        self.modules = [pipe.model for pipe in self._pipes.values()]

    def annotate(self, notes: Sequence[Document]) -> dict[str, list[Any]]:
        texts = [note.text for note in notes]
        return {name: self._pipes[name](texts, batch_size=len(texts)) for name in self._of_notes}

    def judge(self, task: str, pairs: Sequence[Pair[Any]]) -> Any:
        inputs = [{"text": pair.first, "text_pair": pair.second} for pair in pairs]
        return self._pipes[task](inputs, batch_size=len(inputs))


class Answering:
    """An arm in its process: it is loaded, answers one note, and then times what it is asked for."""

    def __init__(self, arm: str, setup: Setup, work: Workload) -> None:
        self.arm, self.work, self.device = arm, work, setup.device
        # All that every arm needs is imported here: torch, transformers, our own.
        self.base_bytes = peak_bytes(self.device)
        self.loaded: Ours | Pipelines = Pipelines(setup) if arm == PIPELINES else Ours(arm, setup)
        begin_peak(self.device)
        if work.notes:
            self.loaded.annotate(work.notes[:1])

    def measure(self, number: int, work: str, batch: int) -> list[Timing]:
        """A round: all notes or all pairs, so many at a time."""
        asked: dict[Callable[..., object], Sequence[Any]] = {self.loaded.annotate: self.work.notes}
        if work == PAIRS:
            asked = {partial(self.loaded.judge, task): pairs for task, pairs in self.work.pairs.items()}
        seconds = tuple(
            seconds_of(self.device, call, given[k : k + batch])
            for call, given in asked.items()
            for k in range(0, len(given), batch)
        )
        return [Timing(arm=self.arm, work=work, size=batch, seconds=(seconds,))]

    def encoder_seconds(self) -> tuple[float, ...]:
        """The encoder alone on all notes, if it is ours."""
        if isinstance(self.loaded, Pipelines) or not self.work.notes:
            return ()
        return (seconds_of(self.device, self.loaded.encoder_passes(self.work.notes)),)

    def memory(self) -> dict[str, int | None]:
        """What was held before the models, and the most that was held since they were loaded."""
        return {"base_bytes": self.base_bytes, "peak_bytes": peak_bytes(self.device)}

    def facts(self) -> tuple[ArmWeights, Timing]:
        """The weights of the arm, and what the machine can at its precision."""
        parameters = [parameter for module in self.loaded.modules for parameter in module.parameters()]
        weights = ArmWeights(
            arm=self.arm,
            models=len(self.loaded.modules),
            parameters=sum(parameter.numel() for parameter in parameters),
            weights_bytes=sum(parameter.nbytes for parameter in parameters),
            precision=self.loaded.precision,
        )
        return weights, matrix_product(self.arm, self.device, self.loaded.precision)
