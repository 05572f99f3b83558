"""What the three corpora of sentence pairs share: word lists, words kept from training, slips of the pen."""

from __future__ import annotations

import math
import random
import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from tasks.core.examples import Pair

Word = TypeVar("Word")
Gold = TypeVar("Gold", str, float)

# Of the words drawn outside training, this many are among those that training never shows.
UNSEEN_SHARE = 0.6
# Duplicates in a row after which the word lists are taken to be exhausted.
PATIENCE = 10_000


@cache
def lexicon(name: str) -> dict[str, Any]:
    """The word lists of a demo corpus, from the TOML file beside this module."""
    return tomllib.loads(resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def held_out(words: Sequence[Word]) -> Sequence[Word]:
    """The words that training never shows: the last third of a list, rounded up."""
    return words[len(words) - math.ceil(len(words) / 3) :]


def allowed(stream: random.Random, words: Sequence[Word], split: str) -> Sequence[Word]:
    """The part of a list that a split may draw from at this moment."""
    if len(words) < 3:
        return words
    unseen = held_out(words)
    if split != "train" and stream.random() < UNSEEN_SHARE:
        return unseen
    return words[: len(words) - len(unseen)]


def draw(stream: random.Random, words: Sequence[Word], split: str) -> Word:
    """One word of a list; in training never one of those held out."""
    return stream.choice(allowed(stream, words, split))


def slipped(stream: random.Random, text: str, rate: float) -> str:
    """The text with each long lower-case word misspelt at the given rate, as by fast fingers."""

    def slip(found: re.Match[str]) -> str:
        word = found.group()
        if stream.random() >= rate:
            return word
        at = stream.randrange(1, len(word) - 2)
        swapped, dropped, doubled = word[at + 1] + word[at], word[at + 1], word[at] * 2 + word[at + 1]
        return word[:at] + stream.choice((swapped, dropped, doubled)) + word[at + 2 :]

    return re.sub(r"\b[a-z]{6,}\b", slip, text)


def capital(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def numbered(drawn: Iterator[tuple[str, str, Gold]], count: int, split: str) -> Iterator[Pair[Gold]]:
    """The first `count` different pairs of a stream of (first, second, gold), with ids."""
    seen: set[tuple[str, str]] = set()
    repeats = 0
    while len(seen) < count:
        first, second, gold = next(drawn)
        repeats = repeats + 1 if (first, second) in seen else 0
        if repeats > PATIENCE:
            raise RuntimeError("the word lists are too short for so many different pairs")
        if not repeats:
            seen.add((first, second))
            yield Pair(f"{split}-{len(seen)}", first, second, gold)
