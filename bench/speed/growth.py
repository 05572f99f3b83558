"""How time and memory of a training grow: each size in processes of its own, one after the other."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.core.baseline import TrainSpec
from baselines.core.settings import PAPER, Settings
from bench import registry
from bench.runner.corpora import DEMO, Corpora
from bench.runner.open_corpora import opened
from bench.runner.progress import Progress
from bench.speed.worker import Worker
from bench.speed.workload import Examples, full_batches, long_notes, reads_documents
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
        begun = time.perf_counter()
        import datasets  # noqa: F401 (what every training needs, so that none of it counts as the corpus's)

        from baselines.core import training  # noqa: F401
        from baselines.core.resources import begin_peak, peak_bytes

        def done(work: str, seconds: float, **known: Any) -> None:
            # The parent watches a processor's memory, and what is kept there stays kept.
            peak = None if self.device == "cpu" else peak_bytes(self.device)
            taken = ((seconds,),)
            tell(Timing(arm=record.MULTITASK, work=work, size=self.size, seconds=taken, peak_bytes=peak, **known))
            if self.device != "cpu":
                begin_peak(self.device)

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
    groups: dict[tuple[str, str], list[Timing]] = {}
    with Worker("a training", replace, training) as worker:
        for one, peak in worker.told("run"):
            known = one if one.peak_bytes is not None else replace(one, peak_bytes=peak)
            groups.setdefault((one.work, one.task), []).append(known)
    # The libraries come first, and are the base of all others.
    ((base,), *stages) = groups.values()
    return [replace(total(stage), base_bytes=base.peak_bytes) for stage in stages]


def _changes(against: str, like: StagedTraining, size: int, corpora: Corpora) -> dict[str, Any]:
    """In what a training at a size differs from the others."""
    tasks = [registry.task(name) for name in like.tasks]
    # Training sets are passed as often as makes enough batches, however small they are.
    often = replace(like.settings, epochs=1 + (like.updates or 0))
    if against == record.HEADS:
        return {"tasks": like.tasks[:size], "settings": often}
    if against == record.LENGTH:
        # One training note of so many characters for each task that reads notes.
        tasks = [task for task in tasks if reads_documents(task)]
        source = long_notes(corpora, tasks, size, like.settings.dev_fraction)
        return {"tasks": tuple(task.name for task in tasks), "settings": often, "source": source}
    if against == record.BATCH:
        # One batch of each task; the last task's second comes after the best weights were kept, as epochs end.
        settings = replace(like.settings, schedule="interleaved", epochs=1, epochs_of=((like.tasks[-1], 2),))
        source = full_batches(corpora, tasks, settings, like.encoder)
        return {"settings": settings, "source": source, "updates": None}
    return {"dev": True}


def _at_size(against: str, like: StagedTraining, size: int) -> list[Timing]:
    """A training at a size; of corpora also their writing, and what a second training does before its first update."""
    begun = time.perf_counter()
    with opened(None, size if against == record.CORPUS else 1) as corpora, temporary_folder() as cache:
        seconds = time.perf_counter() - begun
        training = replace(like, cache=cache, **{"source": corpora.folder} | _changes(against, like, size, corpora))
        first = staged(training)
        if against != record.CORPUS:
            return first
        again = staged(replace(training, updates=0, dev=False))
    writing = replace(first[0], work=record.WRITING, seconds=((seconds,),), peak_bytes=None)
    return [writing, *first, replace(total(again), work=record.SECOND, units=first[0].units)]


def measured(speed: Speed, training: StagedTraining, sizes: Sequence[int]) -> Speed:
    """The whole of a planned measurement: such a training at each size."""
    timings = list[Timing]()
    in_turn = replace(training.settings, schedule="round_robin")
    with Progress(len(sizes)) as progress:
        for size in sizes:
            timings += _at_size(speed.subject, replace(training, size=size, settings=in_turn), size)
            progress.finished(1, f"{speed.subject}: {size:,} done")
    return replace(speed, timings=tuple(timings))
