"""Stored answers written in the official format of each task, so that anyone can run the official program on them.

They stand beside the texts they answer: unlike results these files hold text of notes, and are for their owner alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, pairwise, zip_longest
from pathlib import Path
from typing import Any

from bench import store, strict_json
from bench.place import Place
from bench.plan import Planned
from bench.whole import written_whole
from tasks.core.errors import InputError
from tasks.core.examples import Document, Span
from tasks.core.kinds import TEST, Task
from tasks.core.private import private


@dataclass(frozen=True, slots=True)
class _Spans:
    id: str
    answer: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]


@dataclass(frozen=True, slots=True)
class _Class:
    id: str
    answer: str


@dataclass(frozen=True, slots=True)
class _Score:
    id: str
    answer: float


_ROWS: dict[str, type[Any]] = {"span": _Spans, "pair": _Class, "similarity": _Score}


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


def write_answers(planned: Planned, where: Place, folder: Path) -> Iterator[str]:
    """Write the answers of a finished run below a folder; yields what a format could not say as it was answered."""
    result = store.read(where.results / store.RUNS, planned.name.path)
    for task in planned.run.tasks:
        examples = where.corpora.stream(task, TEST, planned.run.settings.development)
        answered = _Answered(task, examples, stored(result, task))
        with private(), written_whole(folder / planned.name.path / task.name) as new:
            task.write(new, TEST, answered)
        if answered.changed:
            mentions = f"{answered.changed} of {answered.mentions} mentions of {task.name}"
            yield f"{planned.run.title}: {mentions} were fitted to what its format can say"


def stored(result: store.Result, task: Task[Any, Any]) -> list[tuple[str, Any]]:
    """The stored answers of one task, each with the id of its example; InputError where they cannot be read."""
    assert result.folder is not None
    with store.whole_file(result.folder, f"answers/{task.name}.jsonl") as data:
        rows = [strict_json.loads(_ROWS[task.kind], line) for line in data.splitlines()]
    if task.kind == "span":
        return [(row.id, frozenset(Span(fragments, label) for label, fragments in row.answer)) for row in rows]
    return [(row.id, row.answer) for row in rows]


class _Answered:
    """The examples of a test split with what was answered for gold, as their format can say it."""

    def __init__(self, task: Task[Any, Any], examples: Iterable[Any], answers: Iterable[tuple[str, Any]]) -> None:
        self._task, self._examples, self._answers = task, examples, answers
        self.mentions = self.changed = 0

    def __iter__(self) -> Iterator[Any]:
        for example, row in zip_longest(self._examples, self._answers):
            if not (example and row and row[0] == example.id and _fits(row[1], example, self._task)):
                raise InputError(f"answers to {self._task.name} do not fit its corpus: delete their run and run again")
            said, changed = self._task.express(replace(example, gold=row[1]))
            self.mentions += len(row[1]) if isinstance(said, Document) else 0
            self.changed += changed
            yield said


def _fits(answer: Any, example: Any, task: Task[Any, Any]) -> bool:
    if not isinstance(example, Document):
        return not task.labels or answer in task.labels
    return all(span.label in task.labels and _lies_in(example.text, span.fragments) for span in answer)


def _lies_in(text: str, fragments: tuple[tuple[int, int], ...]) -> bool:
    """Whether fragments hold characters of a text, one after another."""
    places = [0, *chain.from_iterable(fragments), len(text)]
    forward = all(before <= after for before, after in pairwise(places))
    return bool(fragments) and forward and all(start < end for start, end in fragments)
