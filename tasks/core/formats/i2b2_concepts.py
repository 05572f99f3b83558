r"""i2b2/VA 2010 concept files: a text with one sentence a line (`.txt`) and its concepts (`.con`).

A concept is `c="text" L:T L:T||t="problem"`: line from 1, token from 0, end inclusive, text in lower case. Tokens are
runs of what is not white space; a line that begins with white space has an empty token 0.
Source: 2010 i2b2/VA challenge, annotation file formatting.
"""

from __future__ import annotations

import re
from pathlib import Path

from tasks.core.errors import InputError
from tasks.core.examples import Document, Span
from tasks.core.files.corpus import Corpus
from tasks.core.files.corpus_file import CorpusFile
from tasks.core.formats.output import write_lines, write_text
from tasks.core.formats.standoff import TextAndAnnotations
from tasks.core.formats.stated_text import warn_differences
from tasks.core.metrics.concepts import Tokens, tokens_by_line

# The text of a concept may hold `"` and `||`: it ends where the two offsets and the label end the line.
_CONCEPT = re.compile(r'c="(.*)" ([0-9]{1,18}):([0-9]{1,18}) ([0-9]{1,18}):([0-9]{1,18})\|\|t="([^"]*)"\s*')
_ENDS = re.compile(r'" [0-9]+:[0-9]+ [0-9]+:[0-9]+\|\|')


def read_document(files: TextAndAnnotations, labels: tuple[str, ...], corpus: Corpus) -> Document:
    """A document with its concepts; InputError where a line is malformed or points outside the text."""
    text, file = files.text.text(), files.annotations
    lines = tokens_by_line(text)
    gold: set[Span] = set()
    sides: list[tuple[int, str, str]] = []
    for number, line in file.lines():
        if not (line := line.removeprefix("\ufeff")).strip():
            continue
        match = _CONCEPT.fullmatch(line)
        if match is None:
            raise file.wrong(number, "this is no concept; is the file cut short?")
        if _ENDS.search(match[1]):
            raise file.wrong(number, "more than one concept; is the end of a line lost?")
        if match[6] not in labels:
            raise file.wrong(number, f"a label that the task does not have; it has {', '.join(labels)}")
        start, end = _characters(lines, match, file, number)
        sides.append((number, match[1], text[start:end]))
        span = Span(((start, end),), match[6])
        if span in gold:
            corpus.warn(file, number, "repeated mention", "counted once")
        gold.add(span)
    warn_differences(corpus, file, sides)
    return Document(files.id, text, frozenset(gold))


def write_document(text_path: Path, concepts_path: Path, document: Document) -> None:
    """Write a text and its concepts; InputError where a mention is not made of whole tokens."""
    lines = tokens_by_line(document.text)
    starts = {start: (n, k) for n, line in enumerate(lines, 1) for k, (start, _) in enumerate(line)}
    ends = {end: (n, k) for n, line in enumerate(lines, 1) for k, (_, end) in enumerate(line)}
    write_text(text_path, document.text)
    write_lines(concepts_path, (_line(span, document, starts, ends) for span in sorted(document.gold)))


Addresses = dict[int, tuple[int, int]]  # character -> line, token


def _line(span: Span, document: Document, starts: Addresses, ends: Addresses) -> str:
    if len(span.fragments) != 1 or span.start not in starts or span.end not in ends:
        raise InputError(f"document {document.id}, characters {span.start} to {span.end}: not made of whole tokens")
    (line, token), (last_line, last_token) = starts[span.start], ends[span.end]
    covered = " ".join(document.text[span.start : span.end].split()).lower()
    return f'c="{covered}" {line}:{token} {last_line}:{last_token}||t="{span.label}"'


def _characters(lines: list[Tokens], match: re.Match[str], file: CorpusFile, number: int) -> tuple[int, int]:
    line, token, last_line, last_token = map(int, match.groups()[1:5])
    for at, k in ((line, token), (last_line, last_token)):
        if not (1 <= at <= len(lines) and k < len(lines[at - 1])):
            raise file.wrong(number, f"token {at}:{k} lies outside the text")
    start, end = lines[line - 1][token][0], lines[last_line - 1][last_token][1]
    if start >= end:
        raise file.wrong(number, f"tokens {line}:{token} to {last_line}:{last_token} hold nothing")
    return start, end
