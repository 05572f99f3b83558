"""The scores of the i2b2/VA 2010 evaluator, which knows a concept by its first and its last token.

Source: 2010 i2b2/VA challenge, "Class Exact Span" and "Exact Span". A mention that begins or ends inside a token is
compared as it would be written to a concept file: widened to whole tokens, one of white space alone left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from tasks.core.examples import Document, Span
from tasks.core.formats.i2b2_concepts import whole_tokens
from tasks.core.metrics.spans import Outcome, compare_sets, unlabelled


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
