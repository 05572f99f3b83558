"""Scores of mentions by their characters and label: exact, lenient, and as brateval has it.

Where an official program depends on the order of its files, gold is taken in the order of its file and answers in the
order of their offsets, then labels, in which they are written.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence

from tasks.core.examples import Document, Span
from tasks.core.metrics.span_evidence import Extents, Outcome, SpanMetric, set_outcome


def exact(document: Document, answer: frozenset[Span]) -> Outcome:
    """A mention is found when the answer holds the same fragments with the same label."""
    return set_outcome(_places(document.gold), _places(answer))


def _places(spans: Iterable[Span]) -> Iterator[tuple[Hashable, str]]:
    return ((span.fragments, span.label) for span in spans)


def exact_envelope(document: Document, answer: frozenset[Span]) -> Outcome:
    """A mention is found when the answer holds one with the same first start, last end and label (n2c2 2018)."""
    places: dict[tuple[int, int, str], list[Span]] = defaultdict(list)
    for span in document.gold:
        places[span.start, span.end, span.label].append(span)
    return _used_once(document, ((span, places[span.start, span.end, span.label]) for span in sorted(answer)))


def overlap(document: Document, answer: frozenset[Span]) -> Outcome:
    """A mention is found when it shares a character with an answer of the same label, used once (n2c2 2018)."""
    by_label: dict[str, list[Span]] = defaultdict(list)
    for span in document.gold:
        by_label[span.label].append(span)
    extents = {label: Extents(spans) for label, spans in by_label.items()}

    def met(span: Span) -> list[Span]:
        spans = by_label.get(span.label, [])
        return [spans[k] for k in extents[span.label].meeting(span)] if spans else []

    return _used_once(document, ((span, met(span)) for span in sorted(answer)))


def _used_once(document: Document, pairs: Iterable[tuple[Span, list[Span]]]) -> Outcome:
    """The n2c2 program's counts from the answers, in order, each with the gold mentions that it meets.

    An answer takes every gold mention it meets, and is found once. One that meets a mention already taken is left
    out: neither found nor made up, though it takes the others that it meets. Missed is gold, a repeated mention
    twice, less found.
    """
    taken: set[Span] = set()
    found: list[str] = []
    made_up: list[str] = []
    for span, met in pairs:
        if not met:
            made_up.append(span.label)
        elif taken.isdisjoint(met):
            found.append(span.label)
        taken.update(met)
    missed = Counter(span.label for span in document.listed())
    missed.subtract(found)
    return Outcome(found, made_up, list(missed.elements()))


def brateval(document: Document, answer: frozenset[Span]) -> Outcome:
    """A mention is found when each of its fragments is one of an answer's of the same label, used once (brateval)."""
    holding: dict[tuple[tuple[int, int], str], list[Span]] = defaultdict(list)
    for span in _as_hashed(sorted(answer)):
        for fragment in span.fragments:
            holding[fragment, span.label].append(span)
    left = set(answer)
    found: list[str] = []
    missed: list[str] = []
    for gold in _as_hashed(document.listed()):
        candidates = (span for span in holding[gold.fragments[0], gold.label] if span in left)
        match = next((span for span in candidates if set(gold.fragments) <= set(span.fragments)), None)
        if match is None:
            missed.append(gold.label)
        else:
            found.append(gold.label)
            left.remove(match)
    return Outcome(found, [span.label for span in left], missed)


def _as_hashed(spans: Sequence[Span]) -> list[Span]:
    """Mentions T1, T2, ... in the order in which the program goes through them: that of a Java HashMap by id."""
    buckets = 16
    while 4 * len(spans) > 3 * buckets:
        buckets *= 2

    def bucket(number: int) -> int:
        code = 0
        for character in f"T{number}".encode():
            code = (31 * code + character) % 2**32
        return (code ^ code >> 16) % buckets

    return [spans[k] for k in sorted(range(len(spans)), key=lambda k: bucket(k + 1))]


class ExactF1(SpanMetric):
    """Micro F1 of mentions whose fragments and label are both exact.

    The rule of the i2b2 2014 scripts ("Strict"). With `exact_envelope`, that of the n2c2 2018 track 2 program
    ("strict"), which knows a mention by its first start and last end alone and lets two gold mentions of one envelope
    be found only once; with `exact_tokens`, that of the i2b2/VA 2010 evaluator.
    """

    name = "f1"
    title = "exact F1"
    own_rule = staticmethod(exact)


class ExactPrecision(SpanMetric):
    """The share of answers that are exact, by the rule of ExactF1."""

    name = "precision"
    title = "exact precision"
    formula = "micro_precision"
    own_rule = staticmethod(exact)


class ExactRecall(SpanMetric):
    """The share of gold mentions that are found exactly, by the rule of ExactF1."""

    name = "recall"
    title = "exact recall"
    formula = "micro_recall"
    own_rule = staticmethod(exact)


class LenientF1(SpanMetric):
    """Micro F1 of mentions that overlap one of the same label, by the n2c2 2018 track 2 program ("lenient").

    Extents run from first start to last end. Each gold mention accounts for one answer: a further answer on it is
    left out of the count, neither right nor wrong, so that precision does not fall when one mention is cut in two.
    """

    name = "lenient_f1"
    title = "lenient F1"
    own_rule = staticmethod(overlap)


class BratevalF1(SpanMetric):
    """Micro F1 by the exact match of span and type of brateval 0.3.2.

    Source: github.com/READ-BioMed/brateval, commit 10c6a86 (2024). It differs from ExactF1 in two ways. An answer with
    all fragments of a gold mention and more is taken for exact, by the first such mention in the program's order; ids
    are taken to be T1, T2, ... on either side. And a mention that gold lists twice counts twice, though an answer
    finds it once: 1 of QUAERO's 5,689 mentions to train, 8 of 5,307 to test. The version of the
    CLEF eHealth tasks on QUAERO (0.1.0, 2014) lets an answer be found more than once: it counts as ExactF1 does, and
    repeated mentions that are missed twice. On distinct mentions of one fragment all agree.
    """

    name = "brateval_f1"
    title = "brateval F1"
    own_rule = staticmethod(brateval)


class MacroF1(SpanMetric):
    """The mean over labels of BratevalF1, as brateval prints it; a label that neither side used does not count.

    The program rounds each label's F1 to four digits before it takes the mean.
    """

    name = "macro_f1"
    title = "macro F1"
    formula = "macro_f1"
    own_rule = staticmethod(brateval)
