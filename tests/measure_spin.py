"""How long should OpenMP's threads spin while they wait? The demo's training under several settings and loads.

    python tests/measure_spin.py [--quick] [--store]      # or: tox -e spin -- --store

Each setting has a process of its own, which does the first updates of the demo's joint training again and again: in
each round once on the machine as it is, once beside one busy process, once beside as many as there are cores. The
figures are true only where nothing else runs. `--store` writes docs/speed/spin.json. Ten minutes of two cores.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

import torch

from baselines.core.baseline import TrainSpec
from baselines.core.settings import Settings
from bench import registry
from bench.runner.corpora import DEMO, Corpora
from bench.runner.device import torch_environment
from bench.runner.open_corpora import opened
from bench.runner.openmp import CHOICES, SPINS
from bench.speed.worker import Worker
from bench.speed.workload import encoder_named
from bench.store import strict_json
from bench.store.locks import temporary_folder
from spin_record import AS_IT_COMES, FILE, ONE_THREAD, PASSIVE, WATCHED, SpinCell, SpinRecord, spins, table
from tasks.core.kinds import DEV, Task

# The same rate at every update: a training that is begun again and again goes on from the weights it has.
SETTINGS = Settings(lr_schedule="constant", warmup=0.0)

SPEED = Path(__file__).resolve().parent.parent / "docs" / "speed"

COUNTS = (1_000, 3_000, 10_000, SPINS)
VARIABLES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    # Without ACTIVE: its threads spin for minutes, also while another setting has its turn.
    {AS_IT_COMES: {}, PASSIVE: {"OMP_WAIT_POLICY": "PASSIVE"}}
    # With a k they are a user's choice, and nothing is changed while they wait.
    | {spins(count): {"GOMP_SPINCOUNT": f"{count // 1000}k"} for count in COUNTS}
    | {WATCHED: {"GOMP_SPINCOUNT": str(SPINS)}, ONE_THREAD: {}}
)
"""What is in the environment under each setting."""

SETTLE_SECONDS = 1.0
"""Between the start of busy processes and the first measurement beside them."""

QUIET_LOAD = 0.5
"""The mean number of processes at work in the last minute up to which a machine is taken to be quiet."""


class _Enough(Exception):
    """The updates that were asked for are done, or took too long."""


@dataclass(frozen=True, kw_only=True)
class SpinTraining:
    """What every setting trains: the demo's tasks jointly, in its small batches."""

    corpora: Path
    cache: Path
    encoder: Path
    tasks: tuple[str, ...]


class SpinArm:
    """A setting in its process: the training is made there, and does its first updates whenever it is asked."""

    def __init__(self, setting: str, given: SpinTraining) -> None:
        from baselines.core.model import MultitaskModel
        from baselines.core.training import Trainer, begin

        if setting == ONE_THREAD:
            torch.set_num_threads(1)
        corpora = Corpora(DEMO, given.corpora, given.cache)

        def examples(task: Task[Any, Any], split: str) -> Iterator[Any]:
            found = corpora.stream(task, split, SETTINGS.dev_fraction)
            return islice(found, 1) if split == DEV else found  # It is not scored: no epoch comes to its end.

        spec = TrainSpec(
            tasks=tuple(map(registry.task, given.tasks)),
            examples=examples,
            seed=0,
            settings=SETTINGS,
            encoder=given.encoder,
            device="cpu",
            checkpoints=given.cache / "checkpoints",
            checkpoint_seconds=float("inf"),
            progress=lambda fraction, note: self.moved(),
            windows_file=lambda task, split: given.cache / f"{task.name}-{split}.arrow",
        )
        begin(spec)
        self.trainer = Trainer(spec, MultitaskModel(spec))

    def measure(self, updates: int, limit: float) -> float:
        """Real tokens a second of the first so many updates, or of those that are done in `limit` seconds."""
        progress, self.updates = self.trainer.progress, updates
        progress.epoch = progress.step = progress.updates = 0
        seconds, tokens = progress.stats.train_seconds, self.tokens()
        self.until = seconds + limit
        with suppress(_Enough):
            self.trainer.run()
            raise RuntimeError(f"an epoch is no {updates} updates: give fewer")
        return (self.tokens() - tokens) / (progress.stats.train_seconds - seconds)

    def tokens(self) -> int:
        return sum(counts.tokens for counts in self.trainer.progress.stats.task_counts.values())

    def moved(self) -> None:
        progress = self.trainer.progress
        if progress.updates >= self.updates or progress.stats.train_seconds > self.until:
            raise _Enough


def main(argv: Sequence[str]) -> int:
    """Measures, prints the table and which settings hold, and stores the record if asked to; 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="measurements of each setting (default: 5)")
    parser.add_argument("--updates", type=int, default=64, metavar="N", help="in each measurement (default: 64)")
    parser.add_argument("--limit", type=float, default=6.0, metavar="X", help="seconds of each at most (default: 6)")
    quick = {"rounds": 1, "updates": 16, "limit": 2.0}
    parser.add_argument("--quick", action="store_true", help=f"only to see whether it works: {quick}")
    parser.add_argument("--store", action="store_true", help="keep the record in docs/speed")
    args = parser.parse_args(argv)
    if args.quick:
        vars(args).update(quick)
    for name in (*CHOICES, "OMP_NUM_THREADS"):
        os.environ.pop(name, None)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    if (load := os.getloadavg()[0]) > QUIET_LOAD:
        sys.stderr.write(f"warning: the load of this machine was {load:.1f} in the last minute: it is not quiet\n")
    record = measured(shlex.join(["python", "tests/measure_spin.py", *argv]), args)
    print(table(record, "simple"))
    print("These hold both conditions, best on a busy machine first:", ", ".join(record.holding()) or "none")
    if args.store:
        (SPEED / FILE).write_text(strict_json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


def measured(command: str, args: argparse.Namespace) -> SpinRecord:
    """Every setting by turns under each load, round after round."""
    rates: dict[tuple[str, int], list[float]] = {}
    tasks = tuple(task.name for task in registry.of_paper())
    with opened(None, 1.0) as corpora, encoder_named(None, None) as encoder, temporary_folder() as cache:
        assert encoder.folder is not None
        given = SpinTraining(corpora=corpora.folder, cache=cache, encoder=encoder.folder, tasks=tasks)
        with ExitStack() as stack:
            workers = [stack.enter_context(worker(setting, given)) for setting in VARIABLES]
            for one in workers:  # The kernels of these batches are made.
                one.ask("measure", args.updates, args.limit)
            for number in range(args.rounds):
                for busy in (0, 1, torch.get_num_threads()):
                    sys.stderr.write(f"round {number + 1} of {args.rounds}, beside {busy} busy processes\n")
                    with busy_processes(busy):
                        for one in workers:
                            rate = one.ask("measure", args.updates, args.limit)
                            rates.setdefault((one.arm, busy), []).append(rate)
    return SpinRecord(
        command=command,
        finished=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        environment=torch_environment("cpu"),
        updates=args.updates,
        cells=tuple(
            SpinCell(setting=setting, busy=busy, tokens_per_second=tuple(found))
            for (setting, busy), found in rates.items()
        ),
    )


def worker(setting: str, given: SpinTraining) -> Worker:
    """The process of a setting, whose variables are there before it imports torch."""
    with patch.dict(os.environ, VARIABLES[setting]):
        return Worker(setting, SpinArm, setting, given)


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """So many processes that do nothing but compute, as long as the block lasts."""
    processes = [multiprocessing.Process(target=_compute, args=(os.getpid(),), daemon=True) for _ in range(count)]
    try:
        for process in processes:
            process.start()
        time.sleep(SETTLE_SECONDS)
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def _compute(parent: int) -> None:
    while os.getppid() == parent:
        sum(range(1_000_000))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
