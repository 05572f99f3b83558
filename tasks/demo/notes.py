"""Made-up English notes of four corpora; each docstring has the rules that an annotator would follow."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count as count_up

from tasks.core.examples import Document
from tasks.demo.composer import Composer, grammar
from tasks.demo.markup import document, fragmented, sometimes_wrapped, tokenised, with_articles


def concepts(rng: random.Random, split: str) -> Iterator[Document]:
    """i2b2_2010: notes in tokens and lines, with problems, tests and treatments.

    Whole noun phrases with their articles, possessives and adjectives; what is denied, feared or another person's
    counts as well; doses, values, headings and what is named after a disease, a test or a treatment (a clinic, a
    leaflet, a support group) do not.
    """
    rules = grammar("clinic", "doses", "concepts")
    for number in count_up(105 + (split != "train"), 2):
        text = tokenised(with_articles(Composer(rules, rng, split).compose("{&person}{note}")))
        yield sometimes_wrapped(rng, document(f"record-{number}", text), rate=0.25)


def events(rng: random.Random, split: str) -> Iterator[Document]:
    """i2b2_2012: hospital courses in tokens and lines, with events.

    Problems, tests and treatments as whole noun phrases; departments with their article; the verb by which somebody
    tells or shows something (EVIDENTIAL); the verb or noun for what happened (OCCURRENCE). The same word in an ordinary
    sense, or for another kind of event, is judged by what it means there.
    """
    rules = grammar("clinic", "doses", "events")
    for number in count_up(1 + (split != "train"), 5):
        # Verbs come up often, and those of training are soon known: a test has more words that training never shows.
        composer = Composer(rules, rng, split, unseen_share=0.7)
        text = tokenised(with_articles(composer.compose("{&person}{note}")))
        yield sometimes_wrapped(rng, document(str(number), text), rate=0.15)


def identifiers(rng: random.Random, split: str) -> Iterator[Document]:
    """i2b2_2014: letters and notes, several to a patient, with names, places, dates and numbers.

    Titles and degrees are left out of names; an age is its number; a date any of its forms, weekdays and years alone
    included; a hospital's departments, eponyms and drug names are not identifiers.
    """
    rules = grammar("clinic", "doses", "identifiers")
    for number in count_up(110 + (split != "train"), 2):
        # A patient keeps name, numbers and doctors; each note adds to a copy.
        patient = Composer(rules, rng, split)
        patient.compose("{&patient}{&time}{patient!}{age!}{record_number!}")
        for visit in range(1, 1 + rng.randint(2, 4)):
            text = with_articles(Composer(rules, rng, split, dict(patient.kept)).compose("{note}"))
            yield sometimes_wrapped(rng, document(f"{number:03d}-{visit:02d}", text), rate=0.4)


def medications(rng: random.Random, split: str) -> Iterator[Document]:
    """n2c2_2018: discharge summaries as typed, with drugs and all that is said of how they are taken.

    A drug is what this patient takes, took or is to take; in a bare list of allergies, as a measured level or an
    electrolyte in blood it is none. A symptom counts where a drug is given for it (Reason) or has caused it (ADE), and
    nowhere else. A mention over two lines has a fragment for each.
    """
    rules = grammar("clinic", "doses", "medications")
    for number in count_up(100035 + 13 * (split != "train"), 26):
        # Drugs come up often, and those of training are soon known: a test has more words that training never shows.
        composer = Composer(rules, rng, split, unseen_share=0.75)
        note = document(str(number), with_articles(composer.compose("{&person}{note}")))
        yield fragmented(sometimes_wrapped(rng, note, rate=0.6))
