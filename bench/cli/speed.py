"""`python -m bench speed`: how fast models answer and train, beside their peers, and how time and memory grow."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.core.settings import PRECISIONS, PROFILES, Settings
from bench.cli import options
from bench.speed import RANDOM
from bench.store import speed_record as record
from bench.store.sanitise import sanitise
from bench.store.speed_record import Speed

if TYPE_CHECKING:
    from bench.runner.plan import RunContext


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what can be measured, and the options of each."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="|".join(record.KINDS))
    for kind, (what, add_options, _) in _KINDS.items():
        one = kinds.add_parser(kind, help=what, description=what[0].upper() + what[1:] + ".", allow_abbrev=False)
        add_options(one.add_argument)
        add = one.add_argument
        add("--threads", type=options.threads, metavar="N", help="of torch (default: as many as it takes by itself)")
        add("--encoder", metavar="NAME", help=f"as for `run`, or {RANDOM}: of that size, its weights as drawn")
        add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute (default: auto)")
        add("--results", type=Path, default=Path("results"), metavar="DIR", help="where measurements and models lie")
        add("--out", type=Path, metavar="DIR", help="write the tables as Markdown and the figure to this folder too")


def _count(add: Callable[..., Any], name: str, default: int, help_: str) -> None:
    add(name, type=options.work, default=default, metavar="N", help=f"{help_} (default: {default})")


def _add_inference(add: Callable[..., Any]) -> None:
    options.add_data(add)
    add("--peers", action="store_true", help="measure stock transformers pipelines too")
    add("--growth", action="store_true", help="measure 1 to 8 tasks, and notes of up to a million characters, too")
    _count(add, "--notes", 64, "notes, and about as many pairs")
    add("--batches", type=options.work, nargs="+", default=[1, 8, 64], metavar="N", help="at a time (default: 1 8 64)")
    _count(add, "--rounds", 5, "measurements of each arm, in turn")
    add("--profile", choices=tuple(PROFILES), help="windows where no models were kept (default: demo; --data: paper)")
    add("--precision", choices=PRECISIONS, default="auto", help="where no models were kept (default: auto)")


def _add_training(add: Callable[..., Any]) -> None:
    rate = PROFILES["demo"].encoder_lr
    options.add_data(add)
    add("--task", required=True, metavar="TASK", help="the task to train on")
    add("--peers", action="store_true", help='measure the stock Trainer too; needs the extra "peers"')
    _count(add, "--examples", 320, "passed in each epoch")
    add("--epochs", type=options.epochs, default=1, metavar="N", help="in each round (default: 1)")
    add("--rate", type=options.positive, default=rate, metavar="X", help=f"learning rate of all (default: {rate})")
    add("--batch", type=options.whole(1), default=32, metavar="N", help="windows in a batch (default: 32)")
    _count(add, "--rounds", 3, "measurements of each arm, in turn, each a seed")


def _add_growth(add: Callable[..., Any]) -> None:
    what, lengths = list(record.AGAINST), [1_000, 10_000, 100_000, 1_000_000]
    scale = options.whole(1, 10_000)
    add("--against", nargs="+", choices=what, default=what, help=f"what grows (default: each; batch: by {RANDOM})")
    add("--scales", type=scale, nargs="+", default=[1, 10, 100], metavar="X", help="of the demo (default: 1 10 100)")
    help_ = "of a note (default: 1000 to 1000000)"
    add("--lengths", type=options.work, nargs="+", default=lengths, metavar="N", help=help_)
    _count(add, "--updates", 64, "timed at each size")


def main(args: argparse.Namespace) -> int:
    """Measures, stores and prints; 0."""
    import torch

    from bench.report.figures.speed import draw
    from bench.report.files import write_all
    from bench.report.formats import markdown, terminal
    from bench.report.tables.speed import section
    from bench.runner.device import choose_device, memory_suffices
    from bench.runner.encoder_files import require_writable

    require_writable(args.results)
    args.device = choose_device(args.device)
    torch.set_num_threads(args.threads or torch.get_num_threads())
    with memory_suffices():
        for speed in _KINDS[args.kind][2](args):
            speed = replace(speed, finished=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
            path, found = record.write(args.results, speed), section(speed)
            sys.stdout.write(terminal.render([found]))
            sys.stderr.write(f"stored in {sanitise(str(path))}\n")
            if args.out:
                files = {f"{found.name}.md": markdown.render([found]).encode(), f"{found.name}.svg": draw(speed, "svg")}
                write_all(args.out, files)
    return 0


@contextmanager
def _context(args: argparse.Namespace) -> Iterator[RunContext]:
    """The corpora and the encoder that are asked for, as long as the block lasts."""
    from bench.runner.open_corpora import opened
    from bench.runner.plan import RunContext
    from bench.speed.workload import encoder_named

    with opened(args.data, 1.0) as corpora, encoder_named(args.encoder, args.data) as encoder:
        yield RunContext(corpora, args.results, encoder)


def _planned(args: argparse.Namespace, corpus: str, encoder: str, tasks: Iterable[str], settings: Settings) -> Speed:
    from bench.runner.device import torch_environment

    return Speed(
        kind=args.kind,
        corpus=corpus,
        encoder=encoder,
        tasks=tuple(tasks),
        settings=settings,
        command=options.redacted_command(args),
        environment=torch_environment(args.device),
    )


def _inference(args: argparse.Namespace) -> Iterator[Speed]:
    from bench.runner.corpora import DEMO
    from bench.speed import arms, inference
    from bench.speed.workload import tasks_of_paper, workload

    with _context(args) as where:
        tasks = tasks_of_paper()
        where.corpora.require(tasks)
        profile = PROFILES[args.profile or ("demo" if where.corpora.name == DEMO else "paper")]
        setup = arms.setup(where, tasks, replace(profile, precision=args.precision), args.device)
        work = workload(where.corpora, tasks, args.notes, setup.settings.dev_fraction)
        batches = tuple(sorted(set(args.batches)))
        extent = inference.Extent(setup=setup, work=work, rounds=args.rounds, batches=batches)
        speed = _planned(args, where.corpora.name, where.encoder.name, setup.tasks, setup.settings)
        yield inference.measured(speed, where, extent, args.peers, args.growth)


def _training(args: argparse.Namespace) -> Iterator[Speed]:
    from bench import registry
    from bench.speed import training

    # One rate for encoder and heads, as the Trainer has.
    given = {"epochs": args.epochs, "span_batch": args.batch, "pair_batch": args.batch}
    settings = replace(PROFILES["demo"], encoder_lr=args.rate, head_lr=args.rate, **given)
    task = registry.task(args.task)
    with _context(args) as where:
        where.corpora.require([task])
        examples = training.training_set(where, task, settings, args.examples, args.device)
        speed = _planned(args, where.corpora.name, where.encoder.name, [task.name], settings)
        yield training.measured(speed, where, examples, args.peers, args.rounds)


def _growth(args: argparse.Namespace) -> Iterator[Speed]:
    from bench.runner.corpora import DEMO
    from bench.speed import growth
    from bench.speed.workload import encoder_named, tasks_of_paper

    tasks = tuple(task.name for task in tasks_of_paper())
    sizes = {record.CORPUS: args.scales, record.HEADS: range(1, 1 + len(tasks)), record.LENGTH: args.lengths}
    for against in args.against:
        settings = growth.SETTINGS[against]
        with encoder_named(args.encoder or (RANDOM if against == record.BATCH else None), None) as encoder:
            assert encoder.folder is not None
            training = growth.StagedTraining(
                tasks=tasks, settings=settings, encoder=encoder.folder, device=args.device, updates=args.updates
            )
            found = sorted(set(sizes.get(against, [settings.span_batch])))
            speed = replace(_planned(args, DEMO, encoder.name, tasks, settings), subject=against)
            yield growth.measured(speed, training, found)


_KINDS = {
    record.INFERENCE: (
        "measure how fast one model for all tasks answers, and one for each",
        _add_inference,
        _inference,
    ),
    record.TRAINING: ("measure how fast training goes, beside the stock Trainer", _add_training, _training),
    record.GROWTH: ("measure how time and memory of training grow", _add_growth, _growth),
}
