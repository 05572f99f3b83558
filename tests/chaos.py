"""Kills workers, nodes and driver of a grid on a Ray cluster at random moments, and compares all evidence to the bit.

Real trainings of a tiny encoder and runs that count are done over and over until there have been so many kills; each
grid that is done is compared with the same one done here, one run after the other. Prints the record as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from conftest import make_encoder
from ray_nodes import Nodes, evidence, three_nodes
from separate import finish
from small_trainings import SCORES, SPANS, TRAINING, SmallBench

WEIGHTS = {"worker": 2, "node": 1, "driver": 1}
GRID = f"--data data --tasks {SPANS} {SCORES} --encoder encoder --seeds 0 1 --baselines in_steps multitask".split()
GRID += [*TRAINING, "--checkpoint-seconds", "0"]
RECORD = Path(__file__).resolve().parent.parent / "docs" / "speed" / "chaos.json"

STATUSES = (0, 2, -signal.SIGKILL)
"""Done; some runs left, since a worker of theirs died twice; killed."""


class Chaos:
    """Does grids and kills meanwhile, `every` seconds on average."""

    def __init__(self, nodes: Nodes, kills: int, every: float, draw: random.Random) -> None:
        self.nodes, self.kills, self.every, self.draw = nodes, kills, every, draw
        self.done: Counter[str] = Counter()
        self.grids, self.files, self.commands = 0, 0, 0
        self.differing: list[str] = []

    def run(self, expected: dict[str, bytes]) -> None:
        """Until there have been enough kills, and then to the end of the grid that is under way."""
        while self.done.total() < self.kills:
            results = f"grid-{self.grids}"
            while self._command(results):
                pass
            found = evidence(self.nodes.folder / results)
            names = expected.keys() | found.keys()
            self.differing += [f"{results}: {name}" for name in names if expected.get(name) != found.get(name)]
            self.grids, self.files = self.grids + 1, self.files + len(found)
            print(f"{self.grids} grids, {dict(self.done)}, {len(self.differing)} differ", file=sys.stderr, flush=True)

    def _command(self, results: str) -> bool:
        """Give the command once; whether it must be given again."""
        driver = self.nodes.command(GRID, results)
        self.commands += 1
        while driver.poll() is None and self.done.total() < self.kills:
            with suppress(subprocess.TimeoutExpired):
                driver.wait(self.draw.uniform(0, 2 * self.every))
            if driver.poll() is None and (workers := self.nodes.workers()):
                self._kill(driver, workers)
        said = finish(driver)
        if driver.returncode not in STATUSES:
            raise RuntimeError(f"the command ended with {driver.returncode}: {said.stderr[-2000:]}")
        return driver.returncode != 0

    def _kill(self, driver: subprocess.Popen[str], workers: list[int]) -> None:
        (what,) = self.draw.choices(list(WEIGHTS), list(WEIGHTS.values()))
        if what == "worker":
            with suppress(ProcessLookupError):
                os.kill(self.draw.choice(workers), signal.SIGKILL)
        elif what == "driver":
            driver.kill()
        else:
            self.nodes.tell("lose")
            self.nodes.tell("add")
        self.done[what] += 1


def main() -> None:
    """Reads the options, makes corpora and encoder, and prints the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--every", type=float, default=4.0, help="seconds between two kills, on average")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", action="store_true", help="keep the record in docs/speed")
    args = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as at, three_nodes(Path(at), step_seconds=0.05) as nodes:
        make_encoder(Path(at) / "encoder")
        SmallBench(Path(at), Path(at) / "encoder")
        serial = finish(nodes.command(GRID, "serial", "serial"))
        if serial.returncode:
            raise RuntimeError(serial.stderr)
        expected = evidence(Path(at) / "serial")
        nodes.wait()
        chaos = Chaos(nodes, args.kills, args.every, random.Random(args.seed))
        chaos.run(expected)
        record = {
            "kills": dict(chaos.done),
            "seed": args.seed,
            "seconds_between_kills": args.every,
            "commands": chaos.commands,
            "grids": chaos.grids,
            "files_compared": chaos.files,
            "files_that_differ": chaos.differing,
            "addresses": sorted(nodes.seen.addresses),
            "minutes": round((time.monotonic() - begun) / 60, 1),
            "ray": metadata.version("ray"),
            "torch": metadata.version("torch"),
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        }
    print(json.dumps(record, indent=1))
    if args.store:
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
    if chaos.differing or not expected:
        sys.exit(1)


if __name__ == "__main__":
    main()
