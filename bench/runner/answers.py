"""Stored answers written in the official format of each task, so that anyone can run the official program on them.

They stand beside the texts they answer: unlike results these files hold text of notes, and are for their owner alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import make_dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from bench.runner.plan import Planned, RunContext
from bench.store import runs as store
from bench.store import strict_json
from bench.store.atomic import atomic_write
from bench.store.checksums import checksummed_file
from tasks.core.errors import InputError
from tasks.core.kinds import TEST, Task
from tasks.core.private import private


def make_folder(answers: Path, others: Iterable[Path | None]) -> None:
    """Make the folder of answers; InputError among results, which hold no text, or corpora, which they would join."""
    for other in others:
        if other is not None and answers.resolve().is_relative_to(other.resolve()):
            raise InputError(f"--answers {answers} lies in {other}: name a folder apart, it will hold text of notes")
    try:
        with private():
            answers.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--answers {answers} cannot be made ({error.strerror}): name another folder") from error


def write_answers(planned: Planned, task: Task[Any, Any], where: RunContext, folder: Path) -> str:
    """Write a finished run's answers to a task below a folder; says what its format could not say as answered."""
    result = store.read(where.results / store.RUNS, planned.name.path)
    test = where.corpora.stream(task, TEST, planned.run.settings.dev_fraction)
    mentions = changed = 0

    def answered() -> Iterator[Any]:
        """The examples with what was answered for gold, as their format can say it."""
        nonlocal mentions, changed
        for example, row in zip_longest(test, stored(result, task)):
            if not (example and row and row[0] == example.id and task.answer_fits(example, row[1])):
                raise InputError(
                    f"answers to {task.name} do not fit its corpus: delete {result.folder} and run again; "
                    "if they still do not, the fault is in the baseline"
                )
            said, differences = task.with_answer(example, row[1])
            mentions += task.mention_count(row[1])
            changed += differences
            yield said

    with private(), atomic_write(folder / planned.name.path / task.name) as new:
        task.write(new, TEST, answered())
    of_all = f"{changed} of {mentions} mentions of {task.name}"
    return f"{planned.run.title}: {of_all} were fitted to what its format can say" if changed else ""


def stored(result: store.Result, task: Task[Any, Any]) -> list[tuple[str, Any]]:
    """The stored answers of one task, each with the id of its example; InputError where they cannot be read."""
    assert result.folder is not None
    row_type = make_dataclass("Row", [("id", str), ("answer", task.answer_json)])
    with checksummed_file(result.folder, f"answers/{task.name}.jsonl") as data:
        rows: list[Any] = [strict_json.loads(row_type, line) for line in data.splitlines()]
    return [(row.id, task.answer_from_json(row.answer)) for row in rows]
