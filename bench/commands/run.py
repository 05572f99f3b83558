"""`python -m bench run`: does what is missing of a comparison, keeps it, and reports it."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench import options
from bench.commands import plan
from bench.inert import plain
from tasks.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.place import Place
    from bench.plan import Planned
    from bench.store import Result


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
    _run(args)
    from bench.report.files import publish

    publish(args.results)
    results = plain(str(args.results))
    sys.stderr.write(f"results are in {results}/runs, tables and figures in {results}/report\n")
    return 0


def _run(args: argparse.Namespace) -> None:
    from bench.answers import make_folder
    from bench.corpora import data_folder
    from bench.device import choose_device
    from bench.place import require_writable
    from bench.plan import DONE, summary
    from bench.progress import Progress
    from bench.request import prepared, requested
    from bench.runner import carry_out

    requested(args)
    require_writable(args.results)
    if args.answers:
        make_folder(args.answers, (args.results, data_folder(args.data)))
    with prepared(args, fetch=True) as (where, planned):
        due = [one for one in planned if one.state != DONE]
        device = choose_device(args.device) if any(one.run.baseline.needs_encoder for one in due) else "cpu"
        with Progress(sum(one.cost for one in due)) as progress:
            progress.say(summary(planned))
            left = 0
            for one in due:
                if one.why:
                    progress.say(f"{one.run.title} again: {one.why}")
                result = carry_out(one, where, device, progress, args.checkpoint_seconds)
                left += result is None
                progress.finished(one.cost, _line(one, result))
        if left:
            raise InputError(
                f"another process is doing {left} of these runs in {args.results}: give this command again after it"
            )
        if args.answers:
            _write_answers(planned, where, args.answers)


def _write_answers(planned: Sequence[Planned], where: Place, folder: Path) -> None:
    from bench.answers import write_answers

    for one in planned:
        for line in write_answers(one, where, folder):
            sys.stderr.write(plain(line) + "\n")
    sys.stderr.write(f"answers, with text of notes, are in {plain(str(folder))}\n")


def _line(planned: Planned, result: Result | None) -> str:
    from bench.progress import duration

    if result is None:
        return f"{planned.run.title}: left to another process, which is at it"
    scores = ", ".join(f"{task} {_points(result, task)}" for task in result.tasks)
    return f"{planned.run.title} ({duration(result.training.train_seconds)}): {scores}"


def _points(result: Result, task: str) -> str:
    value = result.scores[task].metrics[0].value
    return f"{100 * value:.1f}" if math.isfinite(value) else "undefined"
