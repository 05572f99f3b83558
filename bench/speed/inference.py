"""How fast trained models answer: arms in turn within each round, so that what else the machine does falls on all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from bench import registry
from bench.runner.plan import Run, RunContext, fingerprints
from bench.runner.progress import Progress
from bench.speed.arms import Answering, Setup
from bench.speed.flops import forward_flops
from bench.speed.worker import Worker
from bench.speed.workload import Workload, blank, long_note, reads_documents, workload
from bench.store import speed_record as record
from bench.store.speed_record import MULTITASK, NOTES, PAIRS, SINGLE_TASK, ArmWeights, Speed, Timing, total

LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
"""Characters of the note whose time and memory are shown to grow in proportion."""


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is measured; all arms do the same work, which holds `counts` (units, tokens, flops) by its name."""

    setup: Setup
    work: Workload
    counts: dict[str, dict[str, Any]]
    rounds: int
    batches: tuple[int, ...]

    def begin(self, arm: str) -> Worker:
        """An arm in a process of its own."""
        return Worker(arm, Answering, arm, self.setup, self.work)

    def of(self, tasks: tuple[str, ...]) -> Extent:
        """The same work with these tasks alone, at the largest of its batches."""
        pairs = {name: self.work.pairs[name] for name in tasks if name in self.work.pairs}
        setup, work = replace(self.setup, tasks=tasks), Workload(self.work.notes, pairs)
        return replace(self, setup=setup, work=work, batches=(max(self.batches),))


def measured(where: RunContext, extent: Extent, peers: bool, growth: bool, command: str) -> Speed:
    """The whole measurement."""
    setup = extent.setup
    tasks = tuple(registry.task(name) for name in setup.tasks)
    steps = 1 + extent.rounds + (len(tasks) + len(LENGTHS) if growth else 0)
    with Progress(steps) as progress:
        weights, timings = _arms((MULTITASK, SINGLE_TASK, *((record.PIPELINES,) if peers else ())), extent, progress)
        if growth:
            timings += _by_tasks(extent, progress)
            timings += _by_length(extent, progress)
    return blank(
        (where.corpora.name, where.encoder.name, setup.device),
        kind=record.INFERENCE,
        tasks=setup.tasks,
        settings=setup.settings,
        trained=setup.kept is not None,
        weights=tuple(weights),
        timings=tuple(timings),
        fingerprints=fingerprints(Run(registry.baseline(MULTITASK), tasks, 0, setup.settings), where),
        command=command,
    )


def extent_of(where: RunContext, setup: Setup, notes: int, **more: Any) -> Extent:
    """So many notes, and about as many pairs, with what they hold."""
    tasks = [registry.task(name) for name in setup.tasks]
    work = workload(where.corpora, tasks, notes, setup.settings.dev_fraction)
    of_notes, of_pairs = work.lengths(setup.encoder, setup.settings)
    counts = {
        NOTES: {"units": len(work.notes), "tokens": sum(of_notes), "flops": forward_flops(setup.encoder, of_notes)},
        PAIRS: {"units": len(of_pairs), "tokens": sum(of_pairs)},
    }
    return Extent(setup=setup, work=work, counts=counts, **more)


def _arms(arms: Sequence[str], extent: Extent, progress: Progress) -> tuple[list[ArmWeights], list[Timing]]:
    """Every arm, all of them alive at once."""
    weights, timings = [], list[Timing]()
    passes = sum(reads_documents(registry.task(name)) for name in extent.setup.tasks)
    with ExitStack() as stack:
        workers = [stack.enter_context(extent.begin(arm)) for arm in arms]
        for worker in workers:
            progress.say(f"{worker.arm}: first note after {worker.build_seconds:.1f} s")
        found = _in_turns(workers, extent, progress)
        for worker in workers:
            # A note passes an encoder for each task that reads notes, or one for all of them.
            flops = extent.counts[NOTES]["flops"]
            times = passes if worker.arm != MULTITASK else 1
            timings += [replace(one, flops=times * one.flops) for one in found[worker.arm]]
            timings.append(Timing(arm=worker.arm, work=record.FIRST_NOTE, size=0, seconds=((worker.build_seconds,),)))
            # The first is slower. What is asked for from here on does not count in the peak of memory.
            alone = [worker.ask("seconds", record.ENCODER, 0) for _ in range(1 + extent.rounds)][1:]
            if all(alone):
                timings.append(Timing(arm=worker.arm, work=record.ENCODER, size=0, flops=flops, seconds=tuple(alone)))
            held, product = worker.ask("facts")
            weights.append(held)
            timings.append(product)
    return weights, timings


def _in_turns(
    workers: Sequence[Worker], extent: Extent, progress: Progress | None = None, warm: bool = True
) -> dict[str, list[Timing]]:
    """By arm, its times for notes and pairs at each batch size, arms innermost.

    A round before those that count sees every shape that is to come.
    """
    works = [work for work, some in ((NOTES, extent.work.notes), (PAIRS, extent.work.pairs)) if some]
    asked = [(batch, work, worker) for batch in extent.batches for work in works for worker in workers]
    seconds: list[list[tuple[float, ...]]] = []
    for number in range(0 if warm else 1, 1 + extent.rounds):
        seconds.append([worker.ask("seconds", work, batch) for batch, work, worker in asked])
        if progress:
            progress.finished(1, f"{number} of {extent.rounds} rounds measured" if number else "warmed up")
    held = {worker.arm: worker.ask("memory") for worker in workers}
    timings: dict[str, list[Timing]] = {worker.arm: [] for worker in workers}
    for (batch, work, worker), calls in zip(asked, zip(*seconds[-extent.rounds :], strict=True), strict=True):
        known = extent.counts[work] | held[worker.arm]
        timings[worker.arm].append(Timing(arm=worker.arm, work=work, size=batch, seconds=calls, **known))
    return timings


def _by_tasks(extent: Extent, progress: Progress) -> list[Timing]:
    """Both of our arms with the first task, the first two, and so on: notes and, from their tasks on, pairs."""
    timings, every = [], extent.setup.tasks
    for size in range(1, len(every) + 1):
        some = extent.of(every[:size])
        with ExitStack() as stack:
            workers = [stack.enter_context(some.begin(arm)) for arm in (MULTITASK, SINGLE_TASK)]
            found = _in_turns(workers, some)
        known: dict[str, Any] = {"work": record.BY_TASKS, "size": size, "tokens": 0, "flops": 0}
        known["units"] = len(some.work.notes) + sum(map(len, some.work.pairs.values()))
        timings += [replace(total(found[worker.arm]), **known) for worker in workers]
        progress.finished(1, f"{size} of {len(every)} tasks")
    return timings


def _by_length(extent: Extent, progress: Progress) -> list[Timing]:
    """The multitask arm on one note of a thousand to a million characters, which it answers once to be warm."""
    timings = []
    for size in LENGTHS if extent.work.notes else ():
        work = Workload((long_note(extent.work.notes, size),), {})
        some = replace(extent, work=work, batches=(1,), rounds=1 if size == max(LENGTHS) else extent.rounds)
        with some.begin(MULTITASK) as worker:
            (found,) = _in_turns([worker], some, warm=False)[MULTITASK]
        timings.append(replace(found, work=record.BY_LENGTH, size=size, units=size, tokens=0, flops=0))
        progress.finished(1, f"a note of {size:,} characters")
    return timings
