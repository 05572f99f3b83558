"""`python -m bench run`: does what is missing of a comparison, keeps it, and reports it."""

from __future__ import annotations

import argparse
import math
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli import options
from bench.store.sanitise import sanitise
from tasks.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.runner.executor import Executor
    from bench.runner.plan import Planned, RunContext

LOCAL, SERIAL, RAY = "local", "serial", "ray"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `run`."""
    options.add_arguments(parser)
    # It is no setting: how often unfinished work is kept changes no result.
    parser.add_argument(
        "--checkpoint-seconds",
        type=options.not_negative,
        default=30.0,
        metavar="X",
        help="keep unfinished work at most this often, and never for more than a twentieth of the time (default: 30)",
    )
    parser.add_argument(
        "--answers",
        type=Path,
        metavar="DIR",
        help="also write what was answered in the official formats, for the official programs; holds text of notes",
    )
    _add_executors(parser)
    parser.add_argument("--dry-run", action="store_true", help="only print what would be done, as `plan` does")


def _add_executors(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--executor",
        choices=(LOCAL, SERIAL, RAY),
        default=LOCAL,
        help="local: each run in a process of its own, which is the default; serial: all in this one, for debuggers; "
        "ray: on a cluster (docs/cluster.md)",
    )
    parser.add_argument(
        "--address",
        metavar="auto|HOST:PORT|ray://HOST:PORT",
        help="of the Ray cluster (or RAY_ADDRESS; default: one of this machine alone, for this command)",
    )
    parser.add_argument(
        "--gpus-per-run",
        type=options.number(0, math.nextafter(1, 2), low_too=False),
        metavar="X",
        help="part of a GPU that Ray gives a run, whose memory it does not limit (default: 1)",
    )


def main(args: argparse.Namespace) -> int:
    """Does the missing runs in turn, then prints the report and writes its files; 0."""
    if args.dry_run:
        from bench.cli.request import print_plan

        return print_plan(args)
    not_written = _run(args)
    from bench.report.files import publish

    publish(args.results)
    results = sanitise(str(args.results))
    sys.stderr.write(f"results are in {results}/runs, tables and figures in {results}/report\n")
    if not_written:
        raise InputError("; ".join(not_written))
    return 0


def _run(args: argparse.Namespace) -> list[str]:
    """Does the missing runs; says what could not be done or written."""
    from bench.cli.request import planned_runs, requested
    from bench.report.numbers import notices
    from bench.runner.answers import make_folder
    from bench.runner.encoder_files import require_writable
    from bench.runner.executor import Scheduler
    from bench.runner.plan import DONE, summary
    from bench.runner.plan_lines import again
    from bench.runner.progress import Progress
    from bench.runner.starts import Starts
    from bench.runner.unfinished import remove_abandoned

    asked = requested(args)
    if args.executor != RAY and (args.address or args.gpus_per_run):
        raise InputError("--address and --gpus-per-run are of a Ray cluster: give --executor ray with them")
    require_writable(args.results)
    if args.answers:
        make_folder(args.answers, (args.results, args.data))
    if args.executor == LOCAL:
        from bench.runner.processes import start_server

        start_server(any(baseline.needs_encoder for baseline in asked.baselines))
    with planned_runs(args, asked, fetch=True) as (context, runs):
        _remember(args.encoder, context, runs)
        due = [planned for planned in runs if planned.state != DONE]
        remove_abandoned(context.results, {planned.name.path for planned in due})
        with Starts(runs, context) as starts, Progress(sum(planned.cost for planned in due)) as progress:
            progress.say(summary(runs))
            for name, task in {task.name: task for planned in runs for task in planned.run.tasks}.items():
                if counts := context.corpora.corpus_statistics(task).notices:
                    progress.say(f"{name}: mended, skipped or doubted when read: {notices(counts)}")
            for line in again(due):
                progress.say(line)
            left = Scheduler(due, starts, _executor(args, context, runs), progress).run() if due else {}
        done = [planned for planned in runs if planned.run.title not in left]
        return [*_missing(left, len(runs)), *(_write_answers(done, context, args.answers) if args.answers else [])]


def _missing(left: Mapping[str, str], runs: int) -> Iterator[str]:
    if left:
        title, reason = next(iter(left.items()))
        others = f", and {len(left) - 1} more" if len(left) > 1 else ""
        yield f"{len(left)} of {runs} runs are missing, the same command tries again: {title}: {reason}{others}"


def _executor(args: argparse.Namespace, context: RunContext, runs: Sequence[Planned]) -> Executor:
    """Where the runs are done, and how many of them at once."""
    from bench.cli.request import jobs_and_threads
    from bench.runner.device import choose_device, gpu_bytes
    from bench.runner.plan import DONE
    from bench.runner.processes import Processes, ask
    from bench.runner.serial import Serial
    from bench.runner.slots import Slots, cores, shared_out

    if args.executor == RAY:
        from bench.runner.ray_cluster import Asked, RayCluster
        from bench.runner.ray_task import serve

        # As on one machine with a run for each core: a thread each, where nothing else is said.
        _, threads = shared_out(0, 0, cores(), args.threads)
        asked = Asked(args.address or os.environ.get("RAY_ADDRESS") or None, args.jobs, args.device, args.gpus_per_run)
        return RayCluster(_with_threads(args, context, threads), asked, serve)
    serial = args.executor == SERIAL
    if serial:
        args.jobs = 1
    trains = any(planned.state != DONE and planned.run.baseline.needs_encoder for planned in runs)
    # Where a GPU is looked for, torch is imported and begun: not in this process.
    device = choose_device(args.device) if serial else ask(choose_device, args.device) if trains else "cpu"
    gpus = [] if serial or device == "cpu" else ask(gpu_bytes)
    jobs, threads = jobs_and_threads(args, context, runs)
    context = replace(_with_threads(args, context, threads), device=device)
    return Serial(context) if serial else Processes(context, Slots(args.jobs if gpus else jobs, gpus))


def _with_threads(args: argparse.Namespace, context: RunContext, threads: int) -> RunContext:
    return replace(context, threads=args.threads, default_threads=threads, checkpoint_seconds=args.checkpoint_seconds)


def _remember(encoder: str | None, context: RunContext, runs: Sequence[Planned]) -> None:
    """Keep in the cache what the user called encoder and corpora, for the commands that a report prints."""
    from bench.runner.corpora import OFFICIAL
    from bench.store import cache

    cache.remember(context.cache, context.encoder.name, context.encoder.digest, encoder or context.encoder.name)
    if context.corpora.name == OFFICIAL:
        for task, digest in {pair for planned in runs for pair in planned.fingerprints.corpora.items()}:
            cache.remember(context.cache, task, digest, str(context.corpora.folder))


def _write_answers(runs: Sequence[Planned], context: RunContext, folder: Path) -> list[str]:
    from bench.runner.answers import write_answers

    not_written = []
    for planned in runs:
        for task in planned.run.tasks:
            try:
                if line := write_answers(planned, task, context, folder):
                    sys.stderr.write(sanitise(line) + "\n")
            except InputError as error:
                not_written.append(f"{planned.run.title}: {error}")
    sys.stderr.write(f"answers, with text of notes, are in {sanitise(str(folder))}\n")
    return not_written
