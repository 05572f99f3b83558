"""What every arm is given: the same notes for all span tasks, and for each pair task pairs of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from baselines.core.settings import Settings
from baselines.core.tokenizer import SubwordTokenizer
from baselines.core.windows import pair_window, text_windows
from bench.runner.corpora import Corpora
from tasks.core.examples import Document, Pair
from tasks.core.kinds import TEST, SpanTask, Task


@dataclass(frozen=True)
class Workload:
    """Notes without gold, and pairs by task."""

    notes: tuple[Document, ...]
    pairs: dict[str, tuple[Pair[Any], ...]]

    @property
    def pair_count(self) -> int:
        """Pairs of all tasks."""
        return sum(map(len, self.pairs.values()))


def workload(corpora: Corpora, tasks: Sequence[Task[Any, Any]], count: int, development: float) -> Workload:
    """So many notes, and about so many pairs, from the test splits of all tasks in turn."""
    of_kind: tuple[list[Task[Any, Any]], list[Task[Any, Any]]] = ([], [])
    for task in tasks:
        of_kind[not isinstance(task, SpanTask)].append(task)
    spans, pairs = ([corpora.examples(task, TEST, development) for task in kind] for kind in of_kind)
    notes = [replace(note, gold=frozenset()) for note in _in_turn(spans)]
    each = -(-count // max(1, len(pairs)))
    return Workload(
        tuple(notes[:count]), {task.name: tuple(found[:each]) for task, found in zip(of_kind[1], pairs, strict=True)}
    )


def window_lengths(work: Workload, encoder: Path, settings: Settings) -> tuple[list[int], list[int]]:
    """Real sub-words, special ones included, of each window of all notes and of all pairs, as our own arms cut them."""
    tokenizer = SubwordTokenizer(encoder)
    notes = (text_windows(tokenizer, note.text, settings.max_length) for note in work.notes)
    pairs = (pair for some in work.pairs.values() for pair in some)
    return (
        [len(window.input_ids) for windows in notes for window in windows],
        [len(pair_window(tokenizer, pair.first, pair.second, settings.pair_max_length).input_ids) for pair in pairs],
    )


def long_note(notes: Sequence[Document], characters: int) -> Document:
    """One note of so many characters, made of notes over and over."""
    text = "\n\n".join(note.text for note in notes)
    return Document("long", (text * (characters // len(text) + 1))[:characters], frozenset())


def _in_turn(splits: Sequence[Sequence[Document]]) -> Iterator[Document]:
    for row in zip_longest(*splits):
        yield from (note for note in row if note is not None)
