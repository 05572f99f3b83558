"""Made-up QUAERO: titles as in MEDLINE and leaflets as in its EMEA part, spaced between words and marks as there."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, pairwise

from tasks.core.examples import Document, Span
from tasks.demo.composer import Composer, grammar
from tasks.demo.markup import OPENING, document

# The mark of a piece of a discontinuous mention, after its label.
PIECE = "-a"
# Of ten documents, so many are leaflets; the others are titles.
LEAFLETS_IN_TEN = 4

# A small word before a vowel or a mute h, marks of mentions between; "une", "huit" and an aspirated h take no elision.
SMALL = re.compile(
    rf"\b(le|la|de|du|à le|au|que|ne|se|jusque) ((?:{OPENING})*)"
    r"(?=[aàâeéèêiîoôuœyh])(?!hernie|hanche|hamster|haut|hodgkin|hoquet|huit|onze|yaourt)",
    re.IGNORECASE,
)
ELIDED = {"du": "de l", "au": "à l", "à le": "à l"}
CONTRACTED = {"de le": "du", "à le": "au", "de les": "des", "à les": "aux"}


def _elided(marked: str, mark: str) -> str:
    """The text with "la hépatite" as "l' hépatite" and "de le rein" as "du rein"."""

    def elision(found: re.Match[str]) -> str:
        small = found[1].lower()
        short = ELIDED.get(small, small[:-1])
        if found[1][0].isupper():
            short = short.upper() if found[1].isupper() else short.capitalize()
        return f"{short}{mark} {found[2]}"

    text = SMALL.sub(elision, marked)
    return re.sub(r"\b(?:de|à) les?\b(?![’' ]*[’'])", lambda found: CONTRACTED[found[0]], text)


def _joined(note: Document) -> Document:
    """The note with the pieces of discontinuous mentions, two and two in their order, made one mention each."""
    pieces = sorted(span for span in note.gold if span.label.endswith(PIECE))
    joined = {
        Span(first.fragments + second.fragments, first.label.removesuffix(PIECE))
        for first, second in list(pairwise(pieces))[::2]
    }
    return replace(note, gold=note.gold.difference(pieces) | joined)


def _title(composer: Composer) -> str:
    return re.sub(r"([.,])", r" \1", _elided(composer.compose("{title}"), "'")) + "\n"


def _leaflet(rng: random.Random, composer: Composer) -> str:
    """A leaflet's file: its number, and a run of sections in their order."""
    sections = composer.grammar.closed["sections"]
    chosen = sorted(rng.sample(range(len(sections)), rng.randint(5, 8)))
    body = " \n".join(composer.compose(sections[number]) for number in chosen)
    return composer.compose("EMEA / H / C / {100..999} \n \n") + _elided(body, " ’") + " \n"


def documents(rng: random.Random, split: str) -> Iterator[Document]:
    """Titles and leaflets, mixed evenly."""
    words = grammar("french", "french_words")
    for number in count():
        composer = Composer(words, rng, split)
        is_leaflet = number * LEAFLETS_IN_TEN % 10 < LEAFLETS_IN_TEN
        marked = _leaflet(rng, composer) if is_leaflet else _title(composer)
        yield _joined(document(f"{'EMEA' if is_leaflet else 'MEDLINE'}/{split}-{number + 1}", marked))
