"""Made-up MedNLI: sentences of notes, and what they entail, contradict or leave open, decided by meaning.

Every premise is asked for all three classes, and claims are worded alike whichever class they end in, so neither side
alone tells the class.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.core.examples import Pair
from tasks.demo.pairing import capital, draw, lexicon, numbered, slipped

ENTAILMENT, NEUTRAL, CONTRADICTION = "entailment", "neutral", "contradiction"

Table = dict[str, Any]  # of entailment.toml, whose comments say what it holds


@dataclass(frozen=True)
class Clause:
    """One statement of a note: what follows from it, what it rules out, what it leaves open."""

    text: str
    areas: frozenset[str]
    follows: tuple[str, ...] = ()
    ruled_out: tuple[str, ...] = ()
    left_open: tuple[str, ...] = ()


def _filled(rng: random.Random, sentences: Sequence[str], word: str) -> str:
    return capital(rng.choice(sentences).replace("{x}", word).replace("{c}", word))


def _without_article(name: str) -> str:
    return re.sub(r"^an? ", "", name)


def _told(rng: random.Random, topic: Table, split: str) -> Clause:
    """A statement that a thing, or a kind of things, is present, absent, or not known to be either."""
    group = rng.choice(topic["group"])
    names, _, more_areas = draw(rng, group["members"], split).partition(" @")
    name, _, short = names.partition(" / ")
    # That each is so, and that it is not.
    (kind, no_kind), (thing, no_thing) = (
        (_filled(rng, topic["affirm"], about), _filled(rng, topic["deny"], about)) for about in (group["concept"], name)
    )
    state = rng.choices(("present", "absent", "unsure"), (12, 4, 2))[0]
    is_general = rng.random() < (0.2 if state == "present" else 0.5)
    if is_general:
        written = _without_article(group["concept"])
    else:
        written = rng.choice((_without_article(name), short) if short else (_without_article(name),))
    text = _filled(rng, topic[state], written)
    areas = frozenset(f"{group['area']} {more_areas}".split())
    if state == "unsure":
        return Clause(text, areas, left_open=(kind, no_kind, thing, no_thing))
    if state == "present":
        if is_general:
            return Clause(text, areas, (kind,), (no_kind,), (thing, no_thing))
        return Clause(text, areas, (thing, kind, kind), (no_thing, no_kind, no_kind))
    if is_general:
        return Clause(text, areas, (no_thing, no_kind, no_kind), (thing, kind, kind))
    # Without pneumonia there may still be another infection: the wider concept stays open.
    return Clause(text, areas, (no_thing,), (thing,), (kind, no_kind))


def _value(rng: random.Random, measure: Table, state: Table) -> str:
    """A value of a state as notes write it; blood pressures have both halves."""
    low, high, step = state["range"]
    value = low + step * rng.randrange(round((high - low) / step) + 1)
    shown = f"{value:.0f}" if step >= 1 else f"{value:.1f}"
    return str(measure["format"].format(v=shown, half=round(value * rng.uniform(0.54, 0.62))))


def _measured(rng: random.Random) -> Clause:
    """A statement of one to three measurements, the first asked about."""
    table = lexicon("entailment")["measure"]
    kind = rng.choices(("lab", "vital", "echo"), (10, 6, 1))[0]
    known = [measure for measure in table["item"] if measure["kind"] == kind]
    measures = rng.sample(known, min(len(known), rng.choice((1, 2, 3))))
    states = [rng.choice(measure["states"]) for measure in measures]
    shown = [
        f"{rng.choice(measure['names'])} {_value(rng, measure, state)}"
        for measure, state in zip(measures, states, strict=True)
    ]
    rng.shuffle(shown)
    text = _filled(rng, table["frames"][kind], ", ".join(shown))
    others = tuple(says for state in measures[0]["states"] if state is not states[0] for says in state["says"])
    areas = frozenset(area for measure in measures for area in measure["area"].split())
    return Clause(text, areas, tuple(states[0]["says"]), others)


def _clause(rng: random.Random, split: str) -> Clause:
    topic = rng.choices(("diagnosis", "drug", "surgery", "symptom", "habit", "measure"), (6, 5, 2, 4, 1, 3))[0]
    return _measured(rng) if topic == "measure" else _told(rng, lexicon("entailment")["topic"][topic], split)


def _elsewhere(rng: random.Random, areas: frozenset[str], split: str) -> str:
    """A claim of the usual kinds about quite another area, which a premise says nothing about."""
    while True:
        clause = _clause(rng, split)
        if not clause.areas & areas:
            return rng.choice(clause.follows + clause.ruled_out + clause.left_open)


def _premise(rng: random.Random, split: str) -> tuple[str, Clause]:
    """A premise of one or two statements, and the two as one."""
    while not (main := _clause(rng, split)).follows:
        pass
    if rng.random() < 0.75:
        return main.text, main
    side = _clause(rng, split)
    if side.areas & main.areas:
        return main.text, main
    # What the second statement leaves open is asked too, so that no word of doubt alone means "neutral".
    both = Clause("", main.areas | side.areas, main.follows, main.ruled_out, main.left_open + side.left_open)
    return " ".join(rng.sample((main.text, side.text), 2)), both


def _drawn(rng: random.Random, split: str) -> Iterator[tuple[str, str, str]]:
    while True:
        text, clause = _premise(rng, split)
        text = slipped(rng, text, 0.03)
        yield text, rng.choice(clause.follows), ENTAILMENT
        yield text, rng.choice(clause.ruled_out), CONTRADICTION
        outside = _elsewhere(rng, clause.areas, split)
        yield text, rng.choice(clause.left_open) if clause.left_open and rng.random() < 0.4 else outside, NEUTRAL


def pairs(rng: random.Random, split: str) -> Iterator[Pair[str]]:
    """Premises with hypotheses; entailment, contradiction and neutral in turn."""
    return numbered(_drawn(rng, split), split)
