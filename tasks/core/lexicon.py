"""A lexicon of mentions, by counting alone: the baseline of CoNLL-2003 (Tjong Kim Sang and De Meulder 2003).

Every string that was a mention in training more often than not is answered with its most frequent label wherever it
stands as whole words, the longest first.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tasks.core.examples import Document, Span

_WORD = re.compile(r"\w+|[^\w\s]")

Words = tuple[str, ...]
"""A string as its words and marks in lower case."""


@dataclass(frozen=True)
class Lexicon:
    """Strings with the label each is answered with; by their first word the lengths to look for, longest first."""

    labels: dict[Words, str]
    lengths: dict[str, list[int]]

    def find(self, text: str) -> frozenset[Span]:
        """The strings of the lexicon in a text: from left to right, the longest at each word, none overlapping."""
        words, offsets = _words(text)
        found, first = set(), 0
        while first < len(words):
            string = next((one for one in _strings(words, first, self.lengths) if one in self.labels), ())
            last = first + max(len(string), 1)
            if string:
                found.add(Span(((offsets[first][0], offsets[last - 1][1]),), self.labels[string]))
            first = last
        return frozenset(found)


def lexicon(documents: Sequence[Document]) -> Lexicon:
    """The strings that are mentions more often than not; a mention that is not whole words is left out."""
    mentions: dict[Words, Counter[str]] = defaultdict(Counter)
    for document in documents:
        for string, label in _mentions(document):
            mentions[string][label] += 1
    lengths, seen = _lengths(mentions), Counter[Words]()
    for document in documents:
        words, _ = _words(document.text)
        for first in range(len(words)):
            seen.update(_strings(words, first, lengths))
    kept = {string: labels for string, labels in mentions.items() if 2 * labels.total() > seen[string]}
    # Of labels equally frequent the first by name, so that the order of documents decides nothing.
    best = {string: min(labels, key=lambda label: (-labels[label], label)) for string, labels in kept.items()}
    return Lexicon(best, _lengths(best))


def _words(text: str) -> tuple[Words, list[tuple[int, int]]]:
    """The words and marks of a text in lower case, and their characters."""
    found = list(_WORD.finditer(text))
    return tuple(match[0].lower() for match in found), [match.span() for match in found]


def _strings(words: Words, first: int, lengths: Mapping[str, Sequence[int]]) -> Iterator[Words]:
    """The strings that begin at a word and have one of the lengths that are looked for there."""
    return (words[first : first + one] for one in lengths.get(words[first], ()) if first + one <= len(words))


def _mentions(document: Document) -> Iterator[tuple[Words, str]]:
    """The contiguous mentions that begin and end where words do, each place once."""
    words, offsets = _words(document.text)
    starts, ends = ({offset[end]: k for k, offset in enumerate(offsets)} for end in (0, 1))
    for span in sorted(document.gold):
        first, last = starts.get(span.start), ends.get(span.end)
        if len(span.fragments) == 1 and first is not None and last is not None:
            yield words[first : last + 1], span.label


def _lengths(strings: Iterable[Words]) -> dict[str, list[int]]:
    """First word -> the lengths of strings that begin with it, longest first."""
    found: dict[str, set[int]] = defaultdict(set)
    for string in strings:
        found[string[0]].add(len(string))
    return {word: sorted(lengths, reverse=True) for word, lengths in found.items()}
