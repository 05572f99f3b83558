"""The text that a format states beside a mention's offsets. Offsets rule: other text is warned of, never trusted.

It only tells how the offsets of a whole document were counted: some programs count CRLF as two characters where the
text has one, or bytes, or UTF-16 units, or leave out what the text begins with.
"""

from __future__ import annotations

import html
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from tasks.core.examples import Document, Span
from tasks.core.files.corpus import Corpus
from tasks.core.files.corpus_file import CorpusFile

Fragments = tuple[tuple[int, int], ...]
Stated = tuple[str, Fragments]  # the text that a format states, and the offsets
Mention = tuple[int, Span, str, str]  # its line, what it is, the text that the format states and the text it covers


def collapsed(text: str) -> str:
    """The text with each run of white space as one blank, in lower case."""
    return " ".join(text.split()).casefold()


def agrees(stated: str, covered: str) -> bool:
    """Whether two texts are the same but for case, white space and character references such as `&apos;`."""
    said = collapsed(stated)
    return said == collapsed(covered) or collapsed(html.unescape(said)) == collapsed(html.unescape(covered))


def covered(text: str, fragments: Fragments) -> str:
    """What fragments cover, one blank between them."""
    if sum(max(0, end - start) for start, end in fragments) > len(text):
        return ""  # fragments on top of each other, soon refused: what they cover may be larger than memory
    return " ".join(text[start:end] for start, end in fragments)


def annotated(name: str, text: str, mentions: Iterable[Mention], file: CorpusFile, corpus: Corpus) -> Document:
    """A document with its mentions; those that are repeated, or whose stated text is not theirs, are warned of."""
    listing: list[Span] = []
    sides: list[tuple[int, str, str]] = []
    gold: set[Span] = set()
    for line, span, stated, own in mentions:
        if span in gold:
            corpus.warn(file, line, "repeated mention", "counted twice only where the official program does")
        gold.add(span)
        listing.append(span)
        sides.append((line, stated, own))
    warn_differences(corpus, file, sides)
    return Document(name, text, frozenset(gold), tuple(listing))


def warn_differences(corpus: Corpus, file: CorpusFile, mentions: Sequence[tuple[int, str, str]]) -> None:
    """Warn of each mention (line, stated text, covered text) whose stated text is not what its offsets cover."""
    different = [line for line, stated, own in mentions if not agrees(stated, own)]
    for line in different:
        corpus.warn(file, line, "text differs from its offsets", "kept; the offsets rule")
    if 1 < len(different) > len(mentions) / 2:
        counts = f"{len(different)} of {len(mentions)}: their mentions may all be misplaced"
        corpus.warn(file, None, "most texts differ from their offsets", counts)


def as_annotated(
    texts: Sequence[str], mentions: Sequence[Stated], file: CorpusFile, corpus: Corpus
) -> tuple[str, list[Fragments]]:
    """The first of the texts and the offsets as they stand; or, with a warning, those that more of the mentions fit."""
    stated = [fragments for _, fragments in mentions]
    text, offsets, kind, what = texts[0], stated, "", ""
    most = usual = _fitting(mentions, text, offsets)
    for least, new_kind, new_what, other, widths in _countings(texts) if usual < len(mentions) else ():
        if usual + least <= len(mentions):
            recounted = stated if widths is None else list(_recounted(stated, widths))
            fitting = _fitting(mentions, other, recounted)
            if fitting > most and fitting >= usual + least:
                most, text, offsets, kind, what = fitting, other, recounted, new_kind, new_what
    if kind:
        corpus.warn(file, None, kind, f"{what}; {most} of {len(mentions)} mentions fit so, {usual} as they stand")
    return text, offsets


def _fitting(mentions: Sequence[Stated], text: str, offsets: Sequence[Fragments]) -> int:
    return sum(agrees(said, covered(text, own)) for (said, _), own in zip(mentions, offsets, strict=True))


Counting = tuple[int, str, str, str, Iterable[int] | None]


def _countings(texts: Sequence[str]) -> Iterator[Counting]:
    """Ways to count offsets: how many more mentions must fit it, kind, what it is, the text, each character's width."""
    for other in texts[1:]:
        yield 1, "line ends changed", "read as line feeds, as the offsets count them", other, None
    text = texts[0]
    twice = (1 + (c == "\n") for c in text)
    yield 1, "line ends changed", "each counts as two characters in the offsets", text, twice
    otherwise = "offsets counted otherwise"
    if text.startswith("\ufeff"):
        yield 1, otherwise, "offsets leave out the byte order mark", text, (k > 0 for k in range(len(text)))
    start = len(text) - len(text.lstrip("\ufeff \t\r\n"))
    # Two at least: one mention that is wrong by itself must not move the others by chance.
    yield 2, otherwise, "offsets count UTF-16 units", text, (1 + (c > "\uffff") for c in text)
    yield 2, otherwise, "offsets count bytes", text, (len(c.encode()) for c in text)
    yield 2, otherwise, "offsets leave out what is before the first word", text, (k >= start for k in range(len(text)))


def _recounted(offsets: Iterable[Fragments], widths: Iterable[int]) -> Iterator[Fragments]:
    """The offsets in characters; what lies outside the text stays outside."""
    ends = array("I", accumulate(widths, initial=0))
    for fragments in offsets:
        pairs = [[bisect_right(ends, n) - 1 + (n > ends[-1]) for n in pair] for pair in fragments]
        yield tuple((start, end) for start, end in pairs)
