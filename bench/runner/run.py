"""One run to one result: train, then read the test split once, answer it, and store what the metrics observe.

B examples, K columns of evidence.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from baselines.core.baseline import Model, Stopped, TrainSpec
from baselines.core.chunks import chunk_by_size
from baselines.core.stats import TrainStats
from bench.runner import kept_models
from bench.runner.corpora import Corpora, windows_file
from bench.runner.device import OutOfMemory, memory_suffices, torch_environment
from bench.runner.events import Busy, Died, Ended, Failed, Reached, Said, Stored, Tell
from bench.runner.openmp import spinning_watched
from bench.runner.plan import DONE, Planned, Run, RunContext, fingerprints, look_up, run_name
from bench.runner.unfinished import claim_checkpoints, lock_run
from bench.store import runs as store
from bench.store.environment import environment
from bench.store.evidence import Evidence
from bench.store.model_cards import MODELS, STARTS, kept_folder
from bench.store.runs import MetricScore, Result, Score
from tasks.core.errors import InputError, passing_error
from tasks.core.kinds import DEV, TEST, TRAIN, Task
from tasks.core.metrics.metric import Observed

TRAINING_SHARE = 0.97
"""The part of a run that its training is taken to be, for the bar; the rest is the test split."""

CHARACTERS_HELD = 2**20
"""Characters of the test split that are held at a time: it may be larger than memory."""


@dataclass(frozen=True)
class Tested:
    """What a model gave for the test split of one task; answers as lines of their file."""

    score: Score
    evidence: Evidence
    answers: list[str]
    seconds: float


def carry_out(planned: Planned, context: RunContext, tell: Tell) -> None:
    """Do one run and tell how it went, as its executor asks; an error that is none of the run's is raised."""
    try:
        result = run_and_store(planned, context, tell)
    except Stopped:
        tell(Ended())
    except OutOfMemory as error:
        tell(Died(str(error), alone=True))
    except (InputError, OSError) as error:
        tell(Failed(str(error), error if isinstance(error, OSError) else passing_error(error)))
    else:
        tell(Stored(replace(result, evidence={})) if result else Busy())


def run_and_store(planned: Planned, context: RunContext, tell: Tell) -> Result | None:
    """Do one run and store its result, unless another process has done it meanwhile; None where one is at it."""
    with lock_run(context.results, planned.name.path) as acquired:
        state, _, _ = look_up(planned.run, planned.name, planned.fingerprints, context)
        needed = planned.needed_by and not kept_folder(context.results, planned.name, planned.fingerprints)
        if state == DONE and not needed:
            return store.read(context.results / store.RUNS, planned.name.path)
        return _train_and_store(_train_spec(planned, context, tell), planned, context) if acquired else None


def _train_spec(planned: Planned, context: RunContext, tell: Tell) -> TrainSpec:
    """What is to be trained; a run that was cut off goes on from its last checkpoint."""
    run, checkpoints = planned.run, context.results / store.UNFINISHED / planned.name.path
    threads, other = claim_checkpoints(
        checkpoints,
        planned.name,
        planned.fingerprints,
        context.threads or context.default_threads,
        context.threads is not None,
    )
    if other:
        tell(Said("begun anew: the unfinished one is of other settings, seed, corpus, start, code or threads"))
    if run.baseline.needs_encoder:
        import torch

        torch.set_num_threads(threads)

    def examples(task: Task[Any, Any], split: str) -> Iterator[Any]:
        if split not in (TRAIN, DEV):
            raise ValueError(f"training asked for the split {split!r}: it may read {TRAIN} and {DEV}")
        return context.corpora.stream(task, split, run.settings.dev_fraction)

    encoder = _start(run, context) if run.baseline.needs_encoder else None
    return TrainSpec(
        tasks=run.tasks,
        examples=examples,
        seed=run.seed,
        settings=run.settings.finetuning() if run.start else run.settings,
        encoder=encoder,
        heads=encoder / kept_models.HEADS if encoder and run.start else None,
        device=context.device,
        checkpoints=checkpoints,
        checkpoint_seconds=context.checkpoint_seconds,
        progress=lambda done, note: tell(Reached(done * TRAINING_SHARE, note)),
        windows_file=lambda task, split: windows_file(
            context.cache, task.name, split, planned.fingerprints, run.settings
        ),
        say=lambda line: tell(Said(line)),
    )


def _start(run: Run, context: RunContext) -> Path | None:
    """The folder of what a run starts from: the encoder, or the model of another run."""
    if run.start is None:
        return context.encoder.folder
    folder = kept_folder(context.results, run_name(run.start, context), fingerprints(run.start, context))
    if folder is None:
        raise InputError("the model that it starts from is gone: give the same command again")
    return folder


def _train_and_store(spec: TrainSpec, planned: Planned, context: RunContext) -> Result:
    fraction = spec.settings.dev_fraction
    with memory_suffices(), spinning_watched():
        model, stats = planned.run.baseline.train(spec)
        tested = {
            task.name: _test(model, task, context.corpora, fraction, _ceiling(task, planned, context))
            for task in spec.tasks
        }
    result = _result(planned, context, stats, tested, spec.device)
    evidence = {name: one.evidence for name, one in tested.items()}
    store.write(context.results / store.RUNS, result, evidence, {name: one.answers for name, one in tested.items()})
    if spec.encoder is not None and (context.keep_models or planned.needed_by):
        models = context.results / (MODELS if context.keep_models else STARTS)
        kept_models.keep(model, spec, planned.name, planned.fingerprints, models)
    shutil.rmtree(spec.checkpoints, ignore_errors=True)
    return result


def _test(model: Model, task: Task[Any, Any], corpora: Corpora, dev_fraction: float, ceiling: float | None) -> Tested:
    observed = [Observed(metric) for metric in task.metrics]
    ids: list[str] = []
    lines: list[str] = []
    seconds = 0.0
    for examples in chunk_by_size(corpora.stream(task, TEST, dev_fraction), task.train_characters, CHARACTERS_HELD):
        begun = time.perf_counter()
        answers = model.predict(task, examples)
        seconds += time.perf_counter() - begun
        for each in observed:
            each.add(examples, answers)
        ids += (example.id for example in examples)
        lines += map(store.answer_line, ids[len(lines) :], map(task.answer_to_json, answers))
    statistics = corpora.corpus_statistics(task)
    rows = {metric.name: each.rows() for metric, each in zip(task.metrics, observed, strict=True)}
    score = Score(
        kind=task.kind,
        pipeline=task.pipeline,
        title=task.title,
        examples={split: statistics.size(split, dev_fraction) for split in (TRAIN, DEV)} | {TEST: len(ids)},
        ceiling=ceiling,
        metrics=tuple(
            MetricScore(
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


def _ceiling(task: Task[Any, Any], planned: Planned, context: RunContext) -> float | None:
    """The recall that perfect tags would reach; None for a baseline without an encoder, which has no tags."""
    if not planned.run.baseline.needs_encoder:
        return None
    assert context.encoder.folder is not None
    return context.corpora.ceiling(task, context.encoder.folder, planned.fingerprints, planned.run.settings)


def _result(planned: Planned, context: RunContext, stats: TrainStats, tested: dict[str, Tested], device: str) -> Result:
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
        start=name.start,
        fingerprints=planned.fingerprints,
        scores={task: one.score for task, one in tested.items()},
        training=stats,
        test_seconds=sum(one.seconds for one in tested.values()),
        finished=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        notices={task.name: context.corpora.corpus_statistics(task).notices for task in run.tasks},
        environment=torch_environment(device) if run.baseline.needs_encoder else environment(),
    )
