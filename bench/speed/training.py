"""How fast training goes: ours, and the stock Trainer of transformers on the same windows, taking turns."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from baselines.core.baseline import TrainSpec
from baselines.core.settings import Settings
from bench.runner.code import digest
from bench.runner.plan import RunContext
from bench.runner.progress import Progress
from bench.speed.flops import BACKWARD, forward_flops, matrix_product
from bench.speed.stock import STOCK, TrainingSet, train_stock
from bench.speed.worker import Worker, in_turns, with_round
from bench.store.locks import temporary_folder
from bench.store.runs import Fingerprints
from bench.store.speed_record import NOT_DETERMINISTIC, OURS, TRAINING, Speed, Timing, keep, kept
from tasks.core.kinds import TEST, TRAIN, Task
from tasks.core.metrics.metric import evidence


def training_set(where: RunContext, task: Task[Any, Any], settings: Settings, count: int, device: str) -> TrainingSet:
    """So many examples of a task, spread over its training set."""
    assert where.encoder.folder is not None
    train, test = (where.corpora.examples(task, split, settings.dev_fraction) for split in (TRAIN, TEST))
    some, encoder = train[:: max(1, len(train) // count)][:count], where.encoder.folder
    return TrainingSet(task=task, examples=some, test=test, encoder=encoder, settings=settings, device=device)


@dataclass(frozen=True)
class TrainingArm:
    """An arm in its process: a round trains a model anew, and answers the test split."""

    arm: str
    given: TrainingSet

    def measure(self, seed: int) -> list[Timing]:
        """The times of a training under a seed, with its score, and of a matrix product beside it."""
        given, primary = self.given, self.given.task.primary
        if self.arm in STOCK:
            seconds, precision, answers = train_stock(given, self.arm, seed)
        else:
            seconds, precision, answers = train_ours(given, self.arm == OURS, seed)
        score = float(primary.value(evidence(primary, given.test, answers).sum(axis=0)))
        trained = Timing(arm=self.arm, work=TRAINING, size=given.batch, seconds=((seconds,),), scores=(score,))
        return [trained, matrix_product(self.arm, given.device, precision)]


def train_ours(given: TrainingSet, deterministic: bool, seed: int) -> tuple[float, str, list[Any]]:
    """Train without a development split: the last weights are chosen, as are the Trainer's."""
    from baselines.core.training import train

    with temporary_folder() as folder:
        model, record = train(
            TrainSpec(
                tasks=(given.task,),
                examples=lambda task, split: given.examples if split == TRAIN else [],
                seed=seed,
                settings=given.settings,
                encoder=given.encoder,
                device=given.device,
                checkpoints=folder,
                checkpoint_seconds=float("inf"),
                progress=lambda fraction, note: None,
                deterministic=deterministic,
            )
        )
    return record.train_seconds, model.precision, model.predict(given.task, given.test)


def measured(speed: Speed, where: RunContext, given: TrainingSet, peers: bool, rounds: int) -> Speed:
    """The whole of a planned measurement, from the last of the rounds that were kept; a round's number is its seed."""
    # On a GPU, where it may cost time to give the same bits each time, ours without that too.
    arms = [OURS, *([NOT_DETERMINISTIC] if given.device != "cpu" else []), *(STOCK if peers else ())]
    lengths, epochs = [len(window.input_ids) for window in given.windows()], given.settings.epochs
    flops = epochs * (1 + BACKWARD) * forward_flops(given.encoder, lengths)
    counts: dict[str, Any] = {"units": epochs * len(lengths), "tokens": epochs * sum(lengths), "flops": flops}
    name = given.task.name
    # Rounds of another corpus, encoder or code are no rounds of it.
    fingerprints = Fingerprints(
        settings="",
        corpora={name: where.corpora.corpus_statistics(given.task).digest},
        encoder=where.encoder.digest,
        code=digest(("bench.speed.training", "bench.speed.stock", "bench.speed.workload")),
    )
    speed = replace(speed, subject=name, metric=given.task.primary.title, test_examples=len(given.test))
    speed = kept(where.results, replace(speed, fingerprints=fingerprints))
    with ExitStack() as stack, Progress(1 + rounds - speed.rounds) as progress:
        workers = [stack.enter_context(Worker(arm, TrainingArm, arm, given)) for arm in arms]
        in_turns(workers, [()], 0)
        progress.finished(1, "warmed up")
        for seed in range(1 + speed.rounds, 1 + rounds):
            found = in_turns(workers, [()], seed)
            found = tuple(replace(one, **counts) if one.work == TRAINING else one for one in found)
            speed = replace(speed, timings=with_round(speed.timings, found))
            keep(where.results, speed)
            progress.finished(1, f"{seed} of {rounds} rounds measured")
    return speed
