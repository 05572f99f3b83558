"""How fast trained models answer: each arm in a process of its own, all of them in turn within each round."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from bench import registry
from bench.runner.plan import Run, RunContext, fingerprints
from bench.runner.progress import Progress
from bench.speed.arms import Answering, Setup
from bench.speed.flops import forward_flops
from bench.speed.worker import Worker, in_turns, with_round
from bench.speed.workload import Workload, long_note, reads_documents
from bench.store import speed_record as record
from bench.store.speed_record import MULTITASK, NOTES, PAIRS, SINGLE_TASK, ArmWeights, Speed, Timing, total

LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
"""Characters of the note whose time and memory are shown to grow in proportion."""


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is measured: all arms do the same work, so many times, at each size of a batch."""

    setup: Setup
    work: Workload
    rounds: int
    batches: tuple[int, ...]

    def begin(self, arm: str) -> Worker:
        """An arm in a process of its own."""
        return Worker(arm, Answering, arm, self.setup, self.work)

    @property
    def cells(self) -> list[tuple[str, int]]:
        """What is asked of each arm: a work and its batch size."""
        works = [work for work, some in ((NOTES, self.work.notes), (PAIRS, self.work.pairs)) if some]
        return [(work, batch) for batch in self.batches for work in works]


def measured(speed: Speed, where: RunContext, extent: Extent, peers: bool, growth: bool) -> Speed:
    """The whole of a planned measurement."""
    tasks = tuple(registry.task(name) for name in speed.tasks)
    steps = 1 + extent.rounds + (len(tasks) + len(LENGTHS) if growth else 0)
    with Progress(steps) as progress:
        weights, timings = _arms((MULTITASK, SINGLE_TASK, *((record.PIPELINES,) if peers else ())), extent, progress)
        if growth:
            timings += _by_tasks(extent, progress)
            timings += _by_length(extent, progress)
    return replace(
        speed,
        trained=extent.setup.kept is not None,
        weights=tuple(weights),
        timings=tuple(timings),
        fingerprints=fingerprints(Run(registry.baseline(MULTITASK), tasks, 0, speed.settings), where),
    )


def _arms(arms: Sequence[str], extent: Extent, progress: Progress) -> tuple[list[ArmWeights], list[Timing]]:
    """Every arm, all of them alive at once, and what the work of each must compute."""
    setup, weights, timings = extent.setup, [], list[Timing]()
    of_notes, of_pairs = extent.work.lengths(setup.encoder, setup.settings)
    flops = forward_flops(setup.encoder, of_notes)
    counts = {NOTES: (len(extent.work.notes), sum(of_notes)), PAIRS: (len(of_pairs), sum(of_pairs))}
    # A note passes an encoder for each task that reads notes, or one for all of them.
    passes = sum(reads_documents(registry.task(name)) for name in setup.tasks)
    with ExitStack() as stack:
        workers = [stack.enter_context(extent.begin(arm)) for arm in arms]
        for worker in workers:
            progress.say(f"{worker.arm}: first note after {worker.build_seconds:.1f} s")
        found = _in_rounds(workers, extent, progress)
        for worker in workers:
            arm = worker.arm
            for one in (one for one in found if one.arm == arm):
                (units, tokens), times = counts[one.work], 1 if arm == MULTITASK else passes
                needed = times * flops if one.work == NOTES else 0
                timings.append(replace(one, units=units, tokens=tokens, flops=needed))
            timings.append(Timing(arm=arm, work=record.FIRST_NOTE, size=0, seconds=((worker.build_seconds,),)))
            # The first is slower. What is asked for from here on does not count in the peak of memory.
            alone = [worker.ask("encoder_seconds") for _ in range(1 + extent.rounds)][1:]
            if all(alone):
                timings.append(Timing(arm=arm, work=record.ENCODER, size=0, flops=flops, seconds=tuple(alone)))
            held, product = worker.ask("facts")
            weights.append(held)
            timings.append(product)
    return weights, timings


def _in_rounds(
    workers: Sequence[Worker], extent: Extent, progress: Progress | None = None, warm: bool = True
) -> list[Timing]:
    """The times of all cells. A round before those that count sees every shape that is to come."""
    timings = tuple[Timing, ...]()
    for number in range(0 if warm else 1, 1 + extent.rounds):
        found = in_turns(workers, extent.cells, number)
        timings = with_round(timings, found) if number else ()
        if progress:
            progress.finished(1, f"{number} of {extent.rounds} rounds measured" if number else "warmed up")
    held = {worker.arm: worker.ask("memory") for worker in workers}
    return [replace(one, **held[one.arm]) for one in timings]


def _by_tasks(extent: Extent, progress: Progress) -> list[Timing]:
    """Both of our arms with the first task, the first two, and so on: notes and, from their tasks on, pairs."""
    timings, every, notes = [], extent.setup.tasks, extent.work.notes
    for size in range(1, len(every) + 1):
        pairs = {name: extent.work.pairs[name] for name in every[:size] if name in extent.work.pairs}
        setup, batches = replace(extent.setup, tasks=every[:size]), (max(extent.batches),)
        some = replace(extent, setup=setup, work=Workload(notes, pairs), batches=batches)
        with ExitStack() as stack:
            workers = [stack.enter_context(some.begin(arm)) for arm in (MULTITASK, SINGLE_TASK)]
            found = _in_rounds(workers, some)
        units = len(notes) + sum(map(len, pairs.values()))
        for worker in workers:
            together = total([one for one in found if one.arm == worker.arm])
            timings.append(replace(together, work=record.BY_TASKS, size=size, units=units))
        progress.finished(1, f"{size} of {len(every)} tasks")
    return timings


def _by_length(extent: Extent, progress: Progress) -> list[Timing]:
    """The multitask arm on one note of a thousand to a million characters, which it answers once to be warm."""
    timings = []
    for size in LENGTHS if extent.work.notes else ():
        work = Workload((long_note(extent.work.notes, size),), {})
        some = replace(extent, work=work, batches=(1,), rounds=1 if size == max(LENGTHS) else extent.rounds)
        with some.begin(MULTITASK) as worker:
            (found,) = _in_rounds([worker], some, warm=False)
        timings.append(replace(found, work=record.BY_LENGTH, size=size, units=size))
        progress.finished(1, f"a note of {size:,} characters")
    return timings
