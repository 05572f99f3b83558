"""The examples of a split: an official one, or a development split cut from the official training set."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from typing import Any

from tasks.core.errors import InputError, MissingCorpus
from tasks.core.files.corpus import Corpus
from tasks.core.kinds import DEV, TEST, TRAIN, Example, Task


def stream(task: Task[Example, Any], corpus: Corpus, split: str, fraction: float = 0.1) -> Iterator[Example]:
    """The examples of a split one at a time, in the order of the corpus; InputError where there are none.

    Where there is no official development split, `fraction` of the groups of the training set, at least one, make it:
    the first by a digest of their key, so that other groups coming or going move none. The training set is read twice.
    """
    if DEV in task.official_splits or split == TEST:
        yield from official(task, corpus, split)
        return
    ranks = sorted({rank(task, example) for example in official(task, corpus, TRAIN)})
    held = set(ranks[: held_out(len(ranks), fraction)])
    empty = True
    for example in official(task, corpus, TRAIN):
        if (rank(task, example) in held) == (split == DEV):
            empty = False
            yield example
    if empty and len(held) > 1:
        groups = f"none of its {len(held)} groups of examples for training"
        raise InputError(f"{task.name}: --dev-fraction {fraction:g} leaves {groups}: give a smaller part")
    if empty:
        what = "one group of examples cannot be cut in training and development; give a larger corpus"
        raise InputError(f"{task.name}: {what}")


def official(task: Task[Example, Any], corpus: Corpus, split: str) -> Iterator[Example]:
    """The examples of an official split one at a time; InputError where there are none."""
    empty = True
    for example in task.read(corpus, split):
        empty = False
        yield example
    if empty:
        raise MissingCorpus(f"{task.name}: its files below {corpus.folder} hold no example of {split}; get them anew")


def held_out(groups: int, fraction: float) -> int:
    """How many of the groups of a training set make its development split, the first by their rank."""
    return math.ceil(fraction * groups)


def rank(task: Task[Example, Any], example: Example) -> bytes:
    """Where the group of an example comes when a development split is cut."""
    return hashlib.sha256(f"development:{task.name}:{task.group(example)}".encode()).digest()


def digest(task: Task[Example, Any], found: Iterable[Example]) -> str:
    """A SHA-256 of ids, texts and golds in order, all that scores depend on, whatever the corpus is packed in."""
    total = hashlib.sha256()
    for example in found:
        total.update(task.example_to_json(example).encode() + b"\n")
    return total.hexdigest()
