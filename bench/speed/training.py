"""How fast training goes: ours, and the stock Trainer of transformers on the same windows, taking turns."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from baselines.core.baseline import Job
from baselines.core.settings import Settings
from bench.corpora import Corpora
from bench.place import EncoderFiles
from bench.speed.training_record import OURS, Rate, TrainingSpeed
from tasks.core.kinds import TRAIN, Task


@dataclass(frozen=True, kw_only=True)
class Course:
    """What is trained on: some of a task's training set, passed once."""

    task: Task[Any, Any]
    examples: list[Any]
    encoder: Path
    settings: Settings
    device: str


def course(corpora: Corpora, task: Task[Any, Any], encoder: EncoderFiles, settings: Settings, count: int) -> Course:
    """So many examples of a task, spread over its training set."""
    from bench.device import choose_device

    assert encoder.folder is not None
    found = corpora.examples(task, TRAIN, settings.development)
    return Course(
        task=task,
        examples=found[:: max(1, len(found) // count)][:count],
        encoder=encoder.folder,
        settings=settings,
        device=choose_device("auto"),
    )


def ours(course: Course) -> float:
    """The seconds that our own training takes, development left out."""
    from baselines.core.training import train

    with tempfile.TemporaryDirectory() as folder:
        job = Job(
            tasks=(course.task,),
            examples=lambda task, split: course.examples if split == TRAIN else course.examples[:1],
            seed=0,
            settings=course.settings,
            encoder=course.encoder,
            device=course.device,
            checkpoints=Path(folder),
            checkpoint_seconds=float("inf"),
            progress=lambda fraction, note: None,
        )
        _, record = train(job)
    return record.train_seconds


def measured(place: tuple[Corpora, EncoderFiles], course: Course, rounds: int, peers: bool) -> TrainingSpeed:
    """Every arm once to warm up, then in turn."""
    from bench.device import torch_environment
    from bench.speed.trainer import STOCK, batch_size, packed, stock

    windows = packed(course)
    arms: dict[str, Callable[[], float]] = {OURS: partial(ours, course)}
    if peers:
        arms |= {name: partial(stock, course, windows, options) for name, options in STOCK.items()}
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(1 + rounds):
        for name, run in arms.items():
            seconds[name].append(run())
    corpora, encoder = place
    return TrainingSpeed(
        corpus=corpora.name,
        encoder=encoder.name,
        task=course.task.name,
        windows=len(windows),
        tokens=sum(len(window.ids) for window in windows),
        batch=batch_size(course),
        settings=course.settings,
        rates=tuple(Rate(arm=name, seconds=tuple(times[1:])) for name, times in seconds.items()),
        finished=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        environment=torch_environment(course.device),
    )
