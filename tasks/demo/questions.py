"""Made-up MedRQE: rambling questions of consumers, and FAQs whose answers would serve them, or not.

Every consumer question meets one FAQ of each class; what the class turns on is the disease and what is asked about it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from tasks.core.examples import Pair
from tasks.demo.pairing import capital, draw, lexicon, numbered, slipped

COUNTS = {"train": 660, "test": 600}

ENTAILED, NOT_ENTAILED = "true", "false"


@dataclass(frozen=True)
class Intent:
    """Something to ask about a disease: as an FAQ puts it, as people do, and how they say that they know it already."""

    known: Sequence[str]
    faq: Sequence[str]
    asks: Sequence[str]


@dataclass(frozen=True)
class Wish:
    """What a consumer wants to know: some intents about one disease; another disease is mentioned in passing."""

    disease: str
    other: str
    intents: tuple[Intent, ...]
    not_asked: tuple[Intent, ...]


def _words(name: str) -> Sequence[str]:
    words: Sequence[str] = lexicon("questions")[name]
    return words


@cache
def _intents() -> list[Intent]:
    return [Intent(**item) for item in lexicon("questions")["intent"]]


def _wish(stream: random.Random, split: str) -> Wish:
    disease = draw(stream, _words("diseases"), split)
    other = disease
    while other == disease:
        other = draw(stream, _words("diseases"), split)
    intents = stream.sample(_intents(), len(_intents()))
    asked = 2 if stream.random() < 0.2 else 1
    return Wish(disease, other, tuple(intents[:asked]), tuple(intents[asked:]))


def _called(stream: random.Random, disease: str) -> str:
    """One of the names of a disease, as people write them."""
    return slipped(stream, stream.choice(disease.split(" / ")), 0.1)


def _asked(stream: random.Random, wish: Wish, split: str) -> str:
    """The consumer's question: a greeting, a remark, what is known already, the questions, thanks."""
    name, other = _called(stream, wish.disease), _called(stream, wish.other)
    parts = [f"{capital(name)}.", stream.choice(_words("greetings"))] if stream.random() < 0.2 else []
    told = stream.random() < 0.4
    if told:
        parts.append(draw(stream, _words("remarks"), split).format(d=name, o=other))
    if stream.random() < 0.1:
        parts.append(stream.choice(stream.choice(wish.not_asked).known))
    for number, intent in enumerate(wish.intents):
        # Once the disease has a name, people call it "it".
        again = "it" if number or (told and stream.random() < 0.4) else name
        parts.append(capital(draw(stream, intent.asks, split).format(d=again)))
    parts.append(stream.choice(_words("thanks")))
    return slipped(stream, " ".join(part for part in parts if part), 0.04)


def _faq(stream: random.Random, intent: Intent, disease: str) -> str:
    return stream.choice(intent.faq).format(d=disease.split(" / ")[0])


def _drawn(stream: random.Random, split: str) -> Iterator[tuple[str, str, str]]:
    while True:
        wish = _wish(stream, split)
        question = _asked(stream, wish, split)
        yield question, _faq(stream, stream.choice(wish.intents), wish.disease), ENTAILED
        intent, disease = stream.choices(
            (
                (stream.choice(wish.not_asked), wish.disease),
                (stream.choice(wish.intents), wish.other),
                (stream.choice(wish.not_asked), wish.other),
            ),
            (5, 3, 2),
        )[0]
        yield question, _faq(stream, intent, disease), NOT_ENTAILED


def pairs(stream: random.Random, count: int, split: str) -> Iterator[Pair[str]]:
    """Consumer questions with FAQs; true and false in turn."""
    return numbered(_drawn(stream, split), count, split)
