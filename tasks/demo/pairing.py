"""Word lists, words kept from training, misspellings: what the demo corpora share, above all those of pairs."""

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
    """The word lists of the TOML file of this name beside this module."""
    return tomllib.loads(resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def held_out(words: Sequence[Word]) -> Sequence[Word]:
    """The words that training never shows: the last third of a list, rounded up."""
    return words[len(words) - math.ceil(len(words) / 3) :]


def allowed(
    rng: random.Random, words: Sequence[Word], split: str, unseen_share: float = UNSEEN_SHARE
) -> Sequence[Word]:
    """The part of a list that a split may draw from at this moment."""
    if len(words) < 3:
        return words
    unseen = held_out(words)
    if split != "train" and rng.random() < unseen_share:
        return unseen
    return words[: len(words) - len(unseen)]


def draw(rng: random.Random, words: Sequence[Word], split: str) -> Word:
    """One word of a list; in training never one of those held out."""
    return rng.choice(allowed(rng, words, split))


def slipped(rng: random.Random, text: str, rate: float) -> str:
    """The text with each long lower-case word misspelt at the given rate, as by fast fingers."""

    def slip(found: re.Match[str]) -> str:
        word = found.group()
        if rng.random() >= rate:
            return word
        at = rng.randrange(1, len(word) - 2)
        swapped, dropped, doubled = word[at + 1] + word[at], word[at + 1], word[at] * 2 + word[at + 1]
        return word[:at] + rng.choice((swapped, dropped, doubled)) + word[at + 2 :]

    return re.sub(r"\b[a-z]{6,}\b", slip, text)


def capital(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def numbered(drawn: Iterator[tuple[str, str, Gold]], split: str) -> Iterator[Pair[Gold]]:
    """The different pairs of a stream of (first, second, gold), with ids."""
    seen: set[tuple[str, str]] = set()
    repeats = 0
    for first, second, gold in drawn:
        if (first, second) in seen:
            repeats += 1
            if repeats > PATIENCE:
                raise RuntimeError("the word lists are too short for so many different pairs")
        else:
            repeats = 0
            seen.add((first, second))
            yield Pair(f"{split}-{len(seen)}", first, second, gold)
