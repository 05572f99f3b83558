"""Whether a corpus is there, whole and of the size the literature gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from tasks.core.errors import InputError, MissingCorpus
from tasks.core.files.corpus import Corpus, Notice
from tasks.core.kinds import Size, Task


@dataclass(frozen=True, kw_only=True)
class SplitStatus:
    """What was found of an official split. `problem` says which file is missing or wrong; "" where none is."""

    split: str
    present: bool
    problem: str
    found: int
    expected: Size | None
    notices: tuple[Notice, ...]

    @property
    def whole(self) -> bool:
        """Whether it was read to its end and has the expected size, where one is known."""
        return not self.problem and (self.expected is None or self.found == self.expected.examples)


def status(task: Task[Any, Any], corpus: Corpus) -> tuple[SplitStatus, ...]:
    """The state of each official split of a task, read through once."""
    with corpus.capture_warnings() as noted:  # What is stray to one split may be another's.
        splits = [_split_status(task, corpus, split) for split in task.official_splits]
    return tuple(replace(split, notices=tuple(note for note in split.notices if note in noted)) for split in splits)


def _split_status(task: Task[Any, Any], corpus: Corpus, split: str) -> SplitStatus:
    found, present, problem = 0, True, ""
    with corpus.capture_warnings() as noted:
        try:
            for _ in task.read(corpus, split):
                found += 1
        except InputError as error:
            present, problem = not isinstance(error, MissingCorpus), str(error)
    return SplitStatus(
        split=split,
        present=present,
        problem=problem,
        found=found,
        expected=task.source.sizes.get(split),
        notices=tuple(notice for notice in noted if notice not in corpus.skipped),
    )


def notice_counts(notices: Iterable[Notice]) -> dict[str, int]:
    """How many notices there are of each kind."""
    return dict(sorted(Counter(notice.kind for notice in notices).items()))
