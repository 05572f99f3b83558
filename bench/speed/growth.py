"""How time and memory of a training grow: each size in processes of its own, one after the other."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from baselines.core.baseline import TrainSpec
from baselines.core.settings import PAPER, Settings
from bench import registry
from bench.runner.context import EncoderFiles
from bench.runner.corpora import DEMO, Corpora, opened
from bench.runner.progress import Progress
from bench.speed.worker import Worker
from bench.speed.workload import Examples, blank, full_batches, long_notes, reads_documents
from bench.store import speed_record as record
from bench.store.locks import temporary_folder
from bench.store.speed_record import Speed, Timing, total
from tasks.core.kinds import Task

SETTINGS = dict.fromkeys((record.CORPUS, record.HEADS, record.LENGTH), Settings(epochs=1)) | {record.BATCH: PAPER}


class _Enough(Exception):
    """The batches that were asked for are trained."""


@dataclass(frozen=True, kw_only=True)
class StagedTraining:
    """A training on the corpora of a folder, or on examples that are given, which tells its stages as they are done.

    One batch of each task warms it up, `batches` of each are timed; None is the whole training, with checkpoints.
    `cache` is the folder of tokenised corpora; `dev` scores the development splits.
    """

    size: int
    tasks: tuple[str, ...]
    settings: Settings
    encoder: Path
    device: str
    source: Path | Examples
    batches: int | None
    cache: Path
    dev: bool = False

    def run(self, tell: Callable[[Timing], None]) -> None:
        """Train; the first stage that is told is the import of the libraries."""
        from baselines.core.memory import begin_peak, peak_bytes

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
        seconds, tokens = 0.0, Counter[str]()

        def moved(fraction: float, note: str) -> None:
            """An update is done, or begun on a GPU, which would have its time counted with a later one."""
            nonlocal seconds
            trainer.synchronize()
            now, seen = trainer.progress.record.train_seconds, trainer.progress.record.task_counts
            for task in seen:
                if new := seen[task].tokens - tokens[task]:
                    # The first batch of each task, or of a whole training, is slower: what it needs is made once.
                    number = trainer.progress.updates if self.batches is None else seen[task].updates
                    work = record.WARMING if number == 1 else record.TRAINING
                    done(work, now - seconds, task=task, tokens=new)
                    tokens[task], seconds = seen[task].tokens, now
            if self.batches is not None and all(counts.updates > self.batches for counts in seen.values()):
                raise _Enough

        spec = TrainSpec(
            tasks=tasks,
            examples=examples,
            seed=0,
            settings=self.settings,
            encoder=self.encoder,
            device=self.device,
            checkpoints=checkpoints,
            checkpoint_seconds=0.0 if self.batches is None else float("inf"),
            progress=moved,
            kept=lambda task, split: self.cache / f"{task.name}-{split}.arrow",
        )
        begin(spec)
        model = MultitaskModel(spec)
        begun = time.perf_counter()
        trainer = Trainer(spec, model)
        done(record.PREPARING, time.perf_counter() - begun, units=characters)
        if self.batches != 0:
            with suppress(_Enough):
                trainer.run()
        for task in tasks if self.dev else ():
            cuts, begun = trainer.development[task.name], time.perf_counter()
            model.score(task, cuts)
            done(record.DEVELOPMENT, time.perf_counter() - begun, task=task.name, units=sum(1 for _ in cuts))

    def _read(self, tasks: tuple[Task[Any, Any], ...], done: Callable[..., None]) -> tuple[Callable[..., Any], int]:
        """How a training gets its examples, and the characters of its training sets; corpora are digested first."""
        if not isinstance(self.source, Path):
            given = self.source
            return lambda task, split: given[task.name, split], self.size * len(tasks)
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


@dataclass(frozen=True, kw_only=True)
class Growth:
    """What is trained at each size: `tasks` begin with those that read notes."""

    tasks: tuple[Task[Any, Any], ...]
    encoder: EncoderFiles
    device: str
    scales: tuple[int, ...]
    lengths: tuple[int, ...]
    updates: int

    def measured(self, against: str, command: str) -> Speed:
        """One whole measurement."""
        of_size = {
            record.CORPUS: (self._corpus, self.scales),
            record.HEADS: (self._heads, range(1, len(self.tasks) + 1)),
            record.LENGTH: (self._length, self.lengths),
            record.BATCH: (self._batch, (PAPER.span_batch,)),
        }
        measure, sizes = of_size[against]
        timings, settings = list[Timing](), SETTINGS[against]
        with Progress(len(sizes)) as progress:
            for size in sizes:
                timings += measure(size, settings)
                progress.finished(1, f"{against}: {size:,} done")
        return blank(
            ("demo", self.encoder.name, self.device),
            kind=record.GROWTH,
            subject=against,
            tasks=tuple(task.name for task in self.tasks),
            settings=settings,
            timings=tuple(timings),
            command=command,
        )

    def _training(self, size: int, source: Path | Examples, settings: Settings, cache: Path) -> StagedTraining:
        """A training of all tasks with as many batches of each, together as many as at any other size.

        So whatever grows with the updates, as torch's caches of kernels do, is the same at every size.
        """
        assert self.encoder.folder is not None
        return StagedTraining(
            size=size,
            tasks=tuple(task.name for task in self.tasks),
            settings=replace(settings, schedule="round_robin"),
            encoder=self.encoder.folder,
            device=self.device,
            source=source,
            cache=cache,
            batches=-(-self.updates // len(self.tasks)),
        )

    def _corpus(self, scale: int, settings: Settings) -> list[Timing]:
        """Demo corpora of so many times as many notes: read, prepared, trained on and scored, then started again."""
        begun = time.perf_counter()
        with opened(None, scale) as corpora, temporary_folder() as cache:
            seconds = time.perf_counter() - begun
            training = self._training(scale, corpora.folder, settings, cache)
            first = staged(replace(training, dev=True))
            # What goes before the first update where tokenised corpora are kept already.
            again = staged(replace(training, batches=0))
        writing = replace(first[0], work=record.WRITING, seconds=((seconds,),), peak_bytes=None)
        return [writing, *first, replace(total(again), work=record.SECOND, units=first[0].units)]

    def _heads(self, count: int, settings: Settings) -> list[Timing]:
        """The first tasks; training sets are passed as often as makes enough batches, however small they are."""
        some, settings = replace(self, tasks=self.tasks[:count]), replace(settings, epochs=1 + self.updates)
        with opened(None, 1) as corpora, temporary_folder() as cache:
            return staged(some._training(count, corpora.folder, settings, cache))

    def _length(self, characters: int, settings: Settings) -> list[Timing]:
        """One training note of so many characters for each task that reads notes, passed as often."""
        some = replace(self, tasks=tuple(filter(reads_documents, self.tasks)))
        settings = replace(settings, epochs=1 + self.updates)
        with opened(None, 1) as corpora, temporary_folder() as cache:
            source = long_notes(corpora, some.tasks, characters, settings.dev_fraction)
            return staged(some._training(characters, source, settings, cache))

    def _batch(self, size: int, settings: Settings) -> list[Timing]:
        """One batch of each task, whole: after the best weights were kept, which happens once the last was trained."""
        assert self.encoder.folder is not None
        settings = replace(settings, epochs=1, epochs_of=((self.tasks[-1].name, 2),))
        with opened(None, 1) as corpora, temporary_folder() as cache:
            source = full_batches(corpora, self.tasks, settings, self.encoder.folder)
            training = self._training(size, source, settings, cache)
            return staged(replace(training, settings=settings, batches=None))
