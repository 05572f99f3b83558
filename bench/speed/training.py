"""How fast training goes: ours, and the stock Trainer of transformers on the same windows, taking turns."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
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
from tasks.core.kinds import DEV, TEST, TRAIN, Task
from tasks.core.metrics import evidence


@dataclass(frozen=True, kw_only=True)
class Course:
    """What is trained on, some of a task's training set and of its development split, and its whole test split."""

    task: Task[Any, Any]
    examples: list[Any]
    development: list[Any]
    test: list[Any]
    encoder: Path
    settings: Settings
    device: str


@dataclass(frozen=True)
class Trained:
    """What a training took, and the answers of its model to the test split."""

    seconds: float
    answers: Callable[[], list[Any]]


def course(corpora: Corpora, task: Task[Any, Any], encoder: EncoderFiles, settings: Settings, count: int) -> Course:
    """So many examples of a task, spread over its training set, and a tenth as many to choose a round by."""
    from bench.device import choose_device

    assert encoder.folder is not None
    train, development, test = (corpora.examples(task, split, settings.development) for split in (TRAIN, DEV, TEST))
    return Course(
        task=task,
        examples=_spread(train, count),
        development=_spread(development, -(-count // 10)),
        test=test,
        encoder=encoder.folder,
        settings=settings,
        device=choose_device("auto"),
    )


def _spread(examples: Sequence[Any], count: int) -> list[Any]:
    return list(examples[:: max(1, len(examples) // count)][:count])


def ours(course: Course, seed: int) -> Trained:
    """Our own training; its seconds leave the development split out."""
    from baselines.core.training import train

    with tempfile.TemporaryDirectory() as folder:
        job = Job(
            tasks=(course.task,),
            examples=lambda task, split: {TRAIN: course.examples, DEV: course.development}[split],
            seed=seed,
            settings=course.settings,
            encoder=course.encoder,
            device=course.device,
            checkpoints=Path(folder),
            checkpoint_seconds=float("inf"),
            progress=lambda fraction, note: None,
        )
        model, record = train(job)
    return Trained(record.train_seconds, lambda: model.predict(course.task, course.test))


def measured(place: tuple[Corpora, EncoderFiles], course: Course, rounds: int, peers: bool) -> TrainingSpeed:
    """Every arm once to warm up, then in turn; the number of a round is its seed."""
    from bench.device import torch_environment
    from bench.speed.trainer import STOCK, batch_size, packed, stock

    windows = packed(course)
    arms: dict[str, Callable[[int], Trained]] = {OURS: partial(ours, course)}
    if peers:
        arms |= {name: partial(stock, course, windows, options) for name, options in STOCK.items()}
    rates = {name: Rate(arm=name) for name in arms}
    for seed in range(1 + rounds):
        for name, run in arms.items():
            trained = run(seed)
            if seed:
                rates[name] = rates[name].with_round(trained.seconds, _score(course, trained.answers()))
    corpora, encoder = place
    return TrainingSpeed(
        corpus=corpora.name,
        encoder=encoder.name,
        task=course.task.name,
        windows=len(windows),
        tokens=sum(len(window.ids) for window in windows),
        batch=batch_size(course),
        settings=course.settings,
        metric=course.task.primary.title,
        development=len(course.development),
        test=len(course.test),
        rates=tuple(rates.values()),
        finished=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        environment=torch_environment(course.device),
    )


def _score(course: Course, answers: list[Any]) -> float:
    primary = course.task.primary
    return float(primary.value(evidence(primary, course.test, answers).sum(axis=0)))
