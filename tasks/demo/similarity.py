"""Made-up n2c2-2019: pairs of sentences of notes, graded 0 to 5 by what they share.

5 the same with other abbreviations, 4 the same in other words, 3 with another dose, side or time, 2 of another drug or
organ, 1 of the same topic, 0 of another topic; halves lie between, and annotators waver.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from tasks.core.examples import Pair
from tasks.demo.pairing import capital, draw, lexicon, numbered, slipped

COUNTS = {"train": 400, "test": 600}

GRADES = tuple(half / 2 for half in range(11))
# Annotators are half a point off in this many pairs.
WAVERING = 0.2


@dataclass(frozen=True)
class Statement:
    """One content in several wordings; `main` is the slot that it is about."""

    topic: str
    main: str
    slots: Mapping[str, str | list[int]]
    wordings: Sequence[str]

    @property
    def minor(self) -> list[str]:
        """The slots besides the one it is about."""
        return [name for name in self.slots if name != self.main]


Values = Mapping[str, str]


@cache
def _statements() -> list[Statement]:
    return [Statement(**item) for item in lexicon("similarity")["statement"]]


def _value(stream: random.Random, kind: str | list[int], split: str) -> str:
    if isinstance(kind, str):
        return str(draw(stream, lexicon("similarity")["words"][kind], split))
    low, high, step = kind
    return str(stream.randrange(low, high + 1, step))


def _values(stream: random.Random, statement: Statement, split: str) -> dict[str, str]:
    """A word for each slot, all different."""
    values: dict[str, str] = {}
    for name, kind in statement.slots.items():
        value = _value(stream, kind, split)
        while value in values.values():
            value = _value(stream, kind, split)
        values[name] = value
    return values


def _changed(stream: random.Random, statement: Statement, values: Values, names: list[str], split: str) -> Values:
    """The values with those of the names replaced by others."""
    new = dict(values)
    for name in names:
        while new[name] in values.values():
            new[name] = _value(stream, statement.slots[name], split)
    return new


def _shortened(stream: random.Random, text: str, rate: float) -> str:
    """The text with some words as another writer would put them."""
    for entry in lexicon("similarity")["shorthand"]:
        word, _, other = entry.partition(" / ")
        if stream.random() < rate:
            text = re.sub(rf"\b{word}\b", other, text)
    return text


def _aside(stream: random.Random, text: str) -> str:
    """The text with a detail added that changes little."""
    return f"{text.rstrip('.')}, {stream.choice(lexicon('similarity')['asides'])}."


def _alike(stream: random.Random, grade: float, split: str) -> tuple[str, str]:
    """Two sentences of one statement, alike to a grade of 2 or more."""
    usable = [item for item in _statements() if item.minor or not 2.5 <= grade <= 3.5]
    statement = stream.choice(usable)
    values = _values(stream, statement, split)
    minor = statement.minor
    names = {
        2.0: [statement.main, *minor],
        2.5: [statement.main],
        3.0: minor,
        3.5: [stream.choice(minor)] if minor else [],
    }.get(grade, [])
    one, two = stream.sample(statement.wordings, 2)
    if grade >= 4.5 or (grade < 4.0 and stream.random() < 0.5):
        two = one
    first = one.format(**values)
    second = two.format(**_changed(stream, statement, values, names, split))
    return first, _aside(stream, second) if grade == 4.5 else second


def _apart(stream: random.Random, grade: float, split: str) -> tuple[str, str]:
    """Two sentences of different statements: of one topic from a grade of 1; halves more share a word."""
    share = grade % 1 == 0.5
    while True:
        one, two = stream.sample(_statements(), 2)
        kind = one.slots[one.main]
        common = [name for name, other in two.slots.items() if other == kind and isinstance(kind, str)]
        if (one.topic == two.topic) != (grade >= 1) or (share and not common):
            continue
        first, second = _values(stream, one, split), _values(stream, two, split)
        if set(first.values()) & set(second.values()):
            continue
        if share:
            second[common[0]] = first[one.main]
        return stream.choice(one.wordings).format(**first), stream.choice(two.wordings).format(**second)


def _judged(stream: random.Random, grade: float) -> float:
    """The grade as annotators gave it."""
    if stream.random() < WAVERING:
        grade += stream.choice((-0.5, 0.5))
    return min(5.0, max(0.0, grade))


def _written(stream: random.Random, grade: float, split: str) -> tuple[str, str]:
    """Two sentences of a grade as hurried writers put them, the second with more abbreviations where they agree."""
    pair = _alike(stream, grade, split) if grade >= 2 else _apart(stream, grade, split)
    rates = (0.1, 0.6 if grade >= 4.5 else 0.2)
    first, second = (
        slipped(stream, capital(_shortened(stream, text, rate)), 0.02)
        for text, rate in zip(stream.sample(pair, 2), rates, strict=True)
    )
    return first, second


def _drawn(stream: random.Random, split: str) -> Iterator[tuple[str, str, float]]:
    while True:
        for grade in stream.sample(GRADES, len(GRADES)):
            first, second = _written(stream, grade, split)
            while first == second:
                first, second = _written(stream, grade, split)
            yield first, second, _judged(stream, grade)


def pairs(stream: random.Random, count: int, split: str) -> Iterator[Pair[float]]:
    """Sentence pairs with their grade, all grades equally often."""
    return numbered(_drawn(stream, split), count, split)
