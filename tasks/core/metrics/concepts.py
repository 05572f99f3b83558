"""The scores of the i2b2/VA 2010 evaluator, which knows a concept by its first and its last token.

Source: 2010 i2b2/VA challenge, "Class Exact Span" and "Exact Span". A mention that begins or ends inside a token is
compared as it would be written to a concept file: widened to whole tokens, one of white space alone left out.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterator
from dataclasses import replace

from tasks.core.examples import Document, Span
from tasks.core.metrics.spans import Outcome, compare_sets, unlabelled

Tokens = list[tuple[int, int]]
"""The characters of each token, end exclusive."""

_TOKEN = re.compile(r"[^ \t\n\r\f\v]+")


def tokens_by_line(text: str) -> list[Tokens]:
    """The tokens of each line; where no line feed parts two lines, carriage returns do."""
    found: list[Tokens] = []
    offset = 0
    for line in text.split("\n" if "\n" in text.rstrip() else "\r"):
        empty = [(offset, offset)] if line[:1] in (" ", "\t") else []
        found.append(empty + [(offset + m.start(), offset + m.end()) for m in _TOKEN.finditer(line)])
        offset += len(line) + 1
    return found


def whole_tokens(document: Document) -> tuple[Document, int]:
    """A document whose mentions are widened to whole tokens, as a concept file has them; how many were changed.

    A mention in fragments becomes one from first start to last end; one of white space alone is left out.
    """
    tokens = [token for line in tokens_by_line(document.text) for token in line if token[0] < token[1]]
    starts, ends = [start for start, _ in tokens], [end for _, end in tokens]
    spans = set()
    for span in document.gold:
        first, after = bisect_right(ends, span.start), bisect_left(starts, span.end)
        if first < after:
            spans.add(Span(((starts[first], ends[after - 1]),), span.label))
    return replace(document, gold=frozenset(spans)), len(document.gold - spans)


def exact_tokens(document: Document, answer: frozenset[Span]) -> Outcome:
    """A mention matches an answer of the same first and last token and label."""
    return compare_sets(*(_as_written(document.text, spans) for spans in (document.gold, answer)))


def _as_written(text: str, spans: frozenset[Span]) -> Iterator[tuple[Hashable, str]]:
    document, _ = whole_tokens(Document("", text, spans))
    return ((span.fragments, span.label) for span in document.gold)


SPAN_ONLY_F1 = unlabelled(
    "span_only_f1", "span-only F1", lambda text, spans: {position for position, _ in _as_written(text, spans)}
)
"""Micro F1 of the same first and last token, whatever the label ("Exact Span")."""
