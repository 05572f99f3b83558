"""The measurement: each size in processes of its own, one after the other."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from baselines.core.settings import PAPER, Settings
from bench.runner.context import EncoderFiles
from bench.runner.corpora import opened
from bench.runner.device import torch_environment
from bench.speed.growth_course import Course, Given
from bench.speed.growth_watch import measured
from bench.speed.growth_workload import full_batches, long_notes
from bench.store.growth_record import (
    BATCH,
    CORPUS,
    HEADS,
    LENGTH,
    PREPARING,
    READING,
    SECOND,
    WRITING,
    Growth,
    Point,
    Stage,
)
from bench.store.locks import temporary_folder
from tasks.core.kinds import SpanTask, Task


@dataclass(frozen=True, kw_only=True)
class Extent:
    """What is measured, and how much of it: `tasks` begin with those of spans."""

    tasks: tuple[Task[Any, Any], ...]
    encoder: EncoderFiles
    device: str
    threads: int
    scales: tuple[int, ...]
    lengths: tuple[int, ...]
    updates: int
    command: str

    def course(self, source: Path | Given, settings: Settings, cache: Path) -> Course:
        """The training of all tasks with as many batches of each, together as many as at any other size.

        So whatever grows with the updates, as torch's caches of kernels do, is the same at every size.
        """
        assert self.encoder.folder is not None
        return Course(
            tasks=tuple(task.name for task in self.tasks),
            settings=replace(settings, schedule="round_robin"),
            encoder=self.encoder.folder,
            device=self.device,
            threads=self.threads,
            source=source,
            cache=cache,
            batches=-(-self.updates // len(self.tasks)),
        )


def growth(against: str, extent: Extent) -> Growth:
    """One whole measurement."""
    import torch

    torch.set_num_threads(extent.threads)
    settings = SETTINGS[against]
    points = []
    for point in _POINTS[against](extent, settings):
        points.append(point)
        sys.stderr.write(f"{against}: {point.size:,} done\n")
    return Growth(
        against=against,
        corpus="demo",
        encoder=extent.encoder.name,
        tasks=tuple(task.name for task in extent.tasks),
        settings=settings,
        updates=extent.updates,
        points=tuple(points),
        command=extent.command,
        finished=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        environment=torch_environment(extent.device),
    )


def _corpus(extent: Extent, settings: Settings) -> Iterator[Point]:
    """Demo corpora of so many times as many notes: read, prepared, trained on and scored, then started again."""
    for scale in extent.scales:
        begun = time.perf_counter()
        with opened(None, scale) as corpora, temporary_folder() as cache:
            seconds = time.perf_counter() - begun
            course = replace(extent.course(corpora.folder, settings, cache), develop=True)
            first = measured(scale, course)
            again = measured(scale, replace(course, batches=0, develop=False))
        read = first.stages[0]
        writing = Stage(name=WRITING, task="", units=read.units, seconds=seconds, peak_bytes=None)
        yield replace(first, stages=(writing, *first.stages, _second_start(again)))


def _second_start(again: Point) -> Stage:
    """What goes before the first update where tokenised corpora are kept already."""
    stages = [stage for stage in again.stages if stage.name in (READING, PREPARING)]
    peaks = [stage.peak_bytes for stage in stages if stage.peak_bytes is not None]
    return replace(
        stages[0], name=SECOND, seconds=sum(stage.seconds for stage in stages), peak_bytes=max(peaks, default=None)
    )


def _often(extent: Extent, settings: Settings) -> Settings:
    """Training sets are passed as often as makes enough batches, however small they are."""
    return replace(settings, epochs=1 + extent.updates)


def _heads(extent: Extent, settings: Settings) -> Iterator[Point]:
    """The first task alone, the first two, and so on."""
    with opened(None, 1) as corpora:
        for count in range(1, len(extent.tasks) + 1):
            some = replace(extent, tasks=extent.tasks[:count])
            with temporary_folder() as cache:
                yield measured(count, some.course(corpora.folder, _often(some, settings), cache))


def _length(extent: Extent, settings: Settings) -> Iterator[Point]:
    """One training note of so many characters for each span task."""
    spans = tuple(task for task in extent.tasks if isinstance(task, SpanTask))
    some = replace(extent, tasks=spans)
    with opened(None, 1) as corpora:
        for characters in extent.lengths:
            source = long_notes(corpora, spans, characters, settings.dev_fraction)
            with temporary_folder() as cache:
                yield measured(characters, some.course(source, _often(some, settings), cache))


def _batch(extent: Extent, settings: Settings) -> Iterator[Point]:
    """One batch of each task, whole: after the best weights were put aside, which happens once the last was trained."""
    last = extent.tasks[-1].name
    with opened(None, 1) as corpora, temporary_folder() as cache:
        assert extent.encoder.folder is not None
        source = full_batches(corpora, extent.tasks, settings, extent.encoder.folder)
        settings = replace(settings, epochs=1, epochs_of=((last, 2),))
        course = extent.course(source, settings, cache)
        yield measured(settings.span_batch, replace(course, settings=settings, batches=None))


_POINTS: MappingProxyType[str, Callable[[Extent, Settings], Iterator[Point]]] = MappingProxyType(
    {CORPUS: _corpus, HEADS: _heads, LENGTH: _length, BATCH: _batch}
)
SETTINGS = dict.fromkeys((CORPUS, HEADS, LENGTH), Settings(epochs=1)) | {BATCH: PAPER}
