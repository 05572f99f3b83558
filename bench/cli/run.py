"""`python -m bench run`: does what is missing of a comparison, keeps it, and reports it."""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli import options
from bench.store.sanitise import sanitise
from tasks.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.runner.plan import Planned, RunContext
    from bench.runner.progress import Progress
    from bench.runner.starts import Starts
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
    """Does the missing runs; says which answers could not be written."""
    from bench.cli.request import planned_runs, requested
    from bench.report.numbers import notices
    from bench.runner.answers import make_folder
    from bench.runner.device import choose_device
    from bench.runner.encoder_files import require_writable
    from bench.runner.plan import DONE, summary
    from bench.runner.progress import Progress
    from bench.runner.run import run_and_store
    from bench.runner.starts import Starts
    from bench.runner.unfinished import remove_abandoned

    asked = requested(args)
    require_writable(args.results)
    if args.answers:
        make_folder(args.answers, (args.results, args.data))
    with planned_runs(args, asked, fetch=True) as (context, runs):
        _remember(args.encoder, context, runs)
        due = [planned for planned in runs if planned.state != DONE]
        device = choose_device(args.device) if any(planned.run.baseline.needs_encoder for planned in due) else "cpu"
        remove_abandoned(context.results, {planned.name.path for planned in due})
        with Starts(runs, context) as starts, Progress(sum(planned.cost for planned in due)) as progress:
            progress.say(summary(runs))
            for name, task in {task.name: task for planned in runs for task in planned.run.tasks}.items():
                if counts := context.corpora.corpus_statistics(task).notices:
                    progress.say(f"{name}: mended, skipped or doubted when read: {notices(counts)}")
            for planned in due:
                if planned.why:
                    progress.say(f"{planned.run.title} again: {planned.why}")
            _do_all(
                due,
                starts,
                progress,
                lambda planned: run_and_store(planned, context, device, progress, args.checkpoint_seconds),
            )
        return _write_answers(runs, context, args.answers) if args.answers else []


def _remember(encoder: str | None, context: RunContext, runs: Sequence[Planned]) -> None:
    """Keep in the cache what the user called encoder and corpora, for the commands that a report prints."""
    from bench.runner.corpora import OFFICIAL
    from bench.store import cache

    cache.remember(context.cache, context.encoder.name, context.encoder.digest, encoder or context.encoder.name)
    if context.corpora.name == OFFICIAL:
        for task, digest in {pair for planned in runs for pair in planned.fingerprints.corpora.items()}:
            cache.remember(context.cache, task, digest, str(context.corpora.folder))


def _do_all(
    due: list[Planned], starts: Starts, progress: Progress, run_and_store: Callable[[Planned], Result | None]
) -> None:
    """Does runs in turn; those that another process is at are waited for, and done here if it gives them up."""
    while due:
        left = []
        for planned in due:
            # What another process is at holds up what starts from it.
            if not starts.ready(planned) or (result := run_and_store(planned)) is None:
                left.append(planned)
            else:
                starts.finished(planned)
                progress.finished(planned.cost, _line(planned, result))
        if left == due:
            progress.reached(0.0, 0.0, f"waiting for another process, which is at {len(left)} of these runs")
            time.sleep(WAIT_SECONDS)
        due = left


def _line(planned: Planned, result: Result) -> str:
    from bench.runner.progress import duration

    scores = []
    for task in result.tasks:
        value = result.scores[task].metrics[0].value
        scores.append(f"{task} {100 * value:.1f}" if math.isfinite(value) else f"{task} undefined")
    return f"{planned.run.title} ({duration(result.training.train_seconds)}): {', '.join(scores)}"


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
