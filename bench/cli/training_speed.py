"""`python -m bench training-speed`: how fast training goes, beside the stock Trainer of transformers."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from baselines.core.settings import PROFILES, Settings
from bench.cli import options
from bench.speed.encoders import RANDOM, named
from bench.store.sanitise import sanitise


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `training-speed`."""
    add, count = parser.add_argument, options.work
    add("--task", required=True, metavar="TASK", help="the task to train on")
    add("--peers", action="store_true", help='measure the stock Trainer too; needs the extra "peers"')
    add("--examples", type=count, default=320, metavar="N", help="passed in each round (default: 320)")
    add(
        "--epochs",
        type=options.epochs,
        default=1,
        metavar="N",
        help="how often they are passed in a round (default: 1)",
    )
    add("--rate", type=options.positive, metavar="X", help="learning rate of every arm (default: 0.0003)")
    add("--batch", type=options.whole(1), default=32, metavar="N", help="windows in a batch (default: 32)")
    add(
        "--rounds",
        type=count,
        default=3,
        metavar="N",
        help="measurements of each arm, in turn, each of its own seed (default: 3)",
    )
    add("--threads", type=options.threads, metavar="N", help="of torch (default: as many as it takes by itself)")
    add("--encoder", metavar="NAME", help=f"as for `run`, or {RANDOM}: of that size, its weights as drawn")
    add("--data", type=Path, metavar="DIR", help="where the official corpora are (or BENCH_DATA; default: demo's)")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train (default: auto)")
    add("--results", type=Path, default=Path("results"), metavar="DIR", help="where the measurement is kept")


def main(args: argparse.Namespace) -> int:
    """Measures, stores and prints; 0."""
    import torch

    from bench import registry
    from bench.report.formats import terminal
    from bench.report.tables.training_speed import section
    from bench.runner.context import require_writable
    from bench.runner.corpora import data_folder, opened
    from bench.runner.device import choose_device, memory_suffices
    from bench.runner.progress import Progress
    from bench.speed import training
    from bench.store.training_record import keep, kept, write

    task = registry.task(args.task)
    require_writable(args.results)
    torch.set_num_threads(args.threads or torch.get_num_threads())
    settings, device = _settings(args), choose_device(args.device)
    data = data_folder(args.data)
    with opened(data, 1.0) as corpora, named(args.encoder, data) as encoder, memory_suffices():
        corpora.require([task])
        course = training.course((corpora, encoder), task, settings, args.examples, device)
        arms = training.arms_of(course, args.peers)
        planned = training.planned((corpora, encoder), course, arms, options.redacted_command(args))
        fingerprints = training.fingerprints((corpora, encoder), task)
        begun = kept(args.results, planned, fingerprints)
        with Progress(1 + args.rounds - begun.rounds) as progress:
            progress.say("warming up")
            for speed in training.measured(begun, course, arms, args.rounds):
                keep(args.results, speed, fingerprints)
                progress.finished(1, f"{speed.rounds} of {args.rounds} rounds measured")
    path = write(args.results, speed)
    sys.stdout.write(terminal.render([section(speed)]))
    sys.stderr.write(f"stored in {sanitise(str(path))}\n")
    return 0


def _settings(args: argparse.Namespace) -> Settings:
    """Those of the demo, with one rate for encoder and heads, as the Trainer has."""
    demo = PROFILES["demo"]
    rate = args.rate or demo.encoder_lr
    sizes = replace(demo, epochs=args.epochs, span_batch=args.batch, pair_batch=args.batch)
    return replace(sizes, encoder_lr=rate, head_lr=rate)
