"""One run to one result: train, then read the test split once, answer it, and store what the metrics observe.

B examples, K columns of evidence.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from baselines.core.baseline import Model, TrainSpec, TrainStats
from baselines.core.chunks import chunk_by_size
from bench.runner import kept_models as models
from bench.runner.context import RunContext
from bench.runner.corpora import windows_file
from bench.runner.device import memory_suffices, torch_environment
from bench.runner.plan import DONE, Planned, plan
from bench.runner.progress import Progress
from bench.store import runs as store
from bench.store import strict_json
from bench.store.atomic import remove_empty
from bench.store.environment import environment
from bench.store.locks import alone
from bench.store.runs import Evidence, Metric, Result, Score
from tasks.core.errors import about
from tasks.core.kinds import DEV, TEST, TRAIN, Task
from tasks.core.metrics.metric import Observed

TRAINING_SHARE = 0.97
"""What training is taken to be of a run, for the bar; the rest is the test split."""

STAMP = "run.json"


CHARACTERS_HELD = 2**20
"""Characters of the test split that are held at a time: it may be larger than memory."""


@dataclass(frozen=True)
class Tested:
    """What a model gave for the test split of one task; answers as lines of their file."""

    score: Score
    evidence: Evidence
    answers: list[str]
    seconds: float


def run_and_store(
    planned: Planned, where: RunContext, device: str, progress: Progress, checkpoint_seconds: float
) -> Result | None:
    """Do one run and store its result, unless another process has done it meanwhile; None where one is at it."""
    unfinished = where.results / store.UNFINISHED
    lock = unfinished / planned.name.path.with_name(f"{planned.name.path.name}.lock")
    with alone(lock) as mine:
        (now,) = plan([planned.run], where)
        result = now.result if now.state == DONE else None
        if mine and result is None:
            result = _run_and_store(planned, where, device, progress, checkpoint_seconds)
    remove_empty(lock.parent, unfinished)
    return result


def stamp(run: Planned | Result) -> bytes:
    """What is written beside the checkpoints of a run, to tell whose they are."""
    return strict_json.dumps([run.name, run.fingerprints]).encode()


def _run_and_store(
    planned: Planned, where: RunContext, device: str, progress: Progress, checkpoint_seconds: float
) -> Result:
    """Do one run and store its result; a run that was cut off goes on from its last checkpoint."""
    run, checkpoints = planned.run, where.results / store.UNFINISHED / planned.name.path
    if _clear_other(checkpoints, planned):
        progress.say(f"{run.title}: begun anew: the unfinished one is of other settings, seed, corpus, encoder or code")
    reader = Reader(where, run.settings.dev_fraction)
    job = TrainSpec(
        tasks=run.tasks,
        examples=reader.examples,
        seed=run.seed,
        settings=run.settings,
        encoder=where.encoder.folder if run.baseline.needs_encoder else None,
        device=device,
        checkpoints=checkpoints,
        checkpoint_seconds=checkpoint_seconds,
        progress=_share_of_bar(planned, progress),
        windows_file=lambda task, split: windows_file(
            where.cache, task.name, split, planned.fingerprints, run.settings
        ),
        say=lambda line: progress.say(f"{run.title}: {line}"),
    )
    with memory_suffices():
        model, record = run.baseline.train(job)
        tested = {task.name: _test(model, task, reader, _ceiling(task, planned, where)) for task in run.tasks}
    result = _result(planned, where, record, tested, device)
    observed, answers = ({name: getattr(one, part) for name, one in tested.items()} for part in ("evidence", "answers"))
    store.write(where.results / store.RUNS, result, observed, answers)
    if where.keep_models and job.encoder is not None:
        models.keep(model, planned, job.encoder, where.results)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return result


class Reader:
    """The splits of a run: training may read train and dev, as often as it likes; test is for the runner alone."""

    def __init__(self, where: RunContext, fraction: float) -> None:
        self._where, self._fraction = where, fraction

    def examples(self, task: Task[Any, Any], split: str) -> Iterator[Any]:
        """What a job may read of a task, one at a time."""
        if split not in (TRAIN, DEV):
            raise ValueError(f"training asked for the split {split!r}: it may read {TRAIN} and {DEV}")
        return self._where.corpora.stream(task, split, self._fraction)

    def size(self, task: Task[Any, Any], split: str) -> int:
        """How many examples a split has."""
        return self._where.corpora.size(task, split, self._fraction)

    def test(self, task: Task[Any, Any]) -> Iterator[Any]:
        """The test split of a task, one at a time."""
        return self._where.corpora.stream(task, TEST, self._fraction)


def _share_of_bar(planned: Planned, progress: Progress) -> Callable[[float, str], None]:
    def moved(fraction: float, note: str) -> None:
        progress.reached(planned.cost, fraction * TRAINING_SHARE, f"{planned.run.title} · {note}")

    return moved


def _test(model: Model, task: Task[Any, Any], reader: Reader, ceiling: float | None) -> Tested:
    observed = [Observed(metric) for metric in task.metrics]
    ids: list[str] = []
    lines: list[str] = []
    seconds = 0.0
    for examples in chunk_by_size(reader.test(task), task.train_characters, CHARACTERS_HELD):
        begun = time.perf_counter()
        answers = model.predict(task, examples)
        seconds += time.perf_counter() - begun
        for each in observed:
            each.add(examples, answers)
        ids += (example.id for example in examples)
        lines += map(store.answer_line, ids[len(lines) :], map(task.answer_to_json, answers))
    rows = {metric.name: each.rows() for metric, each in zip(task.metrics, observed, strict=True)}
    score = Score(
        kind=task.kind,
        pipeline=task.pipeline,
        title=task.title,
        examples={split: reader.size(task, split) for split in (TRAIN, DEV)} | {TEST: len(ids)},
        ceiling=ceiling,
        metrics=tuple(
            Metric(
                name=metric.name,
                title=metric.title,
                primary=metric is task.primary,
                formula=metric.formula,
                columns=metric.columns,
                value=float(metric.value(rows[metric.name].sum(axis=0))),
            )
            for metric in task.metrics
        ),
    )
    return Tested(score, Evidence(np.array(ids, dtype=str), rows), lines, seconds)


def _ceiling(task: Task[Any, Any], planned: Planned, where: RunContext) -> float | None:
    """The recall that perfect tags would reach; None for a baseline without an encoder, which has no tags."""
    if not planned.run.baseline.needs_encoder:
        return None
    assert where.encoder.folder is not None
    return where.corpora.ceiling(task, where.encoder.folder, planned.fingerprints, planned.run.settings)


def _result(planned: Planned, where: RunContext, record: TrainStats, tested: dict[str, Tested], device: str) -> Result:
    run, name = planned.run, planned.name
    return Result(
        corpus=name.corpus,
        encoder=name.encoder,
        arm=name.arm,
        baseline=run.baseline.name,
        joint=run.baseline.joint,
        tasks=name.tasks,
        seed=name.seed,
        settings=run.settings,
        fingerprints=planned.fingerprints,
        scores={task: one.score for task, one in tested.items()},
        training=record,
        test_seconds=sum(one.seconds for one in tested.values()),
        finished=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        notices={task.name: where.corpora.corpus_statistics(task).notices for task in run.tasks},
        environment=torch_environment(device) if run.baseline.needs_encoder else environment(),
    )


def _clear_other(checkpoints: Path, planned: Planned) -> bool:
    """Remove what lies in a folder of checkpoints unless it belongs to just this run; whether it was anything."""
    file, wanted = checkpoints / STAMP, stamp(planned)
    if file.is_file() and file.read_bytes() == wanted:
        return False
    other = checkpoints.is_dir() and any(checkpoints.iterdir())
    shutil.rmtree(checkpoints, ignore_errors=True)
    checkpoints.mkdir(parents=True)
    with about(file):
        file.write_bytes(wanted)
    return other
