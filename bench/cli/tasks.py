"""`python -m bench tasks`: the tasks, and whether their corpora are there, whole and of the expected size."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli import options
from bench.store.sanitise import sanitise

if TYPE_CHECKING:
    from tasks.core.files.corpus import Corpus, CorpusWarning
    from tasks.core.kinds import Task
    from tasks.core.status import SplitStatus

LABELS = 60
"""The width at which a list of labels gives way to their number."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `tasks`."""
    options.add_data(parser.add_argument, "where the corpora are (or set BENCH_DATA)")
    parser.add_argument("--verbose", action="store_true", help="with --data: what was mended or skipped, and where")


def main(args: argparse.Namespace) -> int:
    """Prints the table; 0 whatever is missing, since it was only asked for."""
    from bench import registry

    tasks = list(registry.tasks().values())
    for line in chain(_table(tasks), () if args.data is None else _states(tasks, args.data, args.verbose)):
        sys.stdout.write(sanitise(line) + "\n")
    return 0


def _table(tasks: Sequence[Task[Any, Any]]) -> Iterator[str]:
    rows = [("task", "kind", "primary score", "labels")]
    rows += [(task.name, task.kind, task.primary.title, _labels(task)) for task in tasks]
    widths = [max(least, *(len(row[k]) + 2 for row in rows)) for k, least in enumerate((14, 12, 16))]
    for *cells, labels in rows:
        yield "".join(map(str.ljust, cells, widths)) + labels


def _labels(task: Task[Any, Any]) -> str:
    return task.possible_answers if len(task.possible_answers) <= LABELS else str(len(task.labels))


def _states(tasks: Sequence[Task[Any, Any]], folder: Path, verbose: bool) -> Iterator[str]:
    from tasks.core.files.corpus import Corpus

    corpus = Corpus(folder)
    for task in tasks:
        yield from _state(task, corpus, verbose)
    if corpus.skipped:
        yield ""
        yield "below the folder, whatever the corpus"
        yield from _notices(corpus.skipped, verbose)


def _state(task: Task[Any, Any], corpus: Corpus, verbose: bool) -> Iterator[str]:
    from tasks.core.status import status

    splits = status(task, corpus)
    yield ""
    yield f"{task.name}: {_word(splits)}"
    for split in splits:
        yield f"  {split.split:<6}{_found(split)}"
        yield from _notices(split.warnings, verbose)


def _notices(notices: Collection[CorpusWarning], verbose: bool) -> Iterator[str]:
    if notices:
        yield f"        mended or skipped: {len(notices)}{'' if verbose else ' (--verbose lists them)'}"
    for warning in notices if verbose else ():
        line = "" if warning.line is None else f", line {warning.line}"
        yield f"          {warning.file}{line}: {warning.kind}: {warning.what}"


def _word(splits: Sequence[SplitStatus]) -> str:
    if any(not split.present for split in splits):
        return "missing"
    if any(split.problem for split in splits):
        return "damaged"
    return "complete" if all(split.complete for split in splits) else "of another size than expected"


def _found(split: SplitStatus) -> str:
    if split.problem:
        return split.problem
    if split.expected is None or split.examples == split.expected.examples:
        return f"{split.examples} examples" + ("" if split.expected is None else ", as expected")
    doubt = "" if split.expected.confirmed else " (unconfirmed)"
    return f"{split.examples} examples where {split.expected.examples}{doubt} are expected"
