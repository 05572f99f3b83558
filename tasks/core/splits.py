"""The examples of a split: an official one, or a development split cut from the official training set."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from typing import Any

from tasks.core.corpus import Corpus
from tasks.core.errors import InputError
from tasks.core.examples import Document
from tasks.core.kinds import DEV, TEST, TRAIN, Example, Task


def examples(task: Task[Example, Any], corpus: Corpus, split: str, fraction: float = 0.1) -> list[Example]:
    """The examples of a split, in the order of the corpus.

    Where there is no official development split, `fraction` of the groups of the training set, at least one, make it:
    the first by a digest of their key, so that other groups coming or going move none.
    """
    if DEV in task.official_splits or split == TEST:
        return _official(task, corpus, split)
    whole = _official(task, corpus, TRAIN)
    held = _held_out(task.name, {task.group(example) for example in whole}, fraction)
    chosen = [example for example in whole if (task.group(example) in held) == (split == DEV)]
    if not chosen:
        raise InputError(f"{task.name}: one group of examples cannot be cut in a training and a development split")
    return chosen


def _official(task: Task[Example, Any], corpus: Corpus, split: str) -> list[Example]:
    found = list(task.read(corpus, split))
    if not found:
        raise InputError(f"{task.name}: its files below {corpus.folder} hold no example of {split}; get them anew")
    return found


def _held_out(task: str, groups: set[str], fraction: float) -> set[str]:
    def rank(group: str) -> bytes:
        return hashlib.sha256(f"development:{task}:{group}".encode()).digest()

    return set(sorted(groups, key=rank)[: math.ceil(fraction * len(groups))])


def digest(found: Iterable[Any]) -> str:
    """A SHA-256 of ids, texts and golds in order, all that scores depend on, whatever the corpus is packed in."""
    total = hashlib.sha256()
    for example in found:
        if isinstance(example, Document):
            content = [example.id, example.text, [(span.fragments, span.label) for span in example.listed()]]
        else:
            content = [example.id, example.first, example.second, example.gold]
        total.update(json.dumps(content).encode() + b"\n")
    return total.hexdigest()
