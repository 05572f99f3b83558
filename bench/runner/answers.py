"""Stored answers written in the official format of each task, so that anyone can run the official program on them.

They stand beside the texts they answer: unlike results these files hold text of notes, and are for their owner alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, pairwise, zip_longest
from pathlib import Path
from typing import Any

from bench.runner.context import RunContext
from bench.runner.plan import Planned
from bench.store import runs as store
from bench.store import strict_json
from bench.store.atomic import atomic_write
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


def write_answers(planned: Planned, task: Task[Any, Any], where: RunContext, folder: Path) -> str:
    """Write a finished run's answers to a task below a folder; says what its format could not say as answered."""
    result = store.read(where.results / store.RUNS, planned.name.path)
    answered = _Answered(task, where.corpora.stream(task, TEST, planned.run.settings.dev_fraction), result)
    with private(), atomic_write(folder / planned.name.path / task.name) as new:
        task.write(new, TEST, answered)
    mentions = f"{answered.changed} of {answered.mentions} mentions of {task.name}"
    return f"{planned.run.title}: {mentions} were fitted to what its format can say" if answered.changed else ""


def stored(result: store.Result, task: Task[Any, Any]) -> list[tuple[str, Any]]:
    """The stored answers of one task, each with the id of its example; InputError where they cannot be read."""
    assert result.folder is not None
    with store.checksummed_file(result.folder, f"answers/{task.name}.jsonl") as data:
        rows = [strict_json.loads(_ROWS[task.kind], line) for line in data.splitlines()]
    if task.kind == "span":
        return [(row.id, frozenset(Span(fragments, label) for label, fragments in row.answer)) for row in rows]
    return [(row.id, row.answer) for row in rows]


class _Answered:
    """The examples of a test split with what was answered for gold, as their format can say it."""

    def __init__(self, task: Task[Any, Any], examples: Iterable[Any], result: store.Result) -> None:
        self._task, self._examples, self._result = task, examples, result
        self.mentions = self.changed = 0

    def __iter__(self) -> Iterator[Any]:
        for example, row in zip_longest(self._examples, stored(self._result, self._task)):
            if not (example and row and row[0] == example.id and _fits(row[1], example, self._task)):
                raise InputError(
                    f"answers to {self._task.name} do not fit its corpus: delete {self._result.folder} and run again; "
                    "if they still do not, the fault is in the baseline"
                )
            answer = row[1]
            if isinstance(example, Document):
                answer = _without_nothing(row[1])
                self.mentions += len(row[1])
                self.changed += len(row[1] - answer)
            said, changed = self._task.representable(replace(example, gold=answer))
            self.changed += changed
            yield said


def _without_nothing(answer: frozenset[Span]) -> frozenset[Span]:
    """Mentions without fragments that hold no character: no format has a way to write them."""
    held = (Span(tuple((start, end) for start, end in span.fragments if start < end), span.label) for span in answer)
    return frozenset(span for span in held if span.fragments)


def _fits(answer: Any, example: Any, task: Task[Any, Any]) -> bool:
    if not isinstance(example, Document):
        return not task.labels or answer in task.labels
    return all(span.label in task.labels and _lies_in(example.text, span.fragments) for span in answer)


def _lies_in(text: str, fragments: tuple[tuple[int, int], ...]) -> bool:
    """Whether fragments lie in a text, one after another."""
    places = [0, *chain.from_iterable(fragments), len(text)]
    return bool(fragments) and all(before <= after for before, after in pairwise(places))
