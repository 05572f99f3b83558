"""`python -m bench plan`: the runs of a comparison, which are done, which are missing, and how long they will take."""

from __future__ import annotations

import argparse
import sys

from bench.cli import options
from bench.store.sanitise import sanitise


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `plan`."""
    options.add_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Prints one line a run; 0."""
    from bench.cli.request import planned_runs, requested
    from bench.runner.estimate import estimate
    from bench.runner.plan import DONE, summary

    with planned_runs(args, requested(args), fetch=False) as (context, runs):
        guess = estimate(runs, context)
    for planned in runs:
        time = "" if planned.state == DONE else _about(guess.seconds([planned]))
        why = f": {sanitise(planned.why)}" if planned.why else ""
        sys.stdout.write(f"{planned.state:<9}{time:<18}{planned.run.title}{why}\n")
    due = any(planned.state != DONE for planned in runs)
    sys.stdout.write(summary(runs) + (f": {_about(guess.seconds(runs))} ({guess.grounds})\n" if due else "\n"))
    return 0


def _about(seconds: float | None) -> str:
    from bench.runner.progress import duration

    return "unknown time" if seconds is None else f"about {duration(seconds)}"
