"""The further views of the i2b2 2014 de-identification scripts: relaxed, token, binary, and the HIPAA subset.

Source: the rules of the track 1 evaluation program of the 2014 i2b2/UTHealth challenge (Kotfila 2014).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from tasks.core.examples import Document, Span
from tasks.core.metrics import Metric
from tasks.core.span_evidence import ROLES, Outcome, SpanMetric, set_outcome

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


def _distinct(spans: Iterable[Span]) -> list[Span]:
    """The program's set of tags: one that is near an earlier one is the same tag to it."""
    kept: dict[tuple[int, str], list[Span]] = {}
    for span in sorted(spans):
        alike = kept.setdefault((span.start, span.label), [])
        if not any(_near(span, other) for other in alike):
            alike.append(span)
    return [span for alike in kept.values() for span in alike]


def relaxed(document: Document, answer: frozenset[Span]) -> Outcome:
    """A mention is found when the answer has one of its label and start that ends within two characters.

    As the program's sets do: what is found is counted on the smaller side, made up and missed each on their own.
    """
    gold, given = _distinct(document.gold), _distinct(answer)
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


def _tokens(text: str, spans: Iterable[Span]) -> Iterator[tuple[object, str]]:
    """Tokens are cut in each mention's own text: one that begins inside a word has a shorter first token."""
    for span in spans:
        places = [match.span() for match in TOKEN.finditer(text, span.start, span.end)]
        # The program keeps an empty token at the end of a mention without letters or digits.
        for place in places or [(span.end, span.end)]:
            yield place, span.label


def hipaa(document: Document, answer: frozenset[Span]) -> Outcome:
    """Exact mentions among those, in gold and in the answer, whose label is in the HIPAA subset."""
    return set_outcome(_protected(document.gold), _protected(answer))


def _protected(spans: Iterable[Span]) -> Iterator[tuple[object, str]]:
    return (((span.start, span.end), span.label) for span in spans if span.label in HIPAA_LABELS)


class RelaxedF1(SpanMetric):
    """Micro F1 of mentions with exact label and start, and an end at most two characters off ("Relaxed")."""

    name = "relaxed_f1"
    title = "relaxed F1"
    formula = "micro_f1"

    def __init__(self, labels: Iterable[str]) -> None:
        super().__init__(labels, relaxed)


class TokenF1(SpanMetric):
    """Micro F1 of the tokens of mentions, runs of ASCII letters and digits, each with its label ("Token")."""

    name = "token_f1"
    title = "token F1"
    formula = "micro_f1"

    def __init__(self, labels: Iterable[str]) -> None:
        super().__init__(labels, token)


class HipaaF1(SpanMetric):
    """Micro F1 of exact mentions in the HIPAA subset of labels ("HIPAA Strict").

    The subset is the program's: it leaves IDNUM out, so that one called MEDICALRECORD counts and one called IDNUM
    does not.
    """

    name = "hipaa_f1"
    title = "HIPAA F1"
    formula = "micro_f1"

    def __init__(self) -> None:
        super().__init__(HIPAA_LABELS, hipaa)


class BinaryF1(Metric[Document, frozenset[Span]]):
    """Micro F1 of exact start and end, whatever the label ("Binary Strict"): protected or not."""

    name = "binary_f1"
    title = "binary F1"
    formula = "micro_f1"
    columns = ROLES

    def observe(self, example: Document, answer: frozenset[Span]) -> Sequence[float]:
        """Stretches found, made up and missed in one document."""
        gold, given = ({(span.start, span.end) for span in spans} for spans in (example.gold, answer))
        return len(gold & given), len(given - gold), len(gold - given)
