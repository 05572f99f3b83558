"""Scores of mentions by their characters and label: exact, lenient, and as brateval counts them.

A rule says which mentions count as true positives, false positives and false negatives; a metric counts them by label.
Where an official program depends on the order of its files, gold is taken in the order of its file and answers in the
order of their offsets, then labels, in which they are written.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from tasks.core.errors import InputError
from tasks.core.examples import Document, Span
from tasks.core.metrics.metric import Metric


class Outcome(NamedTuple):
    """The labels of the true positives, false positives and false negatives of one document."""

    tp: Collection[str]
    fp: Collection[str]
    fn: Collection[str]


Rule = Callable[[Document, frozenset[Span]], Outcome]
SpanMetric = Metric[Document, frozenset[Span]]


def labelled(name: str, title: str, labels: Sequence[str], rule: Rule, formula: str = "micro_f1") -> SpanMetric:
    """A metric whose columns are `<label>:tp`, `<label>:fp` and `<label>:fn`, as a rule counts them.

    A mention whose label is not among `labels` is an InputError: it would be lost in silence.
    """
    columns = tuple(f"{label}:{role}" for label in labels for role in Outcome._fields)
    first_column = {label: 3 * k for k, label in enumerate(labels)}

    def observe(document: Document, answer: frozenset[Span]) -> Sequence[float]:
        row = [0.0] * len(columns)
        for role, found in enumerate(rule(document, answer)):
            for label in found:
                if label not in first_column:
                    raise InputError(
                        f"document {document.id} has a mention labelled {label!r}, which {name} does not count; "
                        f"its labels are {', '.join(labels)}"
                    )
                row[first_column[label] + role] += 1
        return row

    return Metric(name, title, formula, columns, observe)


def unlabelled(name: str, title: str, positions: Callable[[str, frozenset[Span]], set[Hashable]]) -> SpanMetric:
    """Micro F1 of the positions of mentions in a text, whatever their label."""

    def observe(document: Document, answer: frozenset[Span]) -> Sequence[float]:
        gold, given = (positions(document.text, spans) for spans in (document.gold, answer))
        return len(gold & given), len(given - gold), len(gold - given)

    return Metric(name, title, "micro_f1", Outcome._fields, observe)


def compare_sets(gold: Iterable[tuple[Hashable, str]], answer: Iterable[tuple[Hashable, str]]) -> Outcome:
    """The outcome where mentions are (position, label) and match where both are equal."""
    expected, given = set(gold), set(answer)
    return Outcome(*([label for _, label in part] for part in (expected & given, given - expected, expected - given)))


class OverlapIndex:
    """Mentions by their extents, from first start to last end, to look up those that share a character with another."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._order = sorted(range(len(spans)), key=lambda k: spans[k].start)
        self._starts = [spans[k].start for k in self._order]
        # The largest end so far ascends as the starts do, and so can be searched, though mentions may nest.
        self._largest_ends = list(accumulate((spans[k].end for k in self._order), max))

    def overlapping(self, span: Span) -> list[int]:
        """The indices in `spans` of those that overlap a span, ascending."""
        first, after = bisect_right(self._largest_ends, span.start), bisect_left(self._starts, span.end)
        return sorted(k for k in self._order[first:after] if self._spans[k].end > span.start)


def exact(document: Document, answer: frozenset[Span]) -> Outcome:
    """A mention matches an answer of the same fragments and label (the i2b2 2014 scripts, "Strict")."""
    return compare_sets(*(((span.fragments, span.label) for span in spans) for spans in (document.gold, answer)))


def exact_envelope(document: Document, answer: frozenset[Span]) -> Outcome:
    """A mention matches an answer of the same first start, last end and label (n2c2 2018 track 2, "strict").

    Two gold mentions of one envelope can be found only once.
    """
    by_envelope: dict[tuple[int, int, str], list[Span]] = defaultdict(list)
    for span in document.gold:
        by_envelope[span.start, span.end, span.label].append(span)
    return _used_once(document, ((span, by_envelope[span.start, span.end, span.label]) for span in sorted(answer)))


def overlap(document: Document, answer: frozenset[Span]) -> Outcome:
    """A mention matches an answer of the same label that shares a character, used once (n2c2 2018 track 2, "lenient").

    Extents run from first start to last end. Each gold mention accounts for one answer: a further answer on it is
    left out of the count, neither right nor wrong, so that precision does not fall when one mention is cut in two.
    """
    by_label: dict[str, list[Span]] = defaultdict(list)
    for span in document.gold:
        by_label[span.label].append(span)
    index = {label: OverlapIndex(spans) for label, spans in by_label.items()}

    def matches(span: Span) -> list[Span]:
        spans = by_label.get(span.label, [])
        return [spans[k] for k in index[span.label].overlapping(span)] if spans else []

    return _used_once(document, ((span, matches(span)) for span in sorted(answer)))


def _used_once(document: Document, pairs: Iterable[tuple[Span, list[Span]]]) -> Outcome:
    """The n2c2 program's counts from the answers, in order, each with the gold mentions that it matches.

    An answer uses up every gold mention it matches, and is one true positive. One that matches a mention used up before
    is left out, neither a true nor a false positive, though it uses up the others that it matches. False negatives are
    gold, a repeated mention twice, less the true positives.
    """
    used: set[Span] = set()
    tp: list[str] = []
    fp: list[str] = []
    for span, matches in pairs:
        if not matches:
            fp.append(span.label)
        elif used.isdisjoint(matches):
            tp.append(span.label)
        used.update(matches)
    fn = Counter(span.label for span in document.listed())
    fn.subtract(tp)
    return Outcome(tp, fp, list(fn.elements()))


def brateval(document: Document, answer: frozenset[Span]) -> Outcome:
    """A mention matches an answer that has all its fragments, or more, and its label, used once.

    This is the exact match of span and type of brateval 0.3.2. Source: github.com/READ-BioMed/brateval, commit 10c6a86
    (2024). It differs from `exact` in two ways. An answer with more fragments than a gold mention is taken for exact,
    by the first such mention in the program's order; ids are taken to be T1, T2, ... on either side. And a mention that
    gold lists twice counts twice, though an answer finds it once: 1 of QUAERO's 5,689 mentions to train, 8 of 5,307 to
    test. The version of the CLEF eHealth tasks on QUAERO (0.1.0, 2014) lets an answer be found more than once: it
    counts as `exact` does, and repeated mentions that are missed twice. On distinct mentions of one fragment all agree.
    """
    candidates: dict[tuple[tuple[int, int], str], list[Span]] = defaultdict(list)
    for span in _in_hash_order(sorted(answer)):
        for fragment in span.fragments:
            candidates[fragment, span.label].append(span)
    unused = set(answer)
    tp: list[str] = []
    fn: list[str] = []
    for gold in _in_hash_order(document.listed()):
        free = (span for span in candidates[gold.fragments[0], gold.label] if span in unused)
        match = next((span for span in free if set(gold.fragments) <= set(span.fragments)), None)
        if match is None:
            fn.append(gold.label)
        else:
            tp.append(gold.label)
            unused.remove(match)
    return Outcome(tp, [span.label for span in unused], fn)


def _in_hash_order(spans: Sequence[Span]) -> Iterator[Span]:
    """Mentions T1, T2, ... in the order in which the program goes through them: that of a Java HashMap by id."""
    buckets = 16
    while 4 * len(spans) > 3 * buckets:
        buckets *= 2

    def bucket(k: int) -> int:
        code = 0
        for character in f"T{k + 1}".encode():
            code = (31 * code + character) % 2**32
        return (code ^ code >> 16) % buckets

    return (spans[k] for k in sorted(range(len(spans)), key=bucket))


def exact_f1(labels: Sequence[str], rule: Rule = exact) -> SpanMetric:
    """Micro F1 of mentions that are exact: by their fragments, or by another rule that a corpus's own program has."""
    return labelled("f1", "exact F1", labels, rule)


def exact_precision(labels: Sequence[str], rule: Rule = exact) -> SpanMetric:
    """The share of answers that are exact."""
    return labelled("precision", "exact precision", labels, rule, "micro_precision")


def exact_recall(labels: Sequence[str], rule: Rule = exact) -> SpanMetric:
    """The share of gold mentions that are found exactly."""
    return labelled("recall", "exact recall", labels, rule, "micro_recall")


def lenient_f1(labels: Sequence[str]) -> SpanMetric:
    """Micro F1 of mentions that overlap an answer."""
    return labelled("lenient_f1", "lenient F1", labels, overlap)


def brateval_f1(labels: Sequence[str]) -> SpanMetric:
    """Micro F1 as brateval counts."""
    return labelled("brateval_f1", "brateval F1", labels, brateval)


def macro_f1(labels: Sequence[str]) -> SpanMetric:
    """The mean over labels of the F1 that brateval prints; a label that neither side used does not count.

    The program rounds each label's F1 to four digits before it takes the mean.
    """
    return labelled("macro_f1", "macro F1", labels, brateval, "macro_f1")
