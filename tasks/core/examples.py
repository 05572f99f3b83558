"""What a corpus is made of: spans in documents, and pairs of sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
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
    """A note with its gold mentions.

    `listing` is gold as the corpus file lists it: in its order, and with the mentions that it repeats.
    """

    id: str
    text: str
    gold: frozenset[Span]
    listing: tuple[Span, ...] = field(default=(), compare=False, repr=False)

    def listed(self) -> Sequence[Span]:
        """Gold as the official programs go through it; by offsets where no file lists just these mentions."""
        return self.listing if frozenset(self.listing) == self.gold else sorted(self.gold)


@dataclass(frozen=True, slots=True)
class Pair(Generic[Gold]):
    """Two sentences with a class (str) or a score (float) as gold."""

    id: str
    first: str
    second: str
    gold: Gold
