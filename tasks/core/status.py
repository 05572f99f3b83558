"""Whether a corpus is there, undamaged and of the size the literature gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from tasks.core.errors import InputError, MissingCorpus
from tasks.core.files.corpus import Corpus, CorpusWarning
from tasks.core.kinds import Size, Task


@dataclass(frozen=True, kw_only=True)
class SplitStatus:
    """The state of an official split. `problem` says which file is missing or wrong; "" where none is."""

    split: str
    present: bool
    problem: str
    examples: int
    expected: Size | None
    warnings: tuple[CorpusWarning, ...]

    @property
    def complete(self) -> bool:
        """Whether it was read to its end and has the expected size, where one is known."""
        return not self.problem and (self.expected is None or self.examples == self.expected.examples)


def status(task: Task[Any, Any], corpus: Corpus) -> tuple[SplitStatus, ...]:
    """The state of each official split of a task; each is read once."""
    with corpus.capture_warnings() as captured:  # A file that is stray to one split may be another's.
        splits = [_split_status(task, corpus, split) for split in task.official_splits]
    return tuple(replace(one, warnings=tuple(w for w in one.warnings if w in captured)) for one in splits)


def _split_status(task: Task[Any, Any], corpus: Corpus, split: str) -> SplitStatus:
    examples, present, problem = 0, True, ""
    with corpus.capture_warnings() as captured:
        try:
            for _ in task.read(corpus, split):
                examples += 1
        except InputError as error:
            present, problem = not isinstance(error, MissingCorpus), str(error)
    return SplitStatus(
        split=split,
        present=present,
        problem=problem,
        examples=examples,
        expected=task.source.sizes.get(split),
        warnings=tuple(warning for warning in captured if warning not in corpus.skipped),
    )


def warning_counts(warnings: Iterable[CorpusWarning]) -> dict[str, int]:
    """How many warnings there are of each kind."""
    return dict(sorted(Counter(warning.kind for warning in warnings).items()))
