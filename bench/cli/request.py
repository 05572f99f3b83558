"""From the options of `plan` and `run` to the runs that they ask for, and the states of these."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

from baselines.core import hub
from bench import registry
from bench.cli import options
from bench.runner import plan_lines
from bench.runner.corpora import Corpora
from bench.runner.encoder_files import EncoderFiles, encoder_files, require_known
from bench.runner.estimate import estimate
from bench.runner.grid import Grid
from bench.runner.open_corpora import opened
from bench.runner.plan import DONE, Planned, RunContext, summary
from bench.runner.slots import shared_out
from bench.runner.starts import closed_plan
from bench.store import cache
from bench.store.sanitise import sanitise
from tasks.core.errors import InputError
from tasks.core.kinds import Task


def requested(args: argparse.Namespace) -> Grid:
    """What the user asked to be compared, in the registry's order; InputError lists what is known."""
    if not args.all and not args.tasks:
        raise InputError(f"say what to run: --all, or --tasks with some of {', '.join(registry.tasks())}")
    if args.all and args.tasks:
        raise InputError("--all is all tasks: give it or --tasks, not both")
    tasks = [registry.task(name) for name in args.tasks] if args.tasks else list(registry.tasks().values())
    usual = [name for name, baseline in registry.baselines().items() if baseline.start is None]
    baselines = [registry.baseline(name) for name in args.baselines or usual]
    if args.data is not None and args.scale is not None:
        raise InputError("--scale is for the demo corpora: leave out --scale, or --data")
    settings = options.settings_of(args, "demo" if args.data is None else "paper")
    for task, _ in settings.epochs_of:
        registry.task(task)
    return Grid(
        tasks=tuple(sorted({task.name: task for task in tasks}.values(), key=lambda task: task.name)),
        baselines=tuple({baseline.name: baseline for baseline in baselines}.values()),
        seeds=tuple(dict.fromkeys(args.seeds)),
        settings=settings,
    )


@contextmanager
def planned_runs(args: argparse.Namespace, asked: Grid, fetch: bool) -> Iterator[tuple[RunContext, list[Planned]]]:
    """The runs with their states and what they share, as long as the corpora are open.

    Without `fetch` no encoder is downloaded: what is not here yet is only named.
    """
    name = args.encoder or (hub.DEMO if args.data is None else hub.CLINICAL)
    needed = any(baseline.needs_encoder for baseline in asked.baselines)
    # What can be wrong is found before an encoder is fetched, which may take long.
    if needed or name != hub.DEMO:
        require_known(name)
    opened_cache = nullcontext() if args.no_cache or not fetch else cache.opened()
    with opened_cache as kept, opened(args.data, args.scale or 1.0, kept) as corpora:
        if args.all:
            asked = replace(asked, tasks=tuple(_with_corpus(asked.tasks, corpora)))
        corpora.require(asked.tasks)
        # A floor lies beside what it is the floor of: by the name of the encoder, which a folder has from its files.
        encoder = encoder_files(name, fetch) if needed or hub.is_folder(name) else EncoderFiles(name)
        context = RunContext(corpora, args.results, encoder, kept, args.keep_models, threads=args.threads)
        yield context, closed_plan(asked.runs(), context)


def _with_corpus(tasks: Sequence[Task[Any, Any]], corpora: Corpora) -> Iterator[Task[Any, Any]]:
    """Those of the paper, and of further tasks those whose corpora are there, as a demo's may be."""
    for task in tasks:
        if task.name in registry.MT_CLINICAL_BERT or not corpora.missing(task):
            yield task
        else:
            sys.stderr.write(f"{task.name} is left out of --all: its corpus is not there\n")


def print_plan(args: argparse.Namespace, gpus: int | None = None) -> int:
    """Prints one line a run, of many one an arm: state and about how long they take, also on so many GPUs; 0."""
    with planned_runs(args, requested(args), fetch=False) as (context, runs):
        jobs, threads = jobs_and_threads(args, context, runs)
        seconds = (guess := estimate(runs, replace(context, default_threads=threads))).seconds
    sys.stdout.writelines(f"{sanitise(line)}\n" for line in plan_lines.lines(runs, seconds))
    due = any(planned.state != DONE for planned in runs)
    found = plan_lines.on_workers(runs, seconds, jobs)
    at_once = f", {jobs} at once" if jobs > 1 else ""
    time = f": {plan_lines.about(found.seconds if found else None)}{at_once} ({sanitise(guess.grounds)})" if due else ""
    sys.stdout.write(f"{summary(runs)}{time}\n")
    if gpus and due:
        sys.stdout.write(f"{plan_lines.on_gpus(runs, seconds, gpus)}\n")
    return 0


def jobs_and_threads(args: argparse.Namespace, context: RunContext, runs: Sequence[Planned]) -> tuple[int, int]:
    """How many runs at once on a processor, and how many threads each has."""
    trainings = sum(planned.run.baseline.needs_encoder for planned in runs)
    return shared_out(trainings, context.encoder.weights_bytes, args.jobs, args.threads)
