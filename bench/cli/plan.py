"""`python -m bench plan`: the runs of a comparison, which are done, which are missing, and how long they will take."""

from __future__ import annotations

import argparse

from bench.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `plan`."""
    options.add_arguments(parser)
    parser.add_argument(
        "--gpus", type=options.whole(1, 100_000), metavar="N", help="also say how long it takes on N GPUs"
    )


def main(args: argparse.Namespace) -> int:
    """Prints one line a run, of a large grid one an arm; 0."""
    from bench.cli.request import print_plan

    return print_plan(args, args.gpus)
