"""What every arm is given: an encoder, notes and pairs to answer, a task's training set, batches that are full."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import torch

from baselines.core import hub
from baselines.core.settings import Settings
from baselines.core.tokenizer import SubwordTokenizer
from baselines.core.windows import pair_window, text_windows
from bench import registry
from bench.runner.corpora import Corpora
from bench.runner.encoder_files import EncoderFiles, encoder_files
from bench.speed import RANDOM
from bench.store.locks import temporary_folder
from tasks.core.examples import Document, Pair, Span
from tasks.core.kinds import DEV, TEST, TRAIN, Task

BETWEEN = "\n\n"
"""What parts the notes that a long note is made of."""

Examples = dict[tuple[str, str], Sequence[Any]]
"""Examples by task and split."""


@contextmanager
def encoder_named(encoder: str | None, data: Path | None) -> Iterator[EncoderFiles]:
    """The files of an encoder, which last as long as the block; without a name that of `run`."""
    if encoder != RANDOM:
        yield encoder_files(encoder or (hub.DEMO if data is None else hub.CLINICAL), fetch=True)
        return
    from transformers import BertConfig, BertModel

    demo = encoder_files(hub.DEMO, fetch=False).folder
    assert demo is not None
    with temporary_folder() as folder:
        for path in hub.text_files(demo):  # The demo encoder's tokenizer.
            shutil.copyfile(path, folder / path.name)
        torch.manual_seed(0)
        BertModel(BertConfig()).save_pretrained(folder)  # 12 layers, 768 hidden units.
        yield EncoderFiles(RANDOM, folder, hub.digest(folder))


def reads_documents(task: Task[Any, Any]) -> bool:
    """Whether the examples of a task are documents; otherwise they are pairs."""
    return task.example_type is Document


def tasks_of_paper() -> tuple[Task[Any, Any], ...]:
    """The tasks that are measured, those that read documents first."""
    return tuple(sorted(registry.of_paper(), key=lambda task: (not reads_documents(task), task.name)))


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
    in_turn = chain(*zip_longest(*(found for task, found in splits if reads_documents(task))))
    of_pairs = {task.name: found for task, found in splits if not reads_documents(task)}
    each = -(-count // max(1, len(of_pairs)))
    return Workload(
        notes=tuple(replace(note, gold=frozenset()) for note in in_turn if note is not None)[:count],
        pairs={name: tuple(found[:each]) for name, found in of_pairs.items()},
    )


def long_note(notes: Sequence[Document], characters: int) -> Document:
    """Notes over and over, cut at so many characters; a mention is there where all of it is."""
    texts: list[str] = []
    gold: set[Span] = set()
    begin = 0
    while begin < characters:
        note = notes[len(texts) % len(notes)]
        for span in note.gold:
            if begin + span.end <= characters:
                gold.add(replace(span, fragments=tuple((start + begin, end + begin) for start, end in span.fragments)))
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
    while len(windows := text_windows(tokenizer, words, settings.max_length)) <= settings.span_batch:
        words = f"{words} {words}"
    return Document("full", words[: windows[settings.span_batch - 1].offset_mapping[-1, 1]], frozenset())
