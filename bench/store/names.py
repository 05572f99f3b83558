"""What things are called in results and paths: no two share a path, on any file system."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from baselines.core.settings import Settings
from bench.store.sanitise import stem

_LONGEST_ORIGIN = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class RunName:
    """Which run: it says where a result lies, so that no two results share a path.

    `start` is the run that it starts from; None is the encoder.
    """

    corpus: str
    encoder: str
    arm: str
    tasks: tuple[str, ...]
    seed: int
    span_head: str = Settings.span_head
    start: RunName | None = None

    @property
    def comparison(self) -> str:
        """The folder of what it is compared with."""
        return comparison_label(self.corpus, self.encoder, self.span_head)

    @property
    def path(self) -> Path:
        """The run's folder below `runs`, `unfinished` or `reference`."""
        return Path(self.comparison, self.arm, self.label, f"seed-{self.seed}")

    @property
    def starts(self) -> Iterator[RunName]:
        """The run that it starts from, the one that this starts from, and so on."""
        name = self.start
        while name is not None:
            yield name
            name = name.start

    @property
    def label(self) -> str:
        """What its tasks are called in paths, and what it starts from unless that is the encoder."""
        return f"{tasks_label(self.tasks)}-from-{self.origin}" if self.start else tasks_label(self.tasks)

    @property
    def origin(self) -> str:
        """What it starts from, in paths: arm and tasks of a run that has the same seed; empty for the encoder."""
        if self.start is None:
            return ""
        start, name = self.start, f"{self.start.arm}-{tasks_label(self.start.tasks)}"
        if start == replace(self, arm=start.arm, tasks=start.tasks, start=None) and len(name) <= _LONGEST_ORIGIN:
            return name
        # No name of an arm or a task has a dot.
        digest = hashlib.sha256(repr(start._identity(self.seed)).encode()).hexdigest()
        return f"{name[: _LONGEST_ORIGIN - 13]}.{digest[:12]}"

    def _identity(self, seed: int) -> tuple[object, ...]:
        """What tells it from other starts of a run with this seed: that of all seeds together where it is theirs."""
        start = self.start and self.start._identity(seed)
        return self.comparison, self.arm, sorted(self.tasks), start, "" if self.seed == seed else self.seed


@lru_cache(maxsize=4096)
def comparison_label(corpus: str, encoder: str, span_head: str) -> str:
    """What a comparison is called in paths: its corpora, its encoder and, if it is not the usual one, its span head."""
    # The first hyphen ends the corpus, and no name of an encoder has a plus sign: no two comparisons share a label.
    name = f"{corpus.replace('-', '+', 1)}-{stem(encoder, '.')}"
    return name if span_head == Settings.span_head else f"{name}+{span_head}"


def tasks_label(tasks: Sequence[str]) -> str:
    """What a set of tasks is called in a path: up to three names, or their number and a digest of their names."""
    return _tasks_label(tuple(tasks))


@lru_cache(maxsize=4096)
def _tasks_label(tasks: tuple[str, ...]) -> str:
    names = "+".join(sorted(tasks))
    if len(tasks) <= 3 and len(names) <= 100:
        return names
    return f"{len(tasks)}-tasks-{hashlib.sha256(names.encode()).hexdigest()[:12]}"
