"""The measurement: arms in turn within each round, so that what else the machine does falls on all of them alike."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bench import registry
from bench.runner.context import RunContext
from bench.runner.device import torch_environment
from bench.runner.plan import Run, fingerprints
from bench.speed.arms import Setup
from bench.speed.worker import NOTES, PAIRS, PASSES, Worker
from bench.speed.workload import Workload, long_note, window_lengths, workload
from bench.store.inference_record import MULTITASK, PIPELINES, SINGLE_TASK, Arm, Growth, Speed, Timed
from tasks.core.kinds import SpanTask

LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
"""Characters of the note whose time and memory are shown to grow in proportion."""


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is measured."""

    notes: int
    rounds: int
    batches: tuple[int, ...]
    threads: int
    peers: bool
    growth: bool


def measured(where: RunContext, setup: Setup, extent: Extent) -> Speed:
    """The whole measurement."""
    import torch

    from bench.speed.flops import forward_flops

    torch.set_num_threads(extent.threads)
    tasks = tuple(registry.task(name) for name in setup.tasks)
    work = workload(where.corpora, tasks, extent.notes, setup.settings.dev_fraction)
    run = Run(registry.baseline(MULTITASK), tasks, 0, setup.settings)
    note_lengths, pair_lengths = window_lengths(work, setup.encoder, setup.settings)
    return Speed(
        corpus=where.corpora.name,
        encoder=where.encoder.name,
        tasks=setup.tasks,
        settings=setup.settings,
        kept=setup.kept is not None,
        notes=len(work.notes),
        note_tokens=sum(note_lengths),
        pairs=work.pair_count,
        pair_tokens=sum(pair_lengths),
        arms=arms(setup, work, extent, forward_flops(setup.encoder, note_lengths)),
        heads=heads(setup, work, extent) if extent.growth else (),
        lengths=lengths(setup, work, extent) if extent.growth else (),
        fingerprints=fingerprints(run, where),
        finished=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        environment=torch_environment(setup.device),
    )


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def arms(setup: Setup, work: Workload, extent: Extent, pass_flops: int) -> tuple[Arm, ...]:
    """Every arm, each in a process of its own, all of them alive at once."""
    names = (MULTITASK, SINGLE_TASK, *((PIPELINES,) if extent.peers else ()))
    with ExitStack() as stack:
        workers = []
        for name in names:
            workers.append(stack.enter_context(Worker(name, setup, work, extent.threads)))
            _say(f"{name}: first note after {workers[-1].cold_start_seconds:.1f} s")
        for worker in workers:  # Every shape that is to come has been seen once.
            for batch in extent.batches:
                worker.seconds(NOTES, batch)
        found: dict[str, list[list[Timed]]] = {name: [] for name in names}
        for number in range(extent.rounds):
            _say(f"round {number + 1} of {extent.rounds}")
            for name, row in zip(names, _round(workers, extent.batches), strict=True):
                found[name].append(row)
        return tuple(_arm(one, setup, _joined(found[one.arm]), pass_flops) for one in workers)


def _arm(worker: Worker, setup: Setup, timed: tuple[Timed, ...], pass_flops: int) -> Arm:
    from bench.speed.flops import matrix_rate

    held, rounds = worker.held(), len(timed[0].note_seconds)
    # The first is slower; what is asked for after `held` does not count in its peak of memory.
    passes = [one for _ in range(1 + rounds) for one in worker.seconds(PASSES, 0)][1:]
    spans = sum(isinstance(registry.task(name), SpanTask) for name in setup.tasks)
    return Arm(
        name=worker.arm,
        held=held,
        timed=timed,
        passes=min(1, spans) if worker.arm == MULTITASK else spans,
        pass_flops=pass_flops,
        pass_seconds=tuple(passes),
        matrix_flops_per_second=matrix_rate(setup.device, held.precision),
    )


def _round(workers: Sequence[Worker], batches: Sequence[int]) -> list[list[Timed]]:
    """One measurement of each arm at each batch size, arms innermost; by arm."""
    rows: list[list[Timed]] = [[] for _ in workers]
    for batch in batches:
        for row, worker in zip(rows, workers, strict=True):
            notes, pairs = worker.seconds(NOTES, batch), worker.seconds(PAIRS, batch)
            row.append(Timed(batch=batch, note_seconds=(notes,), pair_seconds=(pairs,)))
    return rows


def _joined(rounds: Sequence[Sequence[Timed]]) -> tuple[Timed, ...]:
    return tuple(
        Timed(
            batch=same[0].batch,
            note_seconds=tuple(calls for one in same for calls in one.note_seconds),
            pair_seconds=tuple(calls for one in same for calls in one.pair_seconds),
        )
        for same in zip(*rounds, strict=True)
    )


def heads(setup: Setup, work: Workload, extent: Extent) -> tuple[Growth, ...]:
    """Both of our arms with the first task, the first two, and so on: notes and, from their tasks on, pairs."""
    grown, batch = [], max(extent.batches)
    for size in range(1, len(setup.tasks) + 1):
        some = replace(setup, tasks=setup.tasks[:size])
        part = Workload(work.notes, {name: work.pairs[name] for name in some.tasks if name in work.pairs})
        for arm in (MULTITASK, SINGLE_TASK):
            with Worker(arm, some, part, extent.threads) as worker:
                times = [_once(worker, batch) for _ in range(1 + extent.rounds)][1:]
                grown.append(Growth(arm=arm, size=size, seconds=tuple(times), held=worker.held()))
        _say(f"{size} of {len(setup.tasks)} tasks")
    return tuple(grown)


def _once(worker: Worker, batch: int) -> float:
    return sum(worker.seconds(NOTES, batch)) + sum(worker.seconds(PAIRS, batch))


def lengths(setup: Setup, work: Workload, extent: Extent) -> tuple[Growth, ...]:
    """The multitask arm on one note of a thousand to a million characters."""
    grown = []
    for size in LENGTHS:
        part = Workload((long_note(work.notes, size),), {})
        with Worker(MULTITASK, setup, part, extent.threads) as worker:  # The note it answers first warms it.
            times = tuple(worker.seconds(NOTES, 1)[0] for _ in range(1 if size == max(LENGTHS) else extent.rounds))
            grown.append(Growth(arm=MULTITASK, size=size, seconds=times, held=worker.held()))
        _say(f"a note of {size:,} characters")
    return tuple(grown)
