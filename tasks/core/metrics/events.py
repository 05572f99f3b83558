"""The EVENT scores of the i2b2 2012 scripts: overlapping spans paired one to one, and the types of the pairs.

Source: eventEvaluation.py and i2b2Evaluation.py of the 2012 i2b2 challenge (Weiyi Sun), "overlap" option. Polarity
and modality, which a span does not carry, are taken to agree. The scripts go through events in the order of their
files: gold is taken in that order, repeated events included, and answers in the order of their offsets, then labels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.core.examples import Document, Span
from tasks.core.metrics.metric import Metric
from tasks.core.metrics.spans import OverlapIndex

PUNCTUATION = frozenset(".,?!\"'<>;:/\\~_-+=()[]{}|@#$%^&*`")
# The scripts look for a letter in the file as it is, where &, <, > and " stand as &amp; and the like.
VISIBLE = re.compile(r'[\w&<>"]')
# Both stand in for attributes that agree: they only weigh a pair against having no pair at all.
AGREEING_ATTRIBUTES = 2
OVERLAP, SAME_WORDS = 1, 2


@dataclass(slots=True)
class _Pairing:
    """What an event is paired with for now: how well the words and the attributes agree, and with which event."""

    closeness: int = 0
    agreeing: int = 0
    partner: int = -1  # none


@dataclass(frozen=True, slots=True)
class _Event:
    """A mention, its words without lone punctuation, and whether it has any letter or digit."""

    span: Span
    words: tuple[str, ...]
    visible: bool


def _event(text: str, span: Span) -> _Event:
    own = text[span.start : span.end]
    words = tuple(word for word in own.split() if word not in PUNCTUATION)
    return _Event(span, words, VISIBLE.search(own) is not None)


def _closeness(one: _Event, other: _Event) -> int:
    """Whether two events overlap; the later start must lie two characters before the end when it is the first's."""
    if one.span.start <= other.span.start:
        meets = one.span.end > other.span.start
    else:
        meets = other.span.end > one.span.start + 1
    if not (meets and one.visible and other.visible):
        return 0
    return SAME_WORDS if one.words == other.words else OVERLAP


def paired(text: str, ones: Sequence[Span], others: Sequence[Span]) -> tuple[int, int]:
    """How many of the first events find a partner among the others, and in how many pairs the types agree.

    Each of the first in turn goes through the others. Same words take a partner even from an event that merely
    overlaps it; otherwise a partner must be free and agree in more attributes than the one held so far.
    """
    seconds, index = [_event(text, span) for span in others], OverlapIndex(others)
    pairings = [_Pairing() for _ in ones]
    owner: dict[int, int] = {}
    for i, span in enumerate(ones):
        first = _event(text, span)
        for j in index.overlapping(span):
            if closeness := _closeness(first, seconds[j]):
                same_type = span.label.upper() == others[j].label.upper()
                _offer(pairings, owner, i, _Pairing(closeness, AGREEING_ATTRIBUTES + same_type, j))
    matched = [pairing for pairing in pairings if pairing.closeness]
    return len(matched), sum(pairing.agreeing - AGREEING_ATTRIBUTES for pairing in matched)


def _offer(pairings: list[_Pairing], owner: dict[int, int], i: int, offer: _Pairing) -> None:
    """Take the offer for event i if it is better than what i and the offered event have now."""
    held, rival = pairings[i], owner.get(offer.partner)
    same_words = offer.closeness == SAME_WORDS
    if rival is None:
        is_better = offer.closeness >= held.closeness and offer.agreeing > held.agreeing
        if not (is_better or (same_words and held.closeness < SAME_WORDS)):
            return
        owner.pop(held.partner, None)
    elif same_words and pairings[rival].closeness < SAME_WORDS:
        # The program lets i's former partner stay bound here; so do we, to agree with it.
        pairings[rival] = _Pairing()
    else:
        return
    pairings[i] = offer
    owner[offer.partner] = i


def _span_overlap(document: Document, answer: frozenset[Span]) -> Sequence[float]:
    gold, given = document.listed(), sorted(answer)
    found, _ = paired(document.text, gold, given)
    right, _ = paired(document.text, given, gold)
    return found, len(gold), right, len(given)


def _types(document: Document, answer: frozenset[Span]) -> Sequence[float]:
    gold = document.listed()
    _, same_type = paired(document.text, gold, sorted(answer))
    return same_type, len(gold)


EVENT_OVERLAP_F1 = Metric(
    "event_overlap_f1", "event span overlap F1", "two_sided_f1", ("found", "gold", "right", "answered"), _span_overlap
)
"""F1 of events that overlap, paired one to one, types ignored ("F measure" of EVENT spans).

Recall pairs gold with the answer, precision the answer with gold; the two pairings may differ.
"""

EVENT_TYPE_ACCURACY = Metric("event_type_accuracy", "event type accuracy", "proportion", ("correct", "count"), _types)
"""The share of all gold events whose partner has their type ("type" of the scripts' aggregated scores)."""
