"""What a corpus is made of: spans in documents, and pairs of sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Gold = TypeVar("Gold")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A labelled stretch of a document: (start, end) in characters, end exclusive; one fragment as a rule."""

    fragments: tuple[tuple[int, int], ...]
    label: str

    @property
    def start(self) -> int:
        """The first character of the first fragment."""
        return self.fragments[0][0]

    @property
    def end(self) -> int:
        """The end of the last fragment."""
        return self.fragments[-1][1]


@dataclass(frozen=True, slots=True)
class Document:
    """A note with its gold mentions."""

    id: str
    text: str
    gold: frozenset[Span]


@dataclass(frozen=True, slots=True)
class Pair(Generic[Gold]):
    """Two sentences with a class (str) or a score (float) as gold."""

    id: str
    first: str
    second: str
    gold: Gold
