"""`python -m bench growth`: how time and memory of training grow; and the page that shows all that was measured."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli import options
from bench.speed.encoders import RANDOM, named
from bench.store.growth_record import AGAINST, BATCH
from bench.store.sanitise import sanitise

if TYPE_CHECKING:
    from bench.store.growth_record import Growth


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `growth`."""
    add, count = parser.add_argument, options.work
    add("--against", nargs="+", choices=AGAINST, default=list(AGAINST), help="what grows (default: each in turn)")
    add(
        "--scales",
        type=options.whole(1, 10_000),
        nargs="+",
        default=[1, 10, 100],
        metavar="X",
        help="of the demo (default: 1 10 100)",
    )
    add("--lengths", type=count, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000], metavar="N",
        help="characters of a note (default: 1000 to 1000000)")  # fmt: skip
    add("--updates", type=count, default=64, metavar="N", help="timed at each size (default: 64)")
    add("--encoder", metavar="NAME", help=f"as for `run` (default: minilm; for batch {RANDOM}, of BERT-base's size)")
    add("--threads", type=options.threads, metavar="N", help="of torch (default: as many as it takes by itself)")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train (default: auto)")
    add("--results", type=Path, default=Path("results"), metavar="DIR", help="where measurements are kept")
    add(
        "--page", type=Path, metavar="FILE", help="measure nothing: write this page from the records in speed beside it"
    )


def main(args: argparse.Namespace) -> int:
    """Measures, stores and prints; or writes the page; 0."""
    from bench.report import page
    from bench.report.formats import terminal
    from bench.report.tables.growth import section
    from bench.runner.context import require_writable
    from bench.store.growth_record import write

    if args.page:
        page.write(args.page)
        return 0
    require_writable(args.results)
    for against in args.against:
        growth = _measured(args, against)
        path = write(args.results, growth)
        sys.stdout.write(terminal.render([section(growth)]))
        sys.stderr.write(f"stored in {sanitise(str(path))}\n")
    return 0


def _measured(args: argparse.Namespace, against: str) -> Growth:
    import torch

    from bench import registry
    from bench.runner.device import choose_device
    from bench.speed.growth_measure import Extent, growth

    with named(args.encoder or (RANDOM if against == BATCH else None), None) as encoder:
        extent = Extent(
            tasks=tuple(sorted(registry.of_paper(), key=lambda task: (task.kind != "span", task.name))),
            encoder=encoder,
            device=choose_device(args.device),
            threads=args.threads or torch.get_num_threads(),
            scales=tuple(sorted(set(args.scales))),
            lengths=tuple(sorted(set(args.lengths))),
            updates=args.updates,
            command=options.redacted_command(args),
        )
        return growth(against, extent)
