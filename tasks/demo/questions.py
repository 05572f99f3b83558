"""Made-up MedRQE: rambling questions of consumers, and FAQs whose answers would serve them, or not.

Every consumer question meets one FAQ of each class; what the class turns on is the disease and what is asked about it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.core.examples import Pair
from tasks.demo.pairing import capital, draw, lexicon, numbered, slipped

ENTAILED, NOT_ENTAILED = "true", "false"

Intent = dict[str, Any]
"""Something to ask about a disease: as an `faq` puts it, as people `asks`, and how they say it is `known` already."""


@dataclass(frozen=True)
class Wish:
    """What a consumer wants to know: some intents about one disease; another disease is mentioned in passing."""

    disease: str
    other: str
    intents: list[Intent]
    not_asked: list[Intent]


def _words(name: str) -> Sequence[Any]:
    words: Sequence[Any] = lexicon("questions")[name]
    return words


def _wish(rng: random.Random, split: str) -> Wish:
    disease = other = draw(rng, _words("diseases"), split)
    while other == disease:
        other = draw(rng, _words("diseases"), split)
    intents = rng.sample(_words("intent"), len(_words("intent")))
    asked = 2 if rng.random() < 0.2 else 1
    return Wish(disease, other, intents[:asked], intents[asked:])


def _called(rng: random.Random, disease: str) -> str:
    """One of the names of a disease, as people write them."""
    return slipped(rng, rng.choice(disease.split(" / ")), 0.1)


def _asked(rng: random.Random, wish: Wish, split: str) -> str:
    """The consumer's question: a greeting, a remark, what is known already, the questions, thanks."""
    name, other = _called(rng, wish.disease), _called(rng, wish.other)
    parts = [f"{capital(name)}.", rng.choice(_words("greetings"))] if rng.random() < 0.2 else []
    has_remark = rng.random() < 0.4
    if has_remark:
        parts.append(draw(rng, _words("remarks"), split).format(d=name, o=other))
    if rng.random() < 0.1:
        parts.append(rng.choice(rng.choice(wish.not_asked)["known"]))
    for number, intent in enumerate(wish.intents):
        # Once the disease has a name, people call it "it".
        again = "it" if number or (has_remark and rng.random() < 0.4) else name
        parts.append(capital(draw(rng, intent["asks"], split).format(d=again)))
    parts.append(rng.choice(_words("thanks")))
    return slipped(rng, " ".join(part for part in parts if part), 0.04)


def _faq(rng: random.Random, intent: Intent, disease: str) -> str:
    return str(rng.choice(intent["faq"]).format(d=disease.split(" / ")[0]))


def _drawn(rng: random.Random, split: str) -> Iterator[tuple[str, str, str]]:
    while True:
        wish = _wish(rng, split)
        question = _asked(rng, wish, split)
        yield question, _faq(rng, rng.choice(wish.intents), wish.disease), ENTAILED
        others = (
            (rng.choice(wish.not_asked), wish.disease),
            (rng.choice(wish.intents), wish.other),
            (rng.choice(wish.not_asked), wish.other),
        )
        yield question, _faq(rng, *rng.choices(others, (5, 3, 2))[0]), NOT_ENTAILED


def pairs(rng: random.Random, split: str) -> Iterator[Pair[str]]:
    """Consumer questions with FAQs; true and false in turn."""
    return numbered(_drawn(rng, split), split)
