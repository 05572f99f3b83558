"""What every arm is given: notes and pairs to answer, a long note, a task's training set, batches that are full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from baselines.core.heads import head_for
from baselines.core.settings import Settings
from baselines.core.tokenizer import SubwordTokenizer
from baselines.core.windows import Window, pair_window, text_windows
from bench import registry
from bench.runner.corpora import Corpora
from bench.runner.device import torch_environment
from bench.store.speed_record import Speed
from tasks.core.examples import Document, Pair, Span
from tasks.core.kinds import DEV, TEST, TRAIN, Task

BETWEEN = "\n\n"
"""What parts the notes that a long note is made of."""

Examples = dict[tuple[str, str], Sequence[Any]]
"""Examples by task and split."""


def reads_documents(task: Task[Any, Any]) -> bool:
    """Whether the examples of a task are documents; otherwise they are pairs."""
    return task.example_type is Document


def tasks_of_paper() -> tuple[Task[Any, Any], ...]:
    """The tasks that are measured, those that read documents first."""
    return tuple(sorted(registry.of_paper(), key=lambda task: (not reads_documents(task), task.name)))


def blank(place: tuple[str, str, str], **known: Any) -> Speed:
    """A measurement on a corpus with an encoder on a device of this machine, not finished yet."""
    corpus, encoder, device = place
    return Speed(corpus=corpus, encoder=encoder, environment=torch_environment(device), **known)


@dataclass(frozen=True)
class Workload:
    """Notes without gold, and pairs by task."""

    notes: tuple[Document, ...]
    pairs: dict[str, tuple[Pair[Any], ...]]

    def lengths(self, encoder: Path, settings: Settings) -> tuple[list[int], list[int]]:
        """Real tokens, special ones included, of each window of all notes and of all pairs, as our arms cut them."""
        tokenizer = SubwordTokenizer(encoder)
        notes = chain(*(text_windows(tokenizer, note.text, settings.max_length) for note in self.notes))
        pairs = (
            pair_window(tokenizer, pair.first, pair.second, settings.pair_max_length)
            for pair in chain(*self.pairs.values())
        )
        return [len(window.input_ids) for window in notes], [len(window.input_ids) for window in pairs]


def workload(corpora: Corpora, tasks: Sequence[Task[Any, Any]], count: int, dev_fraction: float) -> Workload:
    """So many notes, and about so many pairs, from the test splits of all tasks in turn."""
    splits = [(task, corpora.examples(task, TEST, dev_fraction)) for task in tasks]
    of_notes = [found for task, found in splits if reads_documents(task)]
    in_turn = (note for row in zip_longest(*of_notes) for note in row if note is not None)
    of_pairs = {task.name: found for task, found in splits if not reads_documents(task)}
    each = -(-count // max(1, len(of_pairs)))
    return Workload(
        notes=tuple(replace(note, gold=frozenset()) for note in in_turn)[:count],
        pairs={name: tuple(found[:each]) for name, found in of_pairs.items()},
    )


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """Some of a task's training set to be trained on, and its whole test split to be answered then."""

    task: Task[Any, Any]
    examples: list[Any]
    test: list[Any]
    encoder: Path
    settings: Settings
    device: str

    @property
    def batch(self) -> int:
        """Windows in a batch."""
        return head_for(self.task, 1, self.settings).batch

    def windows(self) -> list[Window]:
        """The windows that our own training makes of the examples."""
        head, tokenizer = head_for(self.task, 1, self.settings), SubwordTokenizer(self.encoder)
        return [window for example in self.examples for window in head.windows(tokenizer, example, use_gold=True)]


def long_note(notes: Sequence[Document], characters: int) -> Document:
    """Notes over and over, cut at so many characters; a mention is there where all of it is."""
    texts: list[str] = []
    gold: set[Span] = set()
    begin = 0
    while begin < characters:
        note = notes[len(texts) % len(notes)]
        for span in note.gold:
            if begin + span.end <= characters:
                moved = tuple((start + begin, end + begin) for start, end in span.fragments)
                gold.add(replace(span, fragments=moved))
        texts.append(note.text + BETWEEN)
        begin += len(texts[-1])
    return Document("long", "".join(texts)[:characters], frozenset(gold))


def long_notes(corpora: Corpora, tasks: Sequence[Task[Any, Any]], characters: int, dev_fraction: float) -> Examples:
    """One training note of so many characters for each task, made of its own."""
    examples: Examples = {}
    for task in tasks:
        notes = corpora.examples(task, TRAIN, dev_fraction)
        examples |= {(task.name, TRAIN): [long_note(notes, characters)], (task.name, DEV): notes[:1]}
    return examples


def full_batches(corpora: Corpora, tasks: Sequence[Task[Any, Any]], settings: Settings, encoder: Path) -> Examples:
    """One batch of each task that no other of its size outweighs: every window and pair fills what it may hold."""
    tokenizer, examples = SubwordTokenizer(encoder), Examples()
    for task in tasks:
        found = corpora.examples(task, TRAIN, settings.dev_fraction)
        if reads_documents(task):
            full = [_dense_note(tokenizer, found, settings)]
        else:
            long = " ".join([f"{pair.first} {pair.second}" for pair in found[: settings.pair_max_length]])
            some = (found * settings.pair_batch)[: settings.pair_batch]
            full = [replace(pair, first=long, second=long) for pair in some]
        examples |= {(task.name, TRAIN): full, (task.name, DEV): found[:1]}
    return examples


def _dense_note(tokenizer: SubwordTokenizer, notes: Sequence[Document], settings: Settings) -> Document:
    """A note of one batch of whole windows: nowhere in it is a better place to cut than where a window is full."""
    words = " ".join(word.strip(".!?") for note in notes for word in note.text.split())
    windows = text_windows(tokenizer, words, settings.max_length)
    while len(windows) <= settings.span_batch:
        words = f"{words} {words}"
        windows = text_windows(tokenizer, words, settings.max_length)
    return Document("full", words[: windows[settings.span_batch - 1].offset_mapping[-1, 1]], frozenset())
