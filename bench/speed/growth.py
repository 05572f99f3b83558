"""How time and memory of a training grow: each size in processes of its own, one after the other."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from baselines.core.baseline import TrainSpec
from baselines.core.settings import PAPER, Settings
from bench import registry
from bench.runner.corpora import DEMO, Corpora, opened
from bench.runner.encoder_files import EncoderFiles
from bench.runner.progress import Progress
from bench.speed.worker import Worker
from bench.speed.workload import Examples, blank, full_batches, long_notes, reads_documents
from bench.store import speed_record as record
from bench.store.locks import temporary_folder
from bench.store.speed_record import Speed, Timing, total
from tasks.core.kinds import Task

if TYPE_CHECKING:
    from baselines.core.training import Trainer

SETTINGS = dict.fromkeys((record.CORPUS, record.HEADS, record.LENGTH), Settings(epochs=1)) | {record.BATCH: PAPER}


class _Enough(Exception):
    """The batches that were asked for are trained."""


@dataclass(frozen=True, kw_only=True)
class StagedTraining:
    """A training on the corpora of a folder, or on examples that are given, which tells its stages as they are done.

    One batch of each task warms it up, as many of each as make `updates` are timed: together as many at every size, so
    that whatever grows with them, as torch's caches of kernels do, is the same. None is the whole training, with
    checkpoints. `cache` is the folder of tokenised corpora; `dev` scores the development splits.
    """

    tasks: tuple[str, ...]
    settings: Settings
    encoder: Path
    device: str
    updates: int | None
    size: int = 0
    source: Path | Examples = Path()
    cache: Path = Path()
    dev: bool = False

    @property
    def batches(self) -> int | None:
        """The batches of each task that are timed."""
        return None if self.updates is None else -(-self.updates // len(self.tasks))

    def run(self, tell: Callable[[Timing], None]) -> None:
        """Train; the first stage that is told is the import of the libraries."""
        from baselines.core.resources import begin_peak, peak_bytes

        def done(work: str, seconds: float, **known: Any) -> None:
            # The parent watches a processor's memory, and what is kept there stays kept.
            peak = None if self.device == "cpu" else peak_bytes(self.device)
            tell(
                Timing(arm=record.MULTITASK, work=work, size=self.size, seconds=((seconds,),), peak_bytes=peak, **known)
            )
            if self.device != "cpu":
                begin_peak(self.device)

        begun = time.perf_counter()
        import datasets  # noqa: F401 (what every training needs, so that none of it counts as the corpus's)

        from baselines.core import training  # noqa: F401

        done("libraries", time.perf_counter() - begun)
        with temporary_folder() as folder:
            self._train(folder, done)

    def _train(self, checkpoints: Path, done: Callable[..., None]) -> None:
        from baselines.core.model import MultitaskModel
        from baselines.core.training import Trainer, begin

        tasks = tuple(registry.task(name) for name in self.tasks)
        examples, characters = self._read(tasks, done)
        spec = TrainSpec(
            tasks=tasks,
            examples=examples,
            seed=0,
            settings=self.settings,
            encoder=self.encoder,
            device=self.device,
            checkpoints=checkpoints,
            checkpoint_seconds=0.0 if self.batches is None else float("inf"),
            progress=lambda fraction, note: moved(),
            windows_file=lambda task, split: self.cache / f"{task.name}-{split}.arrow",
        )
        begin(spec)
        model = MultitaskModel(spec)
        begun = time.perf_counter()
        trainer = Trainer(spec, model)
        done(record.PREPARING, time.perf_counter() - begun, units=characters)
        moved = self._watch(trainer, done)
        if self.batches != 0:
            with suppress(_Enough):
                trainer.run()
        for task in tasks if self.dev else ():
            cuts, begun = trainer.dev_windows[task.name], time.perf_counter()
            model.score(task, cuts)
            done(record.DEVELOPMENT, time.perf_counter() - begun, task=task.name, units=sum(1 for _ in cuts))

    def _watch(self, trainer: Trainer, done: Callable[..., None]) -> Callable[[], None]:
        """What is called after each update: it tells the update, and ends the training when there were enough."""
        seconds, tokens = 0.0, Counter[str]()

        def moved() -> None:
            nonlocal seconds
            # On a GPU an update is only begun, and would have its time counted with a later one.
            trainer.synchronize()
            now, seen = trainer.progress.stats.train_seconds, trainer.progress.stats.task_counts
            for task, counts in seen.items():
                if new := counts.tokens - tokens[task]:
                    # The first batch of each task, or of a whole training, is slower: what it needs is made once.
                    number = trainer.progress.updates if self.batches is None else counts.updates
                    work = record.WARMING if number == 1 else record.TRAINING
                    done(work, now - seconds, task=task, tokens=new)
                    tokens[task], seconds = counts.tokens, now
            if self.batches is not None and all(counts.updates > self.batches for counts in seen.values()):
                raise _Enough

        return moved

    def _read(self, tasks: tuple[Task[Any, Any], ...], done: Callable[..., None]) -> tuple[Callable[..., Any], int]:
        """How a training gets its examples, and the characters of its training sets; corpora are digested first."""
        if not isinstance(self.source, Path):
            given = self.source
            # A size is characters of each task, but where batches are full.
            characters = 1 if self.updates is None else self.size * len(tasks)
            return lambda task, split: given[task.name, split], characters
        begun, corpora = time.perf_counter(), Corpora(DEMO, self.source, self.cache)
        corpora.require(tasks)
        characters = sum(corpora.corpus_statistics(task).train_characters for task in tasks)
        done(record.READING, time.perf_counter() - begun, units=characters)
        return partial(corpora.stream, fraction=self.settings.dev_fraction), characters


def staged(training: StagedTraining) -> list[Timing]:
    """The stages of a training in a process of its own, each task's apart, with the most memory of each."""
    with Worker("a training", replace, training) as worker:
        told = [
            one if one.peak_bytes is not None else replace(one, peak_bytes=peak) for one, peak in worker.told("run")
        ]
    return joined(told)


def joined(told: list[Timing]) -> list[Timing]:
    """One timing for each work and task, in the order in which they came, behind the libraries, which are the base."""
    groups: dict[tuple[str, str], list[Timing]] = {}
    for stage in told[1:]:
        groups.setdefault((stage.work, stage.task), []).append(stage)
    return [replace(total(group), base_bytes=told[0].peak_bytes) for group in groups.values()]


def _corpus(like: StagedTraining, scale: int) -> list[Timing]:
    """Demo corpora of so many times as many notes: read, prepared, trained on and scored, then started again."""
    begun = time.perf_counter()
    with opened(None, scale) as corpora, temporary_folder() as cache:
        seconds = time.perf_counter() - begun
        training = replace(like, source=corpora.folder, cache=cache)
        first = staged(replace(training, dev=True))
        # What goes before the first update where tokenised corpora are kept already.
        again = staged(replace(training, updates=0))
    writing = replace(first[0], work=record.WRITING, seconds=((seconds,),), peak_bytes=None)
    return [writing, *first, replace(total(again), work=record.SECOND, units=first[0].units)]


def _heads(like: StagedTraining, count: int) -> list[Timing]:
    """The first tasks; training sets are passed as often as makes enough batches, however small they are."""
    with opened(None, 1) as corpora, temporary_folder() as cache:
        some = replace(like, tasks=like.tasks[:count], settings=_many_epochs(like))
        return staged(replace(some, source=corpora.folder, cache=cache))


def _length(like: StagedTraining, characters: int) -> list[Timing]:
    """One training note of so many characters for each task that reads notes, passed as often."""
    tasks = tuple(task for task in map(registry.task, like.tasks) if reads_documents(task))
    with opened(None, 1) as corpora, temporary_folder() as cache:
        source = long_notes(corpora, tasks, characters, like.settings.dev_fraction)
        some = replace(like, tasks=tuple(task.name for task in tasks), settings=_many_epochs(like))
        return staged(replace(some, source=source, cache=cache))


def _many_epochs(like: StagedTraining) -> Settings:
    return replace(like.settings, epochs=1 + (like.updates or 0))


def _batch(like: StagedTraining, size: int) -> list[Timing]:
    """One batch of each task, whole: after the best weights were kept, which happens once the last was trained."""
    settings = replace(like.settings, schedule="interleaved", epochs=1, epochs_of=((like.tasks[-1], 2),))
    with opened(None, 1) as corpora, temporary_folder() as cache:
        source = full_batches(corpora, [registry.task(name) for name in like.tasks], settings, like.encoder)
        return staged(replace(like, settings=settings, source=source, cache=cache, updates=None))


_AT_SIZE = MappingProxyType(
    {record.CORPUS: _corpus, record.HEADS: _heads, record.LENGTH: _length, record.BATCH: _batch}
)


def measured(
    against: str, encoder: EncoderFiles, training: StagedTraining, sizes: Sequence[int], command: str
) -> Speed:
    """One whole measurement: such a training at each size."""
    timings = list[Timing]()
    with Progress(len(sizes)) as progress:
        for size in sizes:
            like = replace(training, size=size, settings=replace(training.settings, schedule="round_robin"))
            timings += _AT_SIZE[against](like, size)
            progress.finished(1, f"{against}: {size:,} done")
    return blank(
        ("demo", encoder.name, training.device),
        kind=record.GROWTH,
        subject=against,
        tasks=training.tasks,
        settings=training.settings,
        timings=tuple(timings),
        command=command,
    )
