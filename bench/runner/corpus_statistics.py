"""The census of a corpus: what one pass over it says, taken once and kept while its files are the same bytes."""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baselines.core import checksummed as sealed
from bench import registry
from bench.runner import code
from bench.store import strict_json
from tasks.core import splits
from tasks.core.corpus import Corpus
from tasks.core.examples import Document
from tasks.core.kinds import DEV, TEST, TRAIN, Task
from tasks.core.status import notice_counts

PAIR_CHARACTERS = 512
"""Pairs are cut at 128 sub-words as a rule, of some four characters."""


@dataclass(frozen=True)
class CorpusStatistics:
    """What one pass over a corpus says of it, in numbers and digests alone.

    `train_characters` is what one epoch of training reads; `notices` counts by kind what was mended or skipped;
    `examples` counts by official split; `groups` are the examples of training in each of its groups, in the order in
    which a development split is cut of them.
    """

    digest: str
    train_characters: int
    notices: dict[str, int]
    examples: dict[str, int]
    groups: tuple[int, ...]

    def size(self, split: str, fraction: float) -> int:
        """How many examples a split has; of a training set without official development split, both its parts."""
        if split == TEST or DEV in self.examples:
            return self.examples[split]
        held = sum(self.groups[: splits.held_out(len(self.groups), fraction)])
        return held if split == DEV else self.examples[TRAIN] - held


@dataclass(frozen=True)
class _Kept:
    """A census with the digest of what it was taken from: the bytes of the files on disk of these numbers."""

    places: tuple[int, ...]
    digest: str
    corpus_statistics: CorpusStatistics


def corpus_statistics(task: Task[Any, Any], corpus: Corpus, cache: Path | None) -> CorpusStatistics:
    """The census of a task's corpus; without a cache, or where a byte has changed, its files are read for it."""
    if cache is None:
        return _taken(task, corpus)
    file = _file(task, corpus, cache)
    if (found := _found(file, corpus)) is not None:
        return found
    with corpus.disk.opening() as opened:
        taken = _taken(task, corpus)
    places = tuple(sorted(opened))
    with sealed.written(file) as unfinished:
        unfinished.write_text(strict_json.dumps(_Kept(places, corpus.disk.digest(places), taken)))
    return taken


def _file(task: Task[Any, Any], corpus: Corpus, cache: Path) -> Path:
    """Where the census of files of these names and sizes is kept, as this code takes it."""
    taken_by = code.digest(("bench.runner.corpus_statistics", registry.module("task", task.name)))
    key = strict_json.dumps([corpus.listing, taken_by, platform.python_version()])
    return cache / f"{task.name}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def _found(file: Path, corpus: Corpus) -> CorpusStatistics | None:
    try:
        kept = strict_json.loads(_Kept, sealed.read(file) or b"")
        return kept.corpus_statistics if corpus.disk.digest(kept.places) == kept.digest else None
    except (OSError, ValueError, IndexError):
        return None


def _taken(task: Task[Any, Any], corpus: Corpus) -> CorpusStatistics:
    digests: list[str] = []
    passed = {split: _Passed(task) for split in task.official_splits}
    with corpus.capture_warnings() as noted:
        for split, count in passed.items():
            digests.append(splits.digest(count.of(splits.official(task, corpus, split))))
    groups = passed[TRAIN].groups if DEV not in passed else {}
    return CorpusStatistics(
        digest=hashlib.sha256("".join(digests).encode()).hexdigest(),
        train_characters=passed[TRAIN].characters,
        notices=notice_counts(corpus.skipped | noted),
        examples={split: count.examples for split, count in passed.items()},
        groups=tuple(groups[rank] for rank in sorted(groups)),
    )


class _Passed:
    """Examples as they pass, counted."""

    def __init__(self, task: Task[Any, Any]) -> None:
        self._task = task
        self.examples = self.characters = 0
        self.groups: Counter[bytes] = Counter()

    def of(self, examples: Iterable[Any]) -> Iterator[Any]:
        """The same examples."""
        for example in examples:
            self.examples += 1
            self.characters += characters(example)
            self.groups[splits.rank(self._task, example)] += 1
            yield example


def characters(example: Any) -> int:
    """The characters that a training reads of an example."""
    if isinstance(example, Document):
        return len(example.text)
    return min(len(example.first) + len(example.second), PAIR_CHARACTERS)
