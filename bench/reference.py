"""The results that `check` compares with: accepted on purpose, with a reason that is kept beside them."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.drift.findings import Place
from bench.drift.judge import by_place
from bench.drift.sameness import answered, incomparable
from bench.inert import markdown
from bench.report import words
from bench.report.comparison import MULTI, SINGLE
from bench.store import Result, read_all
from bench.untrusted import refuse_links
from tasks.core.errors import InputError

HISTORY = "HISTORY.md"
ARMS = (SINGLE, MULTI)


def read_reference(reference: Path) -> list[Result]:
    """Every result of the reference; InputError where one cannot be read: it would guard less and say nothing."""
    found = read_all(reference.parent, reference.name)
    if len(found) != len(list(reference.rglob("result.json"))):
        raise InputError(f"Not every result in {reference} can be read: restore it")
    return found


def accept(results: Sequence[Result], reference: Path, why: str) -> list[Result]:
    """Makes the guarded arms of these results the reference of their comparisons, in place of what was there.

    Answers stay behind: a reference is numbers alone. InputError where there is nothing to accept, no reason, or
    something that could guard nothing.
    """
    chosen = [result for result in results if result.arm in ARMS]
    if not why.strip():
        raise InputError('A new reference needs a reason that a later reader understands: give --why "..."')
    if not chosen:
        raise InputError(f"There is no result of {' or '.join(ARMS)} to accept: run `python -m bench run` first")
    refuse_links(reference)
    places = by_place(chosen)
    for place, trainings in places.items():
        _require_sound(place.task, list(trainings.values()))
    before = by_place(read_all(reference.parent, reference.name))
    for comparison in {result.name.path.parts[0] for result in chosen}:
        shutil.rmtree(reference / comparison, ignore_errors=True)
    for result in chosen:
        _copy(result, reference)
    _remember(before, places, reference / HISTORY, why)
    return chosen


def _require_sound(task: str, trainings: Sequence[Result]) -> None:
    """InputError unless trainings of a task differ in their seeds alone, and score what their evidence gives."""
    for one in trainings:
        if not math.isfinite(answered(one, task).score.metrics[0].value):
            raise InputError(f"The score of {task} in {one.folder} is not a number: it could guard nothing")
        if why := incomparable(trainings[0], one, task):
            raise InputError(f"{one.folder} is no second training of {trainings[0].folder} ({why}): delete one of them")


def _copy(result: Result, reference: Path) -> None:
    assert result.folder is not None
    folder = reference / result.name.path
    folder.mkdir(parents=True)
    shutil.copy(result.folder / "result.json", folder)
    shutil.copytree(result.folder / "evidence", folder / "evidence")


Places = Mapping[Place, Mapping[int, Result]]


def _remember(before: Places, now: Places, history: Path, why: str) -> None:
    if not history.exists():
        history.write_text("# What became the reference, when and why\n", encoding="utf-8")
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    with history.open("a", encoding="utf-8") as file:
        file.write(f"\n## {day}\n\n{markdown(' '.join(why.split()))}\n\n")
        file.writelines(f"{line}\n" for line in _table(before, now))


def _table(before: Places, now: Places) -> Iterator[str]:
    """A row an arm and task: its score x100, mean and spread over seeds, and what the reference had until then."""
    yield "| comparison | arm | task | metric | seeds | before | now |"
    yield "|:---|:---|:---|:---|:---|---:|---:|"
    for place, trainings in now.items():
        metric = next(iter(trainings.values())).scores[place.task].metrics[0].name
        seeds = " ".join(map(str, trainings))
        scores = (_scores(side.get(place, {}), place.task) for side in (before, now))
        cells = (place.comparison, place.arm, place.task, metric, seeds, *scores)
        yield f"| {' | '.join(map(markdown, cells))} |"


def _scores(trainings: Mapping[int, Result], task: str) -> str:
    values = [one.scores[task].metrics[0].value for one in trainings.values()]
    return words.mean_and_spread(values) if values else ""
