"""How fast training goes: ours, and the stock Trainer of transformers on the same windows, taking turns."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

from baselines.core.baseline import TrainSpec
from baselines.core.settings import Settings
from bench.runner.code import digest
from bench.runner.context import EncoderFiles
from bench.runner.corpora import Corpora
from bench.speed.worker import own_packages_found
from bench.store.locks import temporary_folder
from bench.store.training_record import NOT_DETERMINISTIC, OURS, Rate, TrainingSpeed
from tasks.core.kinds import TEST, TRAIN, Task
from tasks.core.metrics.metric import evidence


@dataclass(frozen=True, kw_only=True)
class Course:
    """What is trained on, some of a task's training set, and its whole test split."""

    task: Task[Any, Any]
    examples: list[Any]
    test: list[Any]
    encoder: Path
    settings: Settings
    device: str
    deterministic: bool = True


_Found = tuple[float, float, float]
"""The seconds of a training, the score of what it gave, and the rate of matrix products beside it."""


@dataclass(frozen=True)
class Trained:
    """What a training took, at which precision, and the answers of its model to the test split."""

    seconds: float
    precision: str
    answers: Callable[[], list[Any]]


Arms = dict[str, Callable[[int], Trained]]
"""By name, the training of an arm under a seed."""


def course(
    place: tuple[Corpora, EncoderFiles], task: Task[Any, Any], settings: Settings, count: int, device: str
) -> Course:
    """So many examples of a task, spread over its training set."""
    corpora, encoder = place
    assert encoder.folder is not None
    train, test = (corpora.examples(task, split, settings.dev_fraction) for split in (TRAIN, TEST))
    return Course(
        task=task,
        examples=train[:: max(1, len(train) // count)][:count],
        test=test,
        encoder=encoder.folder,
        settings=settings,
        device=device,
    )


def ours(course: Course, seed: int) -> Trained:
    """Our own training, without a development split: its last weights are chosen, as are the Trainer's."""
    from baselines.core.training import train

    with temporary_folder() as folder:
        job = TrainSpec(
            tasks=(course.task,),
            examples=lambda task, split: course.examples if split == TRAIN else [],
            seed=seed,
            settings=course.settings,
            encoder=course.encoder,
            device=course.device,
            checkpoints=folder,
            checkpoint_seconds=float("inf"),
            progress=lambda fraction, note: None,
            deterministic=course.deterministic,
        )
        model, record = train(job)
    return Trained(record.train_seconds, model.precision, lambda: model.predict(course.task, course.test))


def arms_of(course: Course, peers: bool) -> Arms:
    """Ours first; on a GPU, where it may cost time to give the same bits each time, ours without that too."""
    arms: Arms = {OURS: partial(ours, course)}
    if course.device != "cpu":
        arms[NOT_DETERMINISTIC] = partial(ours, replace(course, deterministic=False))
    if peers:
        from bench.speed.trainer import STOCK, packed, stock

        windows = packed(course)
        arms |= {name: partial(stock, course, windows, options) for name, options in STOCK.items()}
    return arms


def planned(place: tuple[Corpora, EncoderFiles], course: Course, arms: Arms, command: str) -> TrainingSpeed:
    """A measurement of no rounds yet."""
    from bench.runner.device import torch_environment
    from bench.speed.flops import BACKWARD, forward_flops
    from bench.speed.trainer import batch_size, packed

    corpora, encoder = place
    lengths = [len(window.input_ids) for window in packed(course)]
    return TrainingSpeed(
        corpus=corpora.name,
        encoder=encoder.name,
        task=course.task.name,
        windows=len(lengths),
        tokens=sum(lengths),
        flops=(1 + BACKWARD) * forward_flops(course.encoder, lengths),
        batch=batch_size(course),
        settings=course.settings,
        metric=course.task.primary.title,
        test=len(course.test),
        rates=tuple(Rate(arm=name) for name in arms),
        command=command,
        environment=torch_environment(course.device),
    )


def fingerprints(place: tuple[Corpora, EncoderFiles], task: Task[Any, Any]) -> tuple[str, ...]:
    """The digests of corpus, encoder and code: rounds of others are no rounds of one measurement."""
    corpora, encoder = place
    return (
        corpora.corpus_statistics(task).digest,
        encoder.digest or "",
        digest(("bench.speed.training", "bench.speed.trainer")),
    )


def measured(begun: TrainingSpeed, course: Course, arms: Arms, rounds: int) -> Iterator[TrainingSpeed]:
    """A measurement once every arm is warm, and again after each round that it lacks; a round's number is its seed."""
    with _asked(course, arms, apart=len(arms) > 1) as ask:
        for arm in ask.values():
            arm(0)
        yield begun
        for seed in range(1 + begun.rounds, 1 + rounds):
            rates = tuple(rate.with_round(*ask[rate.arm](seed)) for rate in begun.rates)
            begun = replace(begun, rates=rates, finished=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
            yield begun


@contextmanager
def _asked(course: Course, arms: Arms, apart: bool) -> Iterator[dict[str, Callable[[int], _Found]]]:
    """By name, what carries out a round of an arm; in a process of its own, which keeps its memory in its own way."""
    import torch

    if not apart:
        yield {name: partial(_round, course, run) for name, run in arms.items()}
        return
    with ExitStack() as stack, own_packages_found():
        begun = (get_context("spawn"), _begin, (torch.get_num_threads(),))
        pools = {name: stack.enter_context(ProcessPoolExecutor(1, *begun)) for name in arms}
        yield {name: partial(_apart, pools[name], partial(_round, course, run)) for name, run in arms.items()}


def _begin(threads: int) -> None:
    """In a process of its own: it ends with its parent, even with one that is killed."""
    import torch

    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _apart(pool: ProcessPoolExecutor, ask: Callable[[int], _Found], seed: int) -> _Found:
    return pool.submit(ask, seed).result()


def _round(course: Course, run: Callable[[int], Trained], seed: int) -> _Found:
    from bench.speed.flops import matrix_rate

    trained = run(seed)
    return trained.seconds, _score(course, trained.answers()), matrix_rate(course.device, trained.precision)


def _score(course: Course, answers: list[Any]) -> float:
    primary = course.task.primary
    return float(primary.value(evidence(primary, course.test, answers).sum(axis=0)))
