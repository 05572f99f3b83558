"""Made-up n2c2-2019: pairs of sentences of notes, graded 0 to 5 by what they share.

5 the same with other abbreviations, 4 the same in other words, 3 with another dose, side or time, 2 of another drug or
organ, 1 of the same topic, 0 of another topic; halves lie between, and annotators waver.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

from tasks.core.examples import Pair
from tasks.demo.pairing import capital, draw, lexicon, numbered, slipped

GRADES = tuple(half / 2 for half in range(11))
# Annotators are half a point off in this many pairs.
WAVERING = 0.2


Values = dict[str, str]
Statement = dict[str, Any]
"""One content in several `wordings`: its `topic`, the kinds of its `slots`, and `main`, the slot that it is about."""


def _statements() -> list[Statement]:
    statements: list[Statement] = lexicon("similarity")["statement"]
    return statements


def _minor(statement: Statement) -> list[str]:
    """The slots besides the one it is about."""
    return [name for name in statement["slots"] if name != statement["main"]]


def _value(rng: random.Random, kind: str | list[int], split: str) -> str:
    if isinstance(kind, str):
        return str(draw(rng, lexicon("similarity")["words"][kind], split))
    low, high, step = kind
    return str(rng.randrange(low, high + 1, step))


def _other_value(rng: random.Random, kind: str | list[int], values: Values, split: str) -> str:
    while (value := _value(rng, kind, split)) in values.values():
        pass
    return value


def _values(rng: random.Random, statement: Statement, split: str) -> Values:
    """A word for each slot, all different."""
    values: Values = {}
    for name, kind in statement["slots"].items():
        values[name] = _other_value(rng, kind, values, split)
    return values


def _shortened(rng: random.Random, text: str, rate: float) -> str:
    """The text with some words as another writer would put them."""
    for entry in lexicon("similarity")["shorthand"]:
        word, _, other = entry.partition(" / ")
        if rng.random() < rate:
            text = re.sub(rf"\b{word}\b", other, text)
    return text


def _alike(rng: random.Random, grade: float, split: str) -> tuple[str, str]:
    """Two sentences of one statement, alike to a grade of 2 or more."""
    statement = rng.choice([item for item in _statements() if _minor(item) or not 2.5 <= grade <= 3.5])
    values, minor = _values(rng, statement, split), _minor(statement)
    to_change = {
        2.0: [statement["main"], *minor],
        2.5: [statement["main"]],
        3.0: minor,
        3.5: [rng.choice(minor)] if minor else [],
    }.get(grade, [])
    one, two = rng.sample(statement["wordings"], 2)
    if grade >= 4.5 or (grade < 4.0 and rng.random() < 0.5):
        two = one
    changed = values | {name: _other_value(rng, statement["slots"][name], values, split) for name in to_change}
    first, second = one.format(**values), two.format(**changed)
    if grade == 4.5:  # with a detail added that changes little
        second = f"{second.rstrip('.')}, {rng.choice(lexicon('similarity')['asides'])}."
    return first, second


def _apart(rng: random.Random, grade: float, split: str) -> tuple[str, str]:
    """Two sentences of different statements: of one topic from a grade of 1; halves more share a word."""
    share_word = grade % 1 == 0.5
    while True:
        one, two = rng.sample(_statements(), 2)
        kind = one["slots"][one["main"]]
        common = [name for name, other in two["slots"].items() if other == kind and isinstance(kind, str)]
        if (one["topic"] == two["topic"]) != (grade >= 1) or (share_word and not common):
            continue
        first, second = _values(rng, one, split), _values(rng, two, split)
        if set(first.values()) & set(second.values()):
            continue
        if share_word:
            second[common[0]] = first[one["main"]]
        return rng.choice(one["wordings"]).format(**first), rng.choice(two["wordings"]).format(**second)


def _judged(rng: random.Random, grade: float) -> float:
    """The grade as annotators gave it."""
    if rng.random() < WAVERING:
        grade += rng.choice((-0.5, 0.5))
    return min(5.0, max(0.0, grade))


def _written(rng: random.Random, grade: float, split: str) -> tuple[str, str]:
    """Two sentences of a grade as hurried writers put them, the second with more abbreviations where they agree."""
    pair = _alike(rng, grade, split) if grade >= 2 else _apart(rng, grade, split)
    rates = (0.1, 0.6 if grade >= 4.5 else 0.2)
    first, second = (
        slipped(rng, capital(_shortened(rng, text, rate)), 0.02)
        for text, rate in zip(rng.sample(pair, 2), rates, strict=True)
    )
    return first, second


def _drawn(rng: random.Random, split: str) -> Iterator[tuple[str, str, float]]:
    while True:
        for grade in rng.sample(GRADES, len(GRADES)):
            first, second = _written(rng, grade, split)
            while first == second:
                first, second = _written(rng, grade, split)
            yield first, second, _judged(rng, grade)


def pairs(rng: random.Random, split: str) -> Iterator[Pair[float]]:
    """Sentence pairs with their grade, all grades equally often."""
    return numbered(_drawn(rng, split), split)
