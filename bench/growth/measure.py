"""The measurement: each size in processes of its own, one after the other."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from baselines.core.settings import PAPER, Settings
from bench.corpora import Corpora, opened
from bench.device import torch_environment
from bench.growth.course import Course
from bench.growth.record import BATCH, CORPUS, HEADS, LENGTH, PREPARING, READING, SECOND, WRITING, Growth, Point, Stage
from bench.growth.watch import measured
from bench.growth.workload import full_batches, long_notes
from bench.place import EncoderFiles
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
    batches: int
    command: str

    def course(self, source: Any, settings: Settings) -> Course:
        """The training of all tasks with the same number of batches of each."""
        assert self.encoder.folder is not None
        return Course(
            tasks=tuple(task.name for task in self.tasks),
            settings=replace(settings, schedule="round_robin"),
            encoder=self.encoder.folder,
            device=self.device,
            threads=self.threads,
            source=source,
            batches=self.batches,
        )


def growth(against: str, extent: Extent) -> Growth:
    """One whole measurement."""
    import torch

    torch.set_num_threads(extent.threads)
    settings = _SETTINGS[against]
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
        batches=extent.batches,
        points=tuple(points),
        command=extent.command,
        finished=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        environment=torch_environment(extent.device),
    )


def _corpus(extent: Extent, settings: Settings) -> Iterator[Point]:
    """Demo corpora of so many times as many notes: read, prepared, trained on and scored, then started again."""
    for scale in extent.scales:
        begun = time.perf_counter()
        with opened(None, scale) as corpora, tempfile.TemporaryDirectory() as cache:
            seconds = time.perf_counter() - begun
            course = replace(extent.course(corpora.folder, settings), cache=Path(cache), develop=True)
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


def _heads(extent: Extent, settings: Settings) -> Iterator[Point]:
    """The first task alone, the first two, and so on."""
    with opened(None, 1) as corpora:
        for count in range(1, len(extent.tasks) + 1):
            yield measured(count, replace(extent, tasks=extent.tasks[:count]).course(corpora.folder, settings))


def _length(extent: Extent, settings: Settings) -> Iterator[Point]:
    """One training note of so many characters for each span task, passed as often as makes enough batches."""
    spans = tuple(task for task in extent.tasks if isinstance(task, SpanTask))
    with opened(None, 1) as corpora:
        for characters in extent.lengths:
            source = long_notes(corpora, spans, characters, settings.development)
            often = replace(settings, epochs=1 + extent.batches)
            yield measured(characters, replace(extent, tasks=spans).course(source, often))


def _batch(extent: Extent, settings: Settings) -> Iterator[Point]:
    """One batch of each task, whole: after the best weights were put aside, which happens once the last was trained."""
    last = extent.tasks[-1].name
    with opened(None, 1) as corpora:
        assert extent.encoder.folder is not None
        source = full_batches(corpora, extent.tasks, settings, extent.encoder.folder)
        settings = replace(settings, epochs=1, epochs_of=((last, 2),))
        course = extent.course(source, settings)
        yield measured(settings.span_batch, replace(course, settings=settings, batches=None))


_POINTS: MappingProxyType[str, Callable[[Extent, Settings], Iterator[Point]]] = MappingProxyType(
    {CORPUS: _corpus, HEADS: _heads, LENGTH: _length, BATCH: _batch}
)
_SETTINGS = MappingProxyType(dict.fromkeys((CORPUS, HEADS, LENGTH), Settings(epochs=1)) | {BATCH: PAPER})
