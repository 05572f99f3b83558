"""Made-up i2b2_2014: letters and notes, several to a patient, with names, places, dates and numbers.

The rules an annotator would follow: titles and degrees are left out of names; an age is its number; a date any of its
forms, weekdays and years alone included; a hospital's departments, eponyms and drug names are not identifiers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice

from tasks.core.examples import Document
from tasks.demo.composer import Composer, grammar
from tasks.demo.markup import document, sometimes_wrapped, with_articles

COUNTS = {"train": 60, "test": 80}

WRAPPED_RATE = 0.4


def _records(stream: random.Random, split: str) -> Iterator[Document]:
    """Records of one patient after another; a patient keeps name, numbers and doctors."""
    rules = grammar("clinic", "doses", "identifiers")
    number = 110 if split == "train" else 111
    while True:
        # What is kept for the patient; each note adds to a copy.
        patient = Composer(rules, stream, split)
        patient.compose("{&patient}{&time}{patient!}{age!}{record_number!}")
        for visit in range(1, 1 + stream.randint(2, 4)):
            text = with_articles(Composer(rules, stream, split, dict(patient.kept)).compose("{note}"))
            yield sometimes_wrapped(stream, document(f"{number:03d}-{visit:02d}", text), WRAPPED_RATE)
        number += 2


def documents(stream: random.Random, count: int, split: str) -> Iterator[Document]:
    """Notes of one split."""
    return islice(_records(stream, split), count)
