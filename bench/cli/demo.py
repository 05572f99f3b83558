"""`python -m bench demo`: the made-up corpora as files to look at."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.cli.options import scale
from bench.store.sanitise import sanitise
from tasks.core.errors import InputError, about


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `demo`."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    parser.add_argument("--scale", type=scale, default=1.0, metavar="X", help="as many notes times X (default 1)")
    parser.add_argument("--demo-seed", type=int, default=0, metavar="N", help="another gives other notes (default 0)")


def main(args: argparse.Namespace) -> int:
    """Writes the corpora; InputError where the folder holds anything, which would mix with them."""
    from tasks.demo.corpora import write_demo

    if args.folder.exists() and (not args.folder.is_dir() or any(args.folder.iterdir())):
        raise InputError(f"{args.folder} is not an empty folder: give a new one")
    with about(args.folder):
        write_demo(args.folder, args.scale, args.demo_seed)
    sys.stderr.write(f"made-up corpora are in {sanitise(str(args.folder))}: these are not clinical notes\n")
    return 0
