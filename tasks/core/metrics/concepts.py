"""The scores of the i2b2/VA 2010 evaluator, which knows a concept by its first and its last token.

Source: 2010 i2b2/VA challenge, "Class Exact Span" and "Exact Span". A mention that begins or ends inside a token is
compared as it would be written to a concept file: widened to whole tokens, one of white space alone left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from tasks.core.examples import Document, Span
from tasks.core.formats.i2b2_concepts import whole_tokens
from tasks.core.metrics.span_evidence import Outcome, PlaceMetric, set_outcome


def exact_tokens(document: Document, answer: frozenset[Span]) -> Outcome:
    """A mention is found when the answer holds one of the same first and last token and label."""
    return set_outcome(_written(document.text, document.gold), _written(document.text, answer))


def _written(text: str, spans: frozenset[Span]) -> Iterator[tuple[Hashable, str]]:
    """The characters of the tokens of each mention, and its label."""
    document, _ = whole_tokens(Document("", text, spans))
    return ((span.fragments, span.label) for span in document.gold)


class SpanOnlyF1(PlaceMetric):
    """Micro F1 of the same first and last token, whatever the label ("Exact Span")."""

    name = "span_only_f1"
    title = "span-only F1"

    def places(self, text: str, spans: frozenset[Span]) -> set[Hashable]:
        """The characters of the tokens of each mention."""
        return {place for place, _ in _written(text, spans)}
