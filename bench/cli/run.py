"""`python -m bench run`: does what is missing of a comparison, keeps it, and reports it."""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli import options, plan
from bench.store.sanitise import sanitise
from tasks.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.runner.context import RunContext
    from bench.runner.plan import Planned
    from bench.runner.progress import Progress
    from bench.store.runs import Result


WAIT_SECONDS = 1.0
"""Another process is looked after so often."""


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
    parser.add_argument("--dry-run", action="store_true", help="only print what would be done, as `plan` does")


def main(args: argparse.Namespace) -> int:
    """Does the missing runs in turn, then prints the report and writes its files; 0."""
    if args.dry_run:
        return plan.main(args)
    not_written = _run(args)
    from bench.report.files import publish

    publish(args.results)
    results = sanitise(str(args.results))
    sys.stderr.write(f"results are in {results}/runs, tables and figures in {results}/report\n")
    if not_written:
        raise InputError("; ".join(not_written))
    return 0


def _run(args: argparse.Namespace) -> list[str]:
    """Does the missing runs; says which answers could not be written."""
    from bench.cli.request import prepared, requested
    from bench.report.numbers import notices
    from bench.runner.answers import make_folder
    from bench.runner.context import require_writable
    from bench.runner.corpora import data_folder
    from bench.runner.device import choose_device
    from bench.runner.killed import clear_killed
    from bench.runner.plan import DONE, summary
    from bench.runner.progress import Progress
    from bench.runner.run import run_and_store

    requested(args)
    require_writable(args.results)
    if args.answers:
        make_folder(args.answers, (args.results, data_folder(args.data)))
    with prepared(args, fetch=True) as (where, planned):
        _remember(args, where, planned)
        due = [one for one in planned if one.state != DONE]
        device = choose_device(args.device) if any(one.run.baseline.needs_encoder for one in due) else "cpu"
        clear_killed(planned, where)
        with Progress(sum(one.cost for one in due)) as progress:
            progress.say(summary(planned))
            for name, task in {task.name: task for one in planned for task in one.run.tasks}.items():
                if counts := where.corpora.corpus_statistics(task).notices:
                    progress.say(f"{name}: mended, skipped or doubted when read: {notices(counts)}")
            for one in due:
                if one.why:
                    progress.say(f"{one.run.title} again: {one.why}")
            _do_all(due, progress, lambda one: run_and_store(one, where, device, progress, args.checkpoint_seconds))
        return _write_answers(planned, where, args.answers) if args.answers else []


def _remember(args: argparse.Namespace, where: RunContext, planned: Sequence[Planned]) -> None:
    """Keep in the cache what the user called encoder and corpora, for the commands that a report prints."""
    from bench.runner.corpora import OFFICIAL
    from bench.store import cache

    cache.remember(where.cache, where.encoder.name, where.encoder.digest, args.encoder or where.encoder.name)
    for task, digest in {pair for one in planned for pair in one.fingerprints.corpora.items()}:
        if where.corpora.name == OFFICIAL:
            cache.remember(where.cache, task, digest, str(where.corpora.folder))


def _do_all(due: list[Planned], progress: Progress, run_and_store: Callable[[Planned], Result | None]) -> None:
    """Does runs in turn; those that another process is at are waited for, and done here if it gives them up."""
    while due:
        left = []
        for one in due:
            if (result := run_and_store(one)) is None:
                left.append(one)
            else:
                progress.finished(one.cost, _line(one, result))
        if left == due:
            progress.reached(0.0, 0.0, f"waiting for another process, which is at {len(left)} of these runs")
            time.sleep(WAIT_SECONDS)
        due = left


def _write_answers(planned: Sequence[Planned], where: RunContext, folder: Path) -> list[str]:
    from bench.runner.answers import write_answers

    not_written = []
    for one in planned:
        for task in one.run.tasks:
            try:
                if line := write_answers(one, task, where, folder):
                    sys.stderr.write(sanitise(line) + "\n")
            except InputError as error:
                not_written.append(f"{one.run.title}: {error}")
    sys.stderr.write(f"answers, with text of notes, are in {sanitise(str(folder))}\n")
    return not_written


def _line(planned: Planned, result: Result) -> str:
    from bench.runner.progress import duration

    scores = ", ".join(f"{task} {_points(result, task)}" for task in result.tasks)
    return f"{planned.run.title} ({duration(result.training.train_seconds)}): {scores}"


def _points(result: Result, task: str) -> str:
    value = result.scores[task].metrics[0].value
    return f"{100 * value:.1f}" if math.isfinite(value) else "undefined"
