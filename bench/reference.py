"""The results that `check` compares with: accepted on purpose, with a reason that is kept beside them."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.report import words
from bench.report.comparison import MULTI, SINGLE
from bench.report.inert import markdown
from bench.store import Result
from bench.untrusted import refuse_links
from tasks.core.errors import InputError

HISTORY = "HISTORY.md"
ARMS = (SINGLE, MULTI)


def accept(results: Sequence[Result], reference: Path, why: str) -> list[Result]:
    """Makes the guarded arms of these results the reference of their comparisons, in place of what was there.

    Answers stay behind: a reference is numbers alone. InputError where there is nothing to accept, no reason, or a
    primary score that is not a number and could guard nothing.
    """
    chosen = [result for result in results if result.arm in ARMS]
    if not why.strip():
        raise InputError('A new reference needs a reason that a later reader understands: give --why "..."')
    if not chosen:
        raise InputError(f"There is no result of {' or '.join(ARMS)} to accept: run `python -m bench run` first")
    for result in chosen:
        for task, score in result.scores.items():
            if not math.isfinite(score.metrics[0].value):
                raise InputError(f"The score of {task} in {result.folder} is not a number: it could guard nothing")
    refuse_links(reference)
    for comparison in {result.name.path.parts[0] for result in chosen}:
        shutil.rmtree(reference / comparison, ignore_errors=True)
    for result in chosen:
        _copy(result, reference)
    _remember(chosen, reference / HISTORY, why)
    return chosen


def _copy(result: Result, reference: Path) -> None:
    assert result.folder is not None
    folder = reference / result.name.path
    folder.mkdir(parents=True)
    shutil.copy(result.folder / "result.json", folder)
    shutil.copytree(result.folder / "evidence", folder / "evidence")


def _remember(chosen: Sequence[Result], history: Path, why: str) -> None:
    if not history.exists():
        history.write_text("# What became the reference, when and why\n", encoding="utf-8")
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    with history.open("a", encoding="utf-8") as file:
        file.write(f"\n## {day}\n\n{markdown(' '.join(why.split()))}\n\n")
        file.writelines(f"{line}\n" for line in _table(chosen))


def _table(chosen: Iterable[Result]) -> Iterator[str]:
    yield "| comparison | arm | task | seed | metric | score x100 |"
    yield "|:---|:---|:---|---:|:---|---:|"
    for result in chosen:
        for task, score in result.scores.items():
            cells = (f"{result.corpus}-{result.encoder}", result.arm, task, str(result.seed), score.metrics[0].name)
            yield f"| {' | '.join(map(markdown, cells))} | {words.points(score.metrics[0].value)} |"
