"""The scores that the code of MT-Clinical BERT (Mulyar & McInnes 2020) would have printed for the same answers.

That code leaves out of gold every mention that overlaps or touches another, one that repeats it included, and takes
each fragment of a mention for a mention of its own, but for two fragments at most one character apart, which it joins.
Source: github.com/NLPatVCU/multitasking_transformers, raw_datasets/ner/data.py at 016b0df (gold) and
evaluation/evaluate.py at 64b929c (labels of tokens, prefixes stripped).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Hashable, Iterable, Iterator, Sequence

from tasks.core.examples import Document, Span
from tasks.core.metrics.span_evidence import Outcome, SpanMetric, set_outcome

Piece = tuple[int, int]
# The code cuts words with a scispaCy model; words and single marks are what can be had from the text alone.
WORD = re.compile(r"\w+|[^\w\s]")


def _pieces(span: Span) -> tuple[Piece, ...]:
    if len(span.fragments) == 2 and span.fragments[1][0] - span.fragments[0][1] in (0, 1):
        return ((span.start, span.end),)
    return span.fragments


def _labelled(spans: Iterable[Span]) -> set[tuple[Piece, str]]:
    return {(piece, span.label) for span in spans for piece in _pieces(span)}


def isolated(gold: Sequence[Span]) -> set[tuple[Piece, str]]:
    """The pieces of gold, with their labels, that neither overlap nor touch a piece of another mention."""
    placed = sorted((piece, number) for number, span in enumerate(gold) for piece in _pieces(span))
    crowded: set[int] = set()
    for i, ((_, end), number) in enumerate(placed):
        for j in range(i + 1, len(placed)):
            (later_start, _), later = placed[j]
            if later_start > end:
                break
            if later != number:
                crowded |= {i, j}
    return {(piece, gold[number].label) for k, (piece, number) in enumerate(placed) if k not in crowded}


def on_paper_gold(document: Document, answer: frozenset[Span]) -> Outcome:
    """Exact pieces of the answer against the isolated pieces of gold."""
    return set_outcome(isolated(document.listed()), _labelled(answer))


def on_paper_words(document: Document, answer: frozenset[Span]) -> Outcome:
    """Words with the label of a piece that they share a character with, against those of isolated gold."""
    words = [match.span() for match in WORD.finditer(document.text)]
    return set_outcome(_words(words, isolated(document.listed())), _words(words, _labelled(answer)))


def _words(words: list[Piece], pieces: Iterable[tuple[Piece, str]]) -> Iterator[tuple[Hashable, str]]:
    ends = [end for _, end in words]
    for (start, end), label in pieces:
        for k in range(bisect_right(ends, start), len(words)):
            if words[k][0] >= end:
                break
            yield k, label


class PaperGoldF1(SpanMetric):
    """Exact micro F1 against gold without the mentions that overlap or touch another, as the paper's code had it."""

    name = "paper_gold_f1"
    title = "exact F1 on the paper's gold"
    own_rule = staticmethod(on_paper_gold)


class PaperTokenF1(SpanMetric):
    """Micro F1 of labelled words against the paper's gold: what its tag score is with the tags' prefixes stripped.

    Where words are cut differs from the paper's tokeniser, so its own figure may differ a little.
    """

    name = "paper_token_f1"
    title = "word F1 on the paper's gold"
    own_rule = staticmethod(on_paper_words)
