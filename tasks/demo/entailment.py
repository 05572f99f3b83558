"""Made-up MedNLI: sentences of notes, and what they entail, contradict or leave open, decided by meaning.

Every premise is asked for all three classes, and claims are worded alike whichever class they end in, so neither side
alone tells the class.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from tasks.core.examples import Pair
from tasks.demo.pairing import capital, draw, lexicon, numbered, slipped

COUNTS = {"train": 780, "dev": 99, "test": 600}

ENTAILMENT, NEUTRAL, CONTRADICTION = "entailment", "neutral", "contradiction"


@dataclass(frozen=True)
class Group:
    """Members of one concept, and the areas of medicine it touches."""

    concept: str
    area: str
    members: Sequence[str]


@dataclass(frozen=True)
class Topic:
    """How notes state a kind of things, present, absent or unsure, and how hypotheses affirm or deny them."""

    states: Mapping[str, Sequence[str]]
    affirm: Sequence[str]
    deny: Sequence[str]
    groups: Sequence[Group]


@dataclass(frozen=True)
class State:
    """A range of values (low, high, step) and what it amounts to."""

    range: Sequence[float]
    says: Sequence[str]


@dataclass(frozen=True)
class Measure:
    """Something measured: its kind (lab, vital, echo), names, way of writing, and states."""

    kind: str
    area: str
    names: Sequence[str]
    format: str
    states: Sequence[State]


@cache
def _topic(name: str) -> Topic:
    table = lexicon("entailment")["topic"][name]
    states = {state: table[state] for state in ("present", "absent", "unsure")}
    return Topic(states, table["affirm"], table["deny"], [Group(**item) for item in table["group"]])


@cache
def _measures() -> list[Measure]:
    items = lexicon("entailment")["measure"]["item"]
    return [Measure(**item | {"states": [State(**state) for state in item["states"]]}) for item in items]


@dataclass(frozen=True)
class Clause:
    """One statement of a note: what follows from it, what it rules out, what it leaves open."""

    text: str
    areas: frozenset[str]
    follows: tuple[str, ...] = ()
    ruled_out: tuple[str, ...] = ()
    left_open: tuple[str, ...] = ()


@dataclass(frozen=True)
class Member:
    """An entry of a word list: its name with article, how notes write it, the areas of medicine it touches."""

    name: str
    written: tuple[str, ...]
    areas: frozenset[str]


def _member(entry: str, area: str) -> Member:
    names, _, more = entry.partition(" @")
    name, _, short = names.partition(" / ")
    bare = re.sub(r"^an? ", "", name)
    return Member(name, (bare, short) if short else (bare,), frozenset(f"{area} {more}".split()))


def _filled(stream: random.Random, sentences: Sequence[str], word: str) -> str:
    return capital(stream.choice(sentences).replace("{x}", word).replace("{c}", word))


@dataclass(frozen=True)
class Claims:
    """The two sides of a hypothesis about something: that it is so, and that it is not."""

    so: str
    not_so: str

    @property
    def both(self) -> tuple[str, str]:
        """Either side, where neither can be told."""
        return self.so, self.not_so


def _told(stream: random.Random, topic: Topic, split: str) -> Clause:
    """A statement that a thing, or a kind of things, is present, absent, or not known to be either."""
    group = stream.choice(topic.groups)
    member = _member(draw(stream, group.members, split), group.area)
    kind, thing = (
        Claims(_filled(stream, topic.affirm, about), _filled(stream, topic.deny, about))
        for about in (group.concept, member.name)
    )
    state = stream.choices(("present", "absent", "unsure"), (12, 4, 2))[0]
    general = stream.random() < (0.2 if state == "present" else 0.5)
    written = re.sub(r"^an? ", "", group.concept) if general else stream.choice(member.written)
    text = _filled(stream, topic.states[state], written)
    if state == "unsure":
        return Clause(text, member.areas, left_open=kind.both + thing.both)
    if state == "present":
        if general:
            return Clause(text, member.areas, (kind.so,), (kind.not_so,), thing.both)
        return Clause(text, member.areas, (thing.so, kind.so, kind.so), (thing.not_so, kind.not_so, kind.not_so))
    if general:
        return Clause(text, member.areas, (thing.not_so, kind.not_so, kind.not_so), (thing.so, kind.so, kind.so))
    # Without pneumonia there may still be another infection: the wider concept stays open.
    return Clause(text, member.areas, (thing.not_so,), (thing.so,), kind.both)


def _value(stream: random.Random, measure: Measure, state: State) -> str:
    """A value of a state as notes write it; blood pressures have both halves."""
    low, high, step = state.range
    value = low + step * stream.randrange(round((high - low) / step) + 1)
    shown = f"{value:.0f}" if step >= 1 else f"{value:.1f}"
    return measure.format.format(v=shown, half=round(value * stream.uniform(0.54, 0.62)))


def _measured(stream: random.Random) -> Clause:
    """A statement of one to three measurements, the first asked about."""
    kind = stream.choices(("lab", "vital", "echo"), (10, 6, 1))[0]
    known = [measure for measure in _measures() if measure.kind == kind]
    measures = stream.sample(known, min(len(known), stream.choice((1, 2, 3))))
    states = [stream.choice(measure.states) for measure in measures]
    shown = [
        f"{stream.choice(measure.names)} {_value(stream, measure, state)}"
        for measure, state in zip(measures, states, strict=True)
    ]
    stream.shuffle(shown)
    text = _filled(stream, lexicon("entailment")["measure"]["frames"][kind], ", ".join(shown))
    others = tuple(says for state in measures[0].states if state is not states[0] for says in state.says)
    areas = frozenset(area for measure in measures for area in measure.area.split())
    return Clause(text, areas, tuple(states[0].says), others)


def _clause(stream: random.Random, split: str) -> Clause:
    topic = stream.choices(("diagnosis", "drug", "surgery", "symptom", "habit", "measure"), (6, 5, 2, 4, 1, 3))[0]
    return _measured(stream) if topic == "measure" else _told(stream, _topic(topic), split)


def _settled(stream: random.Random, split: str) -> Clause:
    """A statement from which something follows."""
    while True:
        clause = _clause(stream, split)
        if clause.follows:
            return clause


def _elsewhere(stream: random.Random, areas: frozenset[str], split: str) -> str:
    """A claim of the usual kinds about quite another area, which a premise says nothing about."""
    while True:
        clause = _clause(stream, split)
        if not clause.areas & areas:
            return stream.choice(clause.follows + clause.ruled_out + clause.left_open)


def _premise(stream: random.Random, split: str) -> tuple[str, Clause]:
    """A premise of one or two statements, and the two as one."""
    main = _settled(stream, split)
    if stream.random() < 0.75:
        return main.text, main
    side = _clause(stream, split)
    if side.areas & main.areas:
        return main.text, main
    # What the second statement leaves open is asked too, so that no word of doubt alone means "neutral".
    both = Clause("", main.areas | side.areas, main.follows, main.ruled_out, main.left_open + side.left_open)
    return " ".join(stream.sample((main.text, side.text), 2)), both


def _drawn(stream: random.Random, split: str) -> Iterator[tuple[str, str, str]]:
    while True:
        text, clause = _premise(stream, split)
        text = slipped(stream, text, 0.03)
        yield text, stream.choice(clause.follows), ENTAILMENT
        yield text, stream.choice(clause.ruled_out), CONTRADICTION
        outside = _elsewhere(stream, clause.areas, split)
        yield text, stream.choice(clause.left_open) if clause.left_open and stream.random() < 0.4 else outside, NEUTRAL


def pairs(stream: random.Random, count: int, split: str) -> Iterator[Pair[str]]:
    """Premises with hypotheses; entailment, contradiction and neutral in turn."""
    return numbered(_drawn(stream, split), count, split)
