"""The scores that the code of MT-Clinical BERT (Mulyar & McInnes 2020) would have printed for the same answers.

That code leaves out of gold every mention that overlaps or touches another, one that repeats it included, and takes
each fragment of a mention for a mention of its own, but for two fragments at most one character apart, which it joins.
Source: github.com/NLPatVCU/multitasking_transformers, raw_datasets/ner/data.py at 016b0df (gold) and
evaluation/evaluate.py at 64b929c (labels of tokens, prefixes stripped).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Hashable, Iterator, Sequence

from tasks.core.examples import Document, Span
from tasks.core.metrics.spans import Outcome, SpanMetric, compare_sets, labelled

Piece = tuple[int, int]
# The code cuts words with a scispaCy model; words and single marks are what can be had from the text alone.
WORD = re.compile(r"\w+|[^\w\s]")


def _pieces(span: Span) -> tuple[Piece, ...]:
    if len(span.fragments) == 2 and span.fragments[1][0] - span.fragments[0][1] in (0, 1):
        return ((span.start, span.end),)
    return span.fragments


def _isolated(document: Document) -> set[tuple[Piece, str]]:
    """The pieces of gold, with their labels, that neither overlap nor touch a piece of another mention."""
    gold = document.listed()
    pieces = sorted((piece, number) for number, span in enumerate(gold) for piece in _pieces(span))
    crowded: set[int] = set()
    for i, ((_, end), number) in enumerate(pieces):
        for j in range(i + 1, len(pieces)):
            (later_start, _), later = pieces[j]
            if later_start > end:
                break
            if later != number:
                crowded |= {i, j}
    return {(piece, gold[number].label) for k, (piece, number) in enumerate(pieces) if k not in crowded}


def _answered(answer: frozenset[Span]) -> set[tuple[Piece, str]]:
    return {(piece, span.label) for span in answer for piece in _pieces(span)}


def on_paper_gold(document: Document, answer: frozenset[Span]) -> Outcome:
    """Exact pieces of the answer against the isolated pieces of gold."""
    return compare_sets(_isolated(document), _answered(answer))


def on_paper_words(document: Document, answer: frozenset[Span]) -> Outcome:
    """Words with the label of a piece that they share a character with, against those of isolated gold.

    Where words are cut differs from the paper's tokeniser, so its own figure may differ a little.
    """
    words = [match.span() for match in WORD.finditer(document.text)]
    return compare_sets(*(_words(words, pieces) for pieces in (_isolated(document), _answered(answer))))


def scores(labels: Sequence[str]) -> tuple[SpanMetric, SpanMetric]:
    """Micro F1 of exact pieces, and of words: what the paper's tag score is with the tags' prefixes stripped."""
    return (
        labelled("paper_gold_f1", "exact F1 on the paper's gold", labels, on_paper_gold),
        labelled("paper_token_f1", "word F1 on the paper's gold", labels, on_paper_words),
    )


def _words(words: list[Piece], pieces: set[tuple[Piece, str]]) -> Iterator[tuple[Hashable, str]]:
    ends = [end for _, end in words]
    for (start, end), label in pieces:
        for k in range(bisect_right(ends, start), len(words)):
            if words[k][0] >= end:
                break
            yield k, label
