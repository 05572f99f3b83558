"""A lexicon of mentions, by counting alone: the baseline of CoNLL-2003 (Tjong Kim Sang and De Meulder 2003).

Every string that was a mention in training more often than not is answered with its most frequent label wherever it
stands as whole words, the longest first.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tasks.core.examples import Document, Span

_WORD = re.compile(r"\w+|[^\w\s]")

Words = tuple[str, ...]
"""A string as its words in lower case."""


class Word(NamedTuple):
    """A word or a mark in a text, in lower case, with its place."""

    lower: str
    start: int
    end: int


@dataclass(frozen=True)
class Lexicon:
    """Strings with the label each is answered with; by their first word the lengths to look for, longest first."""

    labels: dict[Words, str]
    lengths: dict[str, tuple[int, ...]]

    def find(self, text: str) -> frozenset[Span]:
        """The strings of the lexicon in a text: from left to right, the longest at each place, none overlapping."""
        found, words, place = set(), _words(text), 0
        while place < len(words):
            string = next((string for string in _candidates(words, place, self.lengths) if string in self.labels), ())
            if string:
                last = words[place + len(string) - 1]
                found.add(Span(((words[place].start, last.end),), self.labels[string]))
            place += len(string) or 1
        return frozenset(found)


def lexicon(documents: Sequence[Document]) -> Lexicon:
    """The strings that are mentions more often than not; a mention that is not whole words is left out."""
    mentions: dict[Words, Counter[str]] = defaultdict(Counter)
    for document in documents:
        for string, label in _mentions(document):
            mentions[string][label] += 1
    seen = _occurrences(documents, _lengths(mentions))
    kept = {string: labels for string, labels in mentions.items() if 2 * labels.total() > seen[string]}
    # Of labels equally frequent the first by name, so that the order of documents decides nothing.
    best = {string: min(labels, key=lambda label: (-labels[label], label)) for string, labels in kept.items()}
    return Lexicon(best, _lengths(best))


def _words(text: str) -> list[Word]:
    return [Word(match[0].lower(), match.start(), match.end()) for match in _WORD.finditer(text)]


def _string(words: Sequence[Word], place: int, length: int) -> Words:
    return tuple(word.lower for word in words[place : place + length])


def _candidates(words: Sequence[Word], place: int, lengths: Mapping[str, Sequence[int]]) -> Iterator[Words]:
    """The strings that begin at a place and have one of the lengths that are of interest there."""
    for length in lengths.get(words[place].lower, ()):
        if place + length <= len(words):
            yield _string(words, place, length)


def _mentions(document: Document) -> Iterator[tuple[Words, str]]:
    """The contiguous mentions that begin and end where words do, each place once."""
    words = _words(document.text)
    starts, ends = {word.start: k for k, word in enumerate(words)}, {word.end: k for k, word in enumerate(words)}
    for span in sorted(document.gold):
        first, last = starts.get(span.start), ends.get(span.end)
        if len(span.fragments) == 1 and first is not None and last is not None:
            yield _string(words, first, last - first + 1), span.label


def _lengths(strings: dict[Words, Any]) -> dict[str, tuple[int, ...]]:
    """First word -> the lengths of strings that begin with it, longest first."""
    found: dict[str, set[int]] = defaultdict(set)
    for string in strings:
        found[string[0]].add(len(string))
    return {word: tuple(sorted(lengths, reverse=True)) for word, lengths in found.items()}


def _occurrences(documents: Sequence[Document], lengths: dict[str, tuple[int, ...]]) -> Counter[Words]:
    """How often each string that may be of interest stands anywhere in the texts."""
    seen: Counter[Words] = Counter()
    for document in documents:
        words = _words(document.text)
        for place in range(len(words)):
            seen.update(_candidates(words, place, lengths))
    return seen
