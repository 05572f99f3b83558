"""The further views of the i2b2 2014 de-identification scripts: relaxed, token, binary, and the HIPAA subset.

Source: the track 1 evaluation of the 2014 i2b2/UTHealth challenge (Kotfila 2014),
github.com/kotfic/i2b2_evaluation_scripts at e08db16; the binary views are those of its later version, copied in
github.com/tschaffter/i2b2_evaluation_scripts at 6903db3. It compares sets of tags, so that a repeated tag counts once.
Its word IPADDR for the TYPE IPADDRESS changes no count: a TYPE it does not know is warned of and counted all the same.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence

from tasks.core.examples import Document, Span
from tasks.core.metrics.span_evidence import Outcome, PlaceMetric, Rule, SpanMetric, set_outcome
from tasks.core.metrics.spans import exact

# The TYPEs that the program's list of (category, TYPE) patterns lets through. IDNUM is meant to be on it, but its
# pattern there ends in a blank and never matches; URL, IPADDR, USERNAME and most LOCATIONs are not listed.
HIPAA_LABELS = (
    "PATIENT",
    "CITY",
    "STREET",
    "ZIP",
    "ORGANIZATION",
    "DATE",
    "PHONE",
    "FAX",
    "EMAIL",
    "SSN",
    "MEDICALRECORD",
    "HEALTHPLAN",
    "ACCOUNT",
    "LICENSE",
    "VEHICLE",
    "DEVICE",
    "BIOID",
    "AGE",
)
END_SLACK_CHARACTERS = 2
TOKEN = re.compile(r"[A-Za-z0-9]+")


def _near(one: Span, other: Span) -> bool:
    """Same label and start, ends at most two characters apart."""
    same = one.label == other.label and one.start == other.start
    return same and abs(one.end - other.end) <= END_SLACK_CHARACTERS


def _distinct(spans: Sequence[Span]) -> list[Span]:
    """The program's set of tags: one that is near an earlier one is the same tag to it."""
    kept: dict[tuple[int, str], list[Span]] = {}
    for span in spans:
        alike = kept.setdefault((span.start, span.label), [])
        if not any(_near(span, other) for other in alike):
            alike.append(span)
    return [span for alike in kept.values() for span in alike]


def relaxed(document: Document, answer: frozenset[Span]) -> Outcome:
    """A mention is found when the answer has one of its label and start that ends within two characters.

    As the program's sets do: what is found is counted on the smaller side, made up and missed each on their own.
    """
    gold, given = _distinct(document.listed()), _distinct(sorted(answer))
    missed, made_up = _without_near(gold, given), _without_near(given, gold)
    smaller, unmatched = (given, made_up) if len(given) <= len(gold) else (gold, missed)
    found = [span for span in smaller if span not in unmatched]
    return Outcome([span.label for span in found], [span.label for span in made_up], [span.label for span in missed])


def _without_near(spans: list[Span], others: list[Span]) -> set[Span]:
    by_start: dict[tuple[int, str], list[Span]] = {}
    for other in others:
        by_start.setdefault((other.start, other.label), []).append(other)
    return {
        span for span in spans if not any(_near(span, other) for other in by_start.get((span.start, span.label), ()))
    }


def token(document: Document, answer: frozenset[Span]) -> Outcome:
    """A token of a mention is found when the answer has the same characters as a token of the same label."""
    return set_outcome(_tokens(document.text, document.gold), _tokens(document.text, answer))


def _tokens(text: str, spans: Iterable[Span]) -> Iterator[tuple[Hashable, str]]:
    """Tokens are cut in each mention's own text: one that begins inside a word has a shorter first token."""
    for span in spans:
        places = [match.span() for match in TOKEN.finditer(text, span.start, span.end)]
        # The program keeps an empty token at the end of a mention without letters or digits.
        for place in places or [(span.end, span.end)]:
            yield place, span.label


def of_hipaa(rule: Rule) -> Rule:
    """A rule on those mentions alone, of gold and of the answer, whose label is in the HIPAA subset."""

    def protected(spans: Iterable[Span]) -> tuple[Span, ...]:
        return tuple(span for span in spans if span.label in HIPAA_LABELS)

    def narrowed(document: Document, answer: frozenset[Span]) -> Outcome:
        gold = protected(document.listed())
        return rule(Document(document.id, document.text, frozenset(gold), gold), frozenset(protected(answer)))

    return narrowed


class RelaxedF1(SpanMetric):
    """Micro F1 of mentions with exact label and start, and an end at most two characters off ("Relaxed")."""

    name = "relaxed_f1"
    title = "relaxed F1"
    own_rule = staticmethod(relaxed)


class TokenF1(SpanMetric):
    """Micro F1 of the tokens of mentions, runs of ASCII letters and digits, each with its label ("Token")."""

    name = "token_f1"
    title = "token F1"
    own_rule = staticmethod(token)


class HipaaF1(SpanMetric):
    """Micro F1 of exact mentions in the HIPAA subset of labels ("HIPAA Strict").

    The subset is the program's: it leaves IDNUM out, so that one called MEDICALRECORD counts and one called IDNUM
    does not.
    """

    name = "hipaa_f1"
    title = "HIPAA F1"

    def __init__(self) -> None:
        super().__init__(HIPAA_LABELS, of_hipaa(exact))


class HipaaRelaxedF1(SpanMetric):
    """RelaxedF1 of the HIPAA subset of HipaaF1 ("HIPAA Relaxed")."""

    name = "hipaa_relaxed_f1"
    title = "HIPAA relaxed F1"

    def __init__(self) -> None:
        super().__init__(HIPAA_LABELS, of_hipaa(relaxed))


class HipaaTokenF1(SpanMetric):
    """TokenF1 of the HIPAA subset of HipaaF1 ("HIPAA Token")."""

    name = "hipaa_token_f1"
    title = "HIPAA token F1"

    def __init__(self) -> None:
        super().__init__(HIPAA_LABELS, of_hipaa(token))


class BinaryF1(PlaceMetric):
    """Micro F1 of exact start and end, whatever the label ("Binary Strict"): protected or not.

    As in the program, a mention of category PHI, which has the label OTHER, is found by one of that label alone.
    """

    name = "binary_f1"
    title = "binary F1"

    def places(self, text: str, spans: frozenset[Span]) -> set[Hashable]:
        """The start and end of each mention, apart for those of category PHI."""
        return {(span.start, span.end, span.label == "OTHER") for span in spans}


class BinaryTokenF1(PlaceMetric):
    """Micro F1 of the tokens of mentions as in TokenF1, whatever their label ("Binary Token")."""

    name = "binary_token_f1"
    title = "binary token F1"

    def places(self, text: str, spans: frozenset[Span]) -> set[Hashable]:
        """The start and end of each token."""
        return {place for place, _ in _tokens(text, spans)}
