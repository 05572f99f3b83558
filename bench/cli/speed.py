"""`python -m bench speed`: how fast one multitask model answers, and eight single-task ones, and stock pipelines."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.core.settings import PRECISIONS, PROFILES
from bench.cli import options
from bench.speed.encoders import RANDOM, named
from bench.store.sanitise import sanitise

if TYPE_CHECKING:
    from bench.runner.context import EncoderFiles
    from bench.runner.corpora import Corpora
    from bench.store.inference_record import Speed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `speed`."""
    add, count = parser.add_argument, options.work
    add("--peers", action="store_true", help="measure stock transformers pipelines too")
    add("--growth", action="store_true", help="measure 1 to 8 tasks, and notes of up to a million characters, too")
    add("--notes", type=count, default=64, metavar="N", help="notes, and about as many pairs (default: 64)")
    add("--batches", type=count, nargs="+", default=[1, 8, 64], metavar="N", help="at a time (default: 1 8 64)")
    add("--rounds", type=count, default=5, metavar="N", help="measurements of each arm, in turn (default: 5)")
    add("--threads", type=options.threads, metavar="N", help="of torch (default: as many as it takes by itself)")
    add("--encoder", metavar="NAME", help=f"as for `run`, or {RANDOM}: of that size, its weights as drawn")
    add("--data", type=Path, metavar="DIR", help="where the official corpora are (or BENCH_DATA; default: demo's)")
    add("--results", type=Path, default=Path("results"), metavar="DIR", help="where kept models and results lie")
    add("--out", type=Path, metavar="DIR", help="write the tables as Markdown and the figure to this folder too")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to answer (default: auto)")
    add("--profile", choices=tuple(PROFILES), help="windows where no models were kept (default: demo; --data: paper)")
    add("--precision", choices=PRECISIONS, default="auto", help="where no models were kept (default: auto)")


def main(args: argparse.Namespace) -> int:
    """Measures, stores and prints; 0."""
    from bench.report.formats import terminal
    from bench.report.tables.inference import section
    from bench.runner.context import require_writable
    from bench.runner.corpora import data_folder, opened
    from bench.store import inference_record as record

    require_writable(args.results)
    data = data_folder(args.data)
    with opened(data, 1.0) as corpora, named(args.encoder, data) as encoder:
        speed = replace(_measured(args, corpora, encoder), command=options.redacted_command(args))
    path = record.write(args.results, speed)
    sys.stdout.write(terminal.render([section(speed)]))
    sys.stderr.write(f"stored in {sanitise(str(path))}\n")
    if args.out:
        _write(speed, args.out)
    return 0


def _write(speed: Speed, out: Path) -> None:
    from bench.report.figures import inference
    from bench.report.files import write_all
    from bench.report.formats import markdown
    from bench.report.tables.inference import section

    found = section(speed)
    write_all(
        out, {f"{found.name}.md": markdown.render([found]).encode(), f"{found.name}.svg": inference.draw(speed, "svg")}
    )


def _measured(args: argparse.Namespace, corpora: Corpora, encoder: EncoderFiles) -> Speed:
    import torch

    from bench import registry
    from bench.runner.context import RunContext
    from bench.runner.corpora import DEMO
    from bench.runner.device import choose_device
    from bench.speed import arms, measure

    tasks = tuple(sorted(registry.of_paper(), key=lambda task: (task.kind != "span", task.name)))
    corpora.require(tasks)
    profile = PROFILES[args.profile or ("demo" if corpora.name == DEMO else "paper")]
    where = RunContext(corpora, args.results, encoder)
    setup = arms.setup(where, tasks, replace(profile, precision=args.precision), choose_device(args.device))
    extent = measure.Extent(
        notes=args.notes,
        rounds=args.rounds,
        batches=tuple(sorted(set(args.batches))),
        threads=args.threads or torch.get_num_threads(),
        peers=args.peers,
        growth=args.growth,
    )
    return measure.measured(where, setup, extent)
