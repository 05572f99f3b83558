"""The further views of the i2b2 2014 de-identification scripts: relaxed, token, binary, and the HIPAA subset.

Source: the track 1 evaluation of the 2014 i2b2/UTHealth challenge (Kotfila 2014),
github.com/kotfic/i2b2_evaluation_scripts at e08db16; the binary views are those of its later version, copied in
github.com/tschaffter/i2b2_evaluation_scripts at 6903db3. It compares sets of tags, so that a repeated tag counts once.
Its word IPADDR for the TYPE IPADDRESS changes no count: a TYPE it does not know is warned of and counted all the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence

from tasks.core.examples import Document, Span
from tasks.core.metrics.spans import Outcome, Rule, SpanMetric, compare_sets, exact, labelled, unlabelled

# The TYPEs that the program's list of (category, TYPE) patterns lets through. IDNUM is meant to be on it, but its
# pattern there ends in a blank and never matches; URL, IPADDR, USERNAME and most LOCATIONs are not listed.
HIPAA_LABELS = (
    "PATIENT", "CITY", "STREET", "ZIP", "ORGANIZATION", "DATE", "PHONE", "FAX", "EMAIL", "SSN", "MEDICALRECORD",
    "HEALTHPLAN", "ACCOUNT", "LICENSE", "VEHICLE", "DEVICE", "BIOID", "AGE",
)  # fmt: skip
END_SLACK_CHARACTERS = 2
TOKEN = re.compile(r"[A-Za-z0-9]+")


def _near(span: Span, others: Iterable[Span]) -> bool:
    """Whether a mention ends near one of those that have its start and label."""
    return any(abs(span.end - other.end) <= END_SLACK_CHARACTERS for other in others)


def _distinct(spans: Sequence[Span]) -> list[Span]:
    """The program's set of tags: one that is near an earlier one is the same tag to it."""
    kept: dict[tuple[int, str], list[Span]] = defaultdict(list)
    for span in spans:
        alike = kept[span.start, span.label]
        if not _near(span, alike):
            alike.append(span)
    return [span for alike in kept.values() for span in alike]


def relaxed(document: Document, answer: frozenset[Span]) -> Outcome:
    """A mention matches an answer of its label and start that ends within two characters.

    As the program's sets do: true positives are counted on the smaller side, false ones each on their own.
    """
    gold, given = _distinct(document.listed()), _distinct(sorted(answer))
    fn, fp = _without_near(gold, given), _without_near(given, gold)
    smaller, unmatched = (given, fp) if len(given) <= len(gold) else (gold, fn)
    tp = [span for span in smaller if span not in unmatched]
    return Outcome(*([span.label for span in spans] for spans in (tp, fp, fn)))


def _without_near(spans: list[Span], others: list[Span]) -> set[Span]:
    by_start: dict[tuple[int, str], list[Span]] = defaultdict(list)
    for other in others:
        by_start[other.start, other.label].append(other)
    return {span for span in spans if not _near(span, by_start[span.start, span.label])}


def token(document: Document, answer: frozenset[Span]) -> Outcome:
    """A token of a mention matches the same characters as a token of an answer of the same label."""
    return compare_sets(_tokens(document.text, document.gold), _tokens(document.text, answer))


def _tokens(text: str, spans: Iterable[Span]) -> Iterator[tuple[Hashable, str]]:
    """Tokens are cut in each mention's own text: one that begins inside a word has a shorter first token."""
    for span in spans:
        # The program keeps an empty token at the end of a mention without letters or digits.
        for position in [m.span() for m in TOKEN.finditer(text, span.start, span.end)] or [(span.end, span.end)]:
            yield position, span.label


def of_hipaa(rule: Rule) -> Rule:
    """A rule on those mentions alone, of gold and of the answer, whose label is in the HIPAA subset."""

    def narrowed(document: Document, answer: frozenset[Span]) -> Outcome:
        gold, given = ([s for s in spans if s.label in HIPAA_LABELS] for spans in (document.listed(), answer))
        return rule(Document(document.id, document.text, frozenset(gold), tuple(gold)), frozenset(given))

    return narrowed


def relaxed_f1(labels: Sequence[str]) -> SpanMetric:
    """Micro F1 of mentions with exact label and start, and an end at most two characters off ("Relaxed")."""
    return labelled("relaxed_f1", "relaxed F1", labels, relaxed)


def token_f1(labels: Sequence[str]) -> SpanMetric:
    """Micro F1 of the tokens of mentions, runs of ASCII letters and digits, each with its label ("Token")."""
    return labelled("token_f1", "token F1", labels, token)


BINARY_F1 = unlabelled(
    "binary_f1", "binary F1", lambda _, spans: {(span.start, span.end, span.label == "OTHER") for span in spans}
)
"""Micro F1 of exact start and end, whatever the label ("Binary Strict"): protected or not.

As in the program, a mention of category PHI, which has the label OTHER, is found by one of that label alone.
"""

BINARY_TOKEN_F1 = unlabelled(
    "binary_token_f1", "binary token F1", lambda text, spans: {position for position, _ in _tokens(text, spans)}
)
"""Micro F1 of the tokens of mentions, whatever their label ("Binary Token")."""

HIPAA_F1 = labelled("hipaa_f1", "HIPAA F1", HIPAA_LABELS, of_hipaa(exact))
"""Micro F1 of exact mentions in the HIPAA subset of labels ("HIPAA Strict").

The subset is the program's: it leaves IDNUM out, so that one called MEDICALRECORD counts and one called IDNUM does not.
"""

BINARY_AND_HIPAA = (
    BINARY_F1,
    BINARY_TOKEN_F1,
    HIPAA_F1,
    labelled("hipaa_relaxed_f1", "HIPAA relaxed F1", HIPAA_LABELS, of_hipaa(relaxed)),
    labelled("hipaa_token_f1", "HIPAA token F1", HIPAA_LABELS, of_hipaa(token)),
)
"""The further views of the program: "Binary Strict" and "Token", "HIPAA Strict", "Relaxed" and "Token"."""
