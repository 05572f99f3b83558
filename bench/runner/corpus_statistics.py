"""Statistics of a corpus: what one pass over it says, taken once and kept while its files are the same bytes."""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baselines.core import checksummed
from bench.runner import code
from bench.store import strict_json
from tasks.core import splits
from tasks.core.files.corpus import Corpus
from tasks.core.kinds import DEV, TEST, TRAIN, Task
from tasks.core.status import warning_counts


@dataclass(frozen=True)
class CorpusStatistics:
    """What one pass over a corpus says of it, in numbers and digests alone.

    `train_characters` is what one epoch reads; `notices` counts by kind what was mended or skipped; `examples` counts
    by official split; `groups` counts the training examples of each group, in the order in which a development split is
    cut of them.
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
    """Statistics with the digest of what they were taken from: the bytes of the files on disk of these numbers."""

    files: tuple[int, ...]
    digest: str
    corpus_statistics: CorpusStatistics


def corpus_statistics(task: Task[Any, Any], corpus: Corpus, cache: Path | None, module: str) -> CorpusStatistics:
    """The statistics of a task's corpus; its files are read where there is no cache, or where a byte has changed.

    `module` is where the task is written: its code is part of what they depend on.
    """
    if cache is None:
        return _taken(task, corpus)
    file = _file(task, corpus, cache, module)
    if (found := _found(file, corpus)) is not None:
        return found
    with corpus.disk.opening() as opened:
        taken = _taken(task, corpus)
    files = tuple(sorted(opened))
    with checksummed.write(file) as unfinished:
        unfinished.write_text(strict_json.dumps(_Kept(files, corpus.disk.digest(files), taken)))
    return taken


def _file(task: Task[Any, Any], corpus: Corpus, cache: Path, module: str) -> Path:
    """Where the statistics of files of these names and sizes are kept, as this code takes them."""
    taken_by = code.digest(("bench.runner.corpus_statistics", module))
    key = strict_json.dumps([corpus.listing, taken_by, platform.python_version()])
    return cache / f"{task.name}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def _found(file: Path, corpus: Corpus) -> CorpusStatistics | None:
    try:
        kept = strict_json.loads(_Kept, checksummed.read(file) or b"")
        return kept.corpus_statistics if corpus.disk.digest(kept.files) == kept.digest else None
    except (OSError, ValueError, IndexError):
        return None


def _taken(task: Task[Any, Any], corpus: Corpus) -> CorpusStatistics:
    sizes: dict[str, int] = {}
    groups: Counter[bytes] = Counter()
    characters = 0

    def counted(split: str) -> Iterator[Any]:
        """The examples of a split, as they pass."""
        nonlocal characters
        sizes[split] = 0
        for example in splits.official(task, corpus, split):
            sizes[split] += 1
            if split == TRAIN:
                characters += task.train_characters(example)
                groups[splits.rank(task, example)] += 1
            yield example

    with corpus.capture_warnings() as noted:
        digests = [splits.digest(task, counted(split)) for split in task.official_splits]
    return CorpusStatistics(
        digest=hashlib.sha256("".join(digests).encode()).hexdigest(),
        train_characters=characters,
        notices=warning_counts(corpus.skipped | noted),
        examples=sizes,
        groups=() if DEV in sizes else tuple(groups[rank] for rank in sorted(groups)),
    )
