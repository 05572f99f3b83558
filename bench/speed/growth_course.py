"""What a process that is measured does: it reads, prepares, trains a while, and tells each stage when it is done."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from baselines.core.baseline import TrainSpec
from baselines.core.settings import Settings
from bench import registry
from bench.runner.corpora import DEMO, Corpora
from bench.runner.device import memory_suffices
from bench.store.growth_record import DEVELOPMENT, LIBRARIES, PREPARING, READING, TRAINING, WARMING, Stage
from bench.store.locks import temporary_folder
from tasks.core.errors import InputError
from tasks.core.kinds import Task

if TYPE_CHECKING:
    from baselines.core.training import Trainer


@dataclass(frozen=True, kw_only=True)
class Given:
    """Examples by task and split that stand in for corpora, and the characters of those to be trained on."""

    examples: dict[tuple[str, str], Sequence[Any]]
    characters: int


@dataclass(frozen=True, kw_only=True)
class Course:
    """A training on the corpora of a folder, or on examples that are given.

    One batch of each task warms it up, `batches` of each are timed; None is the whole training, with checkpoints.
    `cache` is the folder of tokenised corpora; `develop` scores the development splits.
    """

    tasks: tuple[str, ...]
    settings: Settings
    encoder: Path
    device: str
    threads: int
    source: Path | Given
    batches: int | None
    cache: Path
    develop: bool = False


class Tell(Protocol):
    """Hands a stage that is done to the parent."""

    def __call__(self, name: str, task: str, units: int, seconds: float) -> None: ...


def serve(parent: Connection, course: Course) -> None:
    """Carry a course out; the parent gets its stages, the libraries first, and then None, or an error."""
    from baselines.core.resources import begin_peak, peak_bytes

    def tell(name: str, task: str, units: int, seconds: float) -> None:
        peak = None if course.device == "cpu" else peak_bytes(course.device)
        parent.send(Stage(name=name, task=task, units=units, seconds=seconds, peak_bytes=peak))
        if course.device != "cpu":  # The parent watches a processor's memory, and what is kept there stays kept.
            begin_peak(course.device)

    try:
        _import(course, tell)
        with temporary_folder() as folder, memory_suffices():
            _run_and_store(course, folder, tell)
        parent.send(None)
    except (InputError, OSError) as error:
        parent.send(error)


def _import(course: Course, tell: Tell) -> None:
    begun = time.perf_counter()
    import datasets  # noqa: F401 (what every training needs, so that none of it counts as the corpus's)
    import torch

    from baselines.core import training  # noqa: F401

    torch.set_num_threads(course.threads)
    tell(LIBRARIES, "", 1, time.perf_counter() - begun)


def _run_and_store(course: Course, checkpoints: Path, tell: Tell) -> None:
    from baselines.core.model import MultitaskModel
    from baselines.core.training import Trainer, begin

    tasks = tuple(registry.task(name) for name in course.tasks)
    examples, characters = _read(course, tasks, tell)
    updates: list[_Updates] = []
    job = TrainSpec(
        tasks=tasks,
        examples=examples,
        seed=0,
        settings=course.settings,
        encoder=course.encoder,
        device=course.device,
        checkpoints=checkpoints,
        checkpoint_seconds=0.0 if course.batches is None else float("inf"),
        progress=lambda fraction, note: updates[0].moved(),
        windows_file=lambda task, split: course.cache / f"{task.name}-{split}.arrow",
    )
    begin(job)
    model = MultitaskModel(job)
    begun = time.perf_counter()
    trainer = Trainer(job, model)
    tell(PREPARING, "", characters, time.perf_counter() - begun)
    updates.append(_Updates(trainer, course.batches, tell))
    if course.batches != 0:
        updates[0].run()
    if course.develop:
        _develop(trainer, tell)


class _Examples(Protocol):
    def __call__(self, task: Task[Any, Any], split: str) -> Iterable[Any]: ...


def _read(course: Course, tasks: Sequence[Task[Any, Any]], tell: Tell) -> tuple[_Examples, int]:
    """How a job gets its examples, and the characters of its training sets; corpora are digested, as at each start."""
    if isinstance(course.source, Given):
        given = course.source
        return lambda task, split: given.examples[task.name, split], given.characters
    begun, corpora = time.perf_counter(), Corpora(DEMO, course.source, course.cache)
    corpora.require(tasks)
    characters = sum(corpora.corpus_statistics(task).train_characters for task in tasks)
    tell(READING, "", characters, time.perf_counter() - begun)
    return partial(corpora.stream, fraction=course.settings.dev_fraction), characters


class _Enough(Exception):
    """The batches that were asked for are trained."""


class _Updates:
    """Tells each update of a training, and ends it when there were enough."""

    def __init__(self, trainer: Trainer, batches: int | None, tell: Tell) -> None:
        self._trainer, self._batches, self._tell = trainer, batches, tell
        self._seconds, self._tokens = 0.0, dict.fromkeys(trainer.train_windows, 0)

    def run(self) -> None:
        """Train."""
        try:
            self._trainer.run()
        except _Enough:
            return

    def moved(self) -> None:
        """An update is done, or begun on a GPU, which would have its time counted with a later one."""
        self._trainer.synchronize()
        record = self._trainer.progress.stats
        for task, seen in record.task_counts.items():
            if seen.tokens > self._tokens[task]:
                self._tell(
                    self._stage(seen.updates),
                    task,
                    seen.tokens - self._tokens[task],
                    record.train_seconds - self._seconds,
                )
                self._tokens[task], self._seconds = seen.tokens, record.train_seconds
        if self._batches is not None and all(seen.updates > self._batches for seen in record.task_counts.values()):
            raise _Enough

    def _stage(self, updates: int) -> str:
        """The first batch of each task, or of a whole training, is slower: what it needs is made once."""
        warms = self._trainer.progress.updates if self._batches is None else updates
        return WARMING if warms == 1 else TRAINING


def _develop(trainer: Trainer, tell: Tell) -> None:
    """Score the development splits as each round of a training does."""
    for task in trainer.spec.tasks:
        examples = sum(1 for _ in trainer.dev_windows[task.name])
        begun = time.perf_counter()
        trainer.model.score(task, trainer.dev_windows[task.name])
        tell(DEVELOPMENT, task.name, examples, time.perf_counter() - begun)
