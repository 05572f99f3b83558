"""How plans, reports and the command of many runs scale, and what a large grid takes on several GPUs, on paper.

`python scale.py` (`tox -e scale`) measures each in processes of their own and writes the record that the page of
performance shows. Results are made up, of the sizes of real ones.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from statistics import fmean, median
from typing import Any
from unittest.mock import patch

import dying
import many_results
from bench.cli import main as cli
from bench.report import numbers
from bench.runner import processes
from bench.runner.schedule_estimate import schedule
from bench.runner.starts import closed_plan
from bench.store import strict_json
from bench.store.environment import Environment, environment
from bench.store.runs import Result, read_all
from small_bench import write_corpora
from tasks.core.errors import InputError

RECORD = Path(__file__).resolve().parent.parent / "docs" / "speed" / "scale.json"
ROUNDS = 3
DRIVEN_RUNS, WORKERS = 1000, 2
STORED_SEEDS, GRID_SEEDS = 92, 257
PAPER_SEEDS, PAPER_ENCODERS, GPUS = 5, 6, (1, 8, 64)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A command over so many runs: seconds of each round, and the most memory of any."""

    what: str
    runs: int
    seconds: tuple[float, ...]
    peak_bytes: int


@dataclass(frozen=True, kw_only=True)
class Driven:
    """A command of so many runs that take no time, and the part of its workers' time in which they had a process."""

    runs: int
    workers: int
    seconds: float
    busy: float


@dataclass(frozen=True, kw_only=True)
class OnPaper:
    """A grid on so many GPUs, if a run takes there what it was measured to take."""

    gpus: int
    runs: int
    seconds: float
    efficiency: float


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What is written; `load` is how many processes wanted the machine beside ours before it began."""

    measured: tuple[Measured, ...]
    stored: int
    driven: Driven
    on_paper: tuple[OnPaper, ...]
    run_seconds: dict[str, float]
    run_environment: Environment
    finished: str
    load: float
    environment: Environment


def plan(results: Path) -> None:
    """Looks up the grid with each encoder, as a process of its own does, and prints what it took."""
    runs = list(many_results.grid(range(GRID_SEEDS)))
    begun, states = time.perf_counter(), Counter[str]()
    for context in many_results.contexts(results):
        states.update(one.state for one in closed_plan(runs, context))
    took = time.perf_counter() - begun
    print(json.dumps([took, states.total(), states["done"], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))


def drive(folder: Path) -> None:
    """Does runs that take no time, as the command does, and prints how busy its workers were."""
    lives: dict[Any, list[float]] = {}

    class Watched(processes.Processes):
        def begin(self, planned: Any, alone: bool, tell: Any) -> None:
            lives[planned.name] = [time.perf_counter()]
            super().begin(planned, alone, tell)

        def _ended(self, pipe: Any) -> None:
            lives[self.under_way[pipe].planned.name].append(time.perf_counter())
            super()._ended(pipe)

    seeds = [str(dying.LATER + number) for number in range(DRIVEN_RUNS)]
    words = ["run", "--tasks", "mednli", "--baselines", "dying", "--encoder", "minilm", "--jobs", str(WORKERS)]
    with patch.object(processes, "Processes", Watched), patch("bench.report.files.publish", lambda results: None):
        status = cli.main([*words, "--data", str(folder / "data"), "--results", str(folder), "--seeds", *seeds])
    if status:
        raise SystemExit(status)
    took = max(end for _, end in lives.values()) - min(begin for begin, _ in lives.values())
    busy = sum(end - begin for begin, end in lives.values()) / (WORKERS * took)
    driven = Driven(runs=len(lives), workers=WORKERS, seconds=took, busy=busy)
    print(strict_json.dumps(driven))


def _driven() -> Driven:
    with tempfile.TemporaryDirectory() as folder:
        dying.install(Path(folder, "plugin"))
        write_corpora(Path(folder, "data"))
        path = os.pathsep.join([str(Path(folder, "plugin")), str(Path(__file__).parent), *sys.path])
        os.environ.update(PYTHONPATH=path, BENCH_CACHE=str(Path(folder, "cache")))
        return strict_json.loads(Driven, _output([__file__, "drive", folder])[0])


def main() -> None:
    """Makes the results, measures, and writes the record."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder)
        stored = many_results.make(results, STORED_SEEDS)
        plans = [json.loads(_output([__file__, "plan", folder])[0]) for _ in range(ROUNDS)]
        reports = [_output(["-m", "bench", "report", "--results", folder])[1:] for _ in range(ROUNDS)]
    planned = Measured(
        what="plan", runs=plans[0][1], seconds=tuple(one[0] for one in plans), peak_bytes=max(one[3] for one in plans)
    )
    reported = Measured(
        what="report", runs=stored, seconds=tuple(one[0] for one in reports), peak_bytes=max(one[1] for one in reports)
    )
    reference = [one for one in read_all(many_results.REFERENCE.parent, many_results.REFERENCE.name) if one.tasks]
    seconds = _run_seconds(reference)
    record = Scale(
        measured=(planned, reported), stored=stored, driven=_driven(), on_paper=tuple(_on_paper(seconds)),
        run_seconds=seconds,
        run_environment=reference[0].environment, finished=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), load=load,
        environment=environment(),
    )  # fmt: skip
    RECORD.write_text(strict_json.dumps(record, indent=1) + "\n")


def _output(words: list[str]) -> tuple[str, float, int]:
    """What a Python process prints, its seconds, and the most memory that it had."""
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(words)} ended with {status}")
    return printed, time.perf_counter() - begun, usage.ru_maxrss * 1024


def _run_seconds(reference: list[Result]) -> dict[str, float]:
    """The mean seconds of a run of each task alone, and of all together."""
    taken: dict[str, list[float]] = {}
    for one in reference:
        whole = one.training.train_seconds + one.training.dev_seconds + one.test_seconds
        taken.setdefault("multitask" if one.joint else one.tasks[0], []).append(whole)
    return {name: fmean(found) for name, found in sorted(taken.items())}


def _on_paper(seconds: dict[str, float]) -> Iterator[OnPaper]:
    """Each task alone, all together, and each task from the model of each other, with all encoders and seeds."""
    runs: list[tuple[float, int | None]] = []
    alone = [name for name in seconds if name != "multitask"]
    for _ in range(PAPER_SEEDS * PAPER_ENCODERS):
        starts = {name: len(runs) + place for place, name in enumerate(alone)}
        runs += [(seconds[name], None) for name in alone]
        runs += [(seconds["multitask"], None)]
        runs += [(seconds[then], starts[first]) for first, then in permutations(alone, 2)]
    for gpus in GPUS:
        found = schedule(runs, gpus)
        yield OnPaper(gpus=gpus, runs=len(runs), seconds=found.seconds, efficiency=found.efficiency)


def shown() -> str:
    """The record as Markdown."""
    if not RECORD.is_file():
        raise InputError(f"{RECORD} is not there: measure with `tox -e scale`")
    record = strict_json.loads(Scale, RECORD.read_bytes())
    here, there = record.environment, record.run_environment
    load = "" if record.load < 0.5 else f" The machine was not quiet: its load was {record.load:.1f} when this began."
    lines = [
        f"Measured on {record.finished[:10]}: {here.processor}, Python {here.python}, numpy {here.numpy}. Medians of "
        f"{ROUNDS} processes.{load}",
        "",
        "| | runs | seconds | peak memory |",
        "|:--|--:|--:|--:|",
    ]
    names = {"plan": f"plan, looked up beside {record.stored:,} stored runs", "report": "report of stored runs"}
    lines += [
        f"| {names[one.what]} | {one.runs:,} | {median(one.seconds):.1f} | {numbers.size(one.peak_bytes)} |"
        for one in record.measured
    ]
    driven = record.driven
    lines += [
        "",
        f"{driven.runs:,} runs of a baseline that learns nothing, {driven.workers} at once: {driven.seconds:.0f} s, "
        f"{driven.seconds * driven.workers / driven.runs * 1000:.0f} ms each, in which a process begins, reads, "
        f"answers and writes. {driven.busy:.1%} of the workers' time had such a process.",
        "",
        f"On paper, with the run times of the reference ({there.processor}, threads {there.threads}; a GPU is faster):",
        "",
        "| GPUs | runs | time | busy |",
        "|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {one.gpus} | {one.runs:,} | {numbers.duration(one.seconds)} | {one.efficiency:.0%} |"
        for one in record.on_paper
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    words: list[Any] = sys.argv[1:]
    {"plan": plan, "drive": drive}[words[0]](Path(words[1])) if words else main()
