"""What is trained on: a long note with its gold, and batches that are as full as they can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from baselines.core.settings import Settings
from baselines.core.tokenizer import SubwordTokenizer
from baselines.core.windows import text_windows
from bench.runner.corpora import Corpora
from bench.speed.growth_course import Given
from tasks.core.examples import Document, Span
from tasks.core.kinds import DEV, TRAIN, SpanTask, Task

BETWEEN = "\n\n"


def long_notes(corpora: Corpora, tasks: Sequence[Task[Any, Any]], characters: int, development: float) -> Given:
    """One training note of so many characters for each span task, made of its notes over and over with their gold."""
    examples: dict[tuple[str, str], Sequence[Any]] = {}
    for task in tasks:
        notes = corpora.examples(task, TRAIN, development)
        examples |= {(task.name, TRAIN): [_joined(notes, characters)], (task.name, DEV): notes[:1]}
    return Given(examples=examples, characters=characters * len(tasks))


def _joined(notes: Sequence[Document], characters: int) -> Document:
    """Notes over and over, cut at so many characters; a mention is there where all of it is."""
    texts: list[str] = []
    gold: set[Span] = set()
    begin = 0
    while begin < characters:
        note = notes[len(texts) % len(notes)]
        gold |= {_moved(span, begin) for span in note.gold if begin + span.end <= characters}
        texts.append(note.text + BETWEEN)
        begin += len(texts[-1])
    return Document("long", "".join(texts)[:characters], frozenset(gold))


def _moved(span: Span, by: int) -> Span:
    return replace(span, fragments=tuple((start + by, end + by) for start, end in span.fragments))


def full_batches(corpora: Corpora, tasks: Sequence[Task[Any, Any]], settings: Settings, encoder: Path) -> Given:
    """One batch of each task that no other of its size outweighs: every window and pair fills what it may hold."""
    tokenizer, examples = SubwordTokenizer(encoder), dict[tuple[str, str], Sequence[Any]]()
    for task in tasks:
        found = corpora.examples(task, TRAIN, settings.dev_fraction)
        if isinstance(task, SpanTask):
            full = [_dense(tokenizer, found, settings)]
        else:
            long = " ".join([f"{pair.first} {pair.second}" for pair in found[: settings.pair_max_length]])
            full = [
                replace(pair, first=long, second=long) for pair in (found * settings.pair_batch)[: settings.pair_batch]
            ]
        examples |= {(task.name, TRAIN): full, (task.name, DEV): found[:1]}
    return Given(examples=examples, characters=1)


def _dense(tokenizer: SubwordTokenizer, notes: Sequence[Document], settings: Settings) -> Document:
    """A note of one batch of whole windows: nowhere in it is a better place to cut than where a window is full."""
    words = " ".join(word.strip(".!?") for note in notes for word in note.text.split())
    windows = text_windows(tokenizer, words, settings.max_length)
    while len(windows) <= settings.span_batch:
        words = f"{words} {words}"
        windows = text_windows(tokenizer, words, settings.max_length)
    return Document("full", words[: windows[settings.span_batch - 1].offset_mapping[-1, 1]], frozenset())
