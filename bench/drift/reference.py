"""The results that `check` compares with: accepted on purpose, with a reason that is kept beside them."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.drift.equality import incomparable
from bench.drift.findings import GuardedCell
from bench.drift.judge import Trainings, by_cell
from bench.report import numbers
from bench.report.arms import FINETUNED, MULTI, SINGLE
from bench.store.atomic import atomic_write, recover
from bench.store.bounds import RESULT_BYTES, read_bytes, refuse_links
from bench.store.checksums import CHECKSUMS, read_checksums, require_checksum, write_checksums
from bench.store.runs import RESULT, Result, read_all
from bench.store.sanitise import markdown
from tasks.core.errors import InputError

HISTORY = "HISTORY.md"

GUARDED = (SINGLE, MULTI, FINETUNED)
"""The arms that a reference may hold."""


def read_reference(reference: Path) -> list[Result]:
    """Every result of the reference; InputError where one is lost or damaged: it would guard less unnoticed."""
    recover(reference)
    found = read_all(reference.parent, reference.name)
    there = {path.parent.relative_to(reference) for path in reference.rglob(RESULT)}
    try:
        checksums = read_checksums(reference) if there or (reference / CHECKSUMS).exists() else {}
        for name in checksums:
            require_checksum(checksums, name, read_bytes(reference / name, RESULT_BYTES))
        listed = {Path(name).parent for name in checksums}
        if not {one.name.path for one in found} == there == listed:
            raise ValueError(f"{len(found)} of its results can be read, and its {CHECKSUMS} lists {len(listed)}")
    except ValueError as error:
        todo = "restore it, or delete it and make it anew with --update"
        raise InputError(f"Not every result in {reference} can be read ({error}): {todo}") from None
    return found


def accept(results: Iterable[Result], reference: Path, why: str, prune: bool = False) -> Iterator[str]:
    """Makes the guarded arms of these results the reference, in place of older ones of the same runs; says what it did.

    What was not given stays, unless `prune` removes it from the comparisons that were. Answers stay behind: a reference
    is numbers alone. InputError where there is nothing to accept, no reason, or something that could guard nothing.
    """
    given = {result.name.path: result for result in results if result.arm in GUARDED}
    if not why.strip():
        raise InputError('A new reference needs a reason that a later reader understands: give --why "..."')
    if not given:
        raise InputError(f"There is no result of {', '.join(GUARDED)} to accept: run `python -m bench run` first")
    refuse_links(reference)
    had = {result.name.path: result for result in read_reference(reference)}
    kept = {path: result for path, result in had.items() if path not in given}
    gone = {path: kept.pop(path) for path in [*kept] if prune and path.parts[0] in {run.parts[0] for run in given}}
    before, after = by_cell(had.values()), by_cell([*given.values(), *kept.values()])
    for cell, trainings in after.items():
        _require_sound(cell.task, list(trainings.values()))
    with atomic_write(reference) as new:
        if reference.exists():
            shutil.copytree(reference, new, dirs_exist_ok=True)
        for run in gone.keys() | given.keys():
            shutil.rmtree(new / run, ignore_errors=True)
        for run, result in given.items():
            _copy(result, new / run)
        _remember(before, after, by_cell([*given.values(), *gone.values()]), new / HISTORY, why)
        write_checksums(new, CHECKSUMS)
    yield f"{len(given) + len(kept)} results are now the reference in {reference}"
    for what, runs in (("new or replaced", given), ("kept, not given", kept), ("removed, not given", gone)):
        for arm in sorted({run.parent for run in runs}):
            seeds = sorted(result.seed for run, result in runs.items() if run.parent == arm)
            yield f"{what}: {arm}, seeds {' '.join(map(str, seeds))}"


def _require_sound(task: str, trainings: Sequence[Result]) -> None:
    """InputError unless trainings of a task differ in their seeds alone, and have a score."""
    for one in trainings:
        if not math.isfinite(one.scores[task].metrics[0].value):
            raise InputError(f"The score of {task} in {one.folder} is not a number: it could guard nothing")
        if why := incomparable(trainings[0], one, task):
            todo = "delete one of them, or give --prune to drop what is not given"
            raise InputError(f"{one.folder} is no second training of {trainings[0].folder} ({why}): {todo}")


def _copy(result: Result, folder: Path) -> None:
    """Copies a run without its answers; its seal goes with it, so that what is copied wrongly is told on reading."""
    assert result.folder is not None
    folder.mkdir(parents=True)
    shutil.copy(result.folder / RESULT, folder)
    shutil.copytree(result.folder / "evidence", folder / "evidence")
    lines = (result.folder / CHECKSUMS).read_text().splitlines(keepends=True)
    (folder / CHECKSUMS).write_text("".join(line for line in lines if "  answers/" not in line))


Cells = Mapping[GuardedCell, Trainings]


def _remember(before: Cells, after: Cells, changed: Iterable[GuardedCell], history: Path, why: str) -> None:
    if not history.exists():
        history.write_text("# What became the reference, when and why\n", encoding="utf-8")
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    with history.open("a", encoding="utf-8") as file:
        file.write(f"\n## {day}\n\n{markdown(' '.join(why.split()))}\n\n")
        file.writelines(f"{line}\n" for line in _table(before, after, changed))


def _table(before: Cells, after: Cells, changed: Iterable[GuardedCell]) -> Iterator[str]:
    """A row an arm and task: its score x100, mean and spread over seeds, and what the reference had until then."""
    yield "| comparison | arm | task | metric | seeds | before | now |"
    yield "|:---|:---|:---|:---|:---|---:|---:|"
    for cell in changed:
        old, new = before.get(cell, {}), after.get(cell, {})
        metric = next(iter((new or old).values())).scores[cell.task].metrics[0].name
        scores = _scores(old, cell.task), _scores(new, cell.task) or "removed"
        row = (cell.comparison, cell.arm, cell.task, metric, " ".join(map(str, new or old)), *scores)
        yield f"| {' | '.join(map(markdown, row))} |"


def _scores(trainings: Trainings, task: str) -> str:
    values = [one.scores[task].metrics[0].value for one in trainings.values()]
    return numbers.mean_and_spread(values) if values else ""
