"""Made-up n2c2_2018: discharge summaries as typed, with drugs and all that is said of how they are taken.

The rules an annotator would follow: a drug is what this patient takes, took or is to take; in a bare list of allergies,
as a measured level or an electrolyte in blood it is none. A symptom counts where a drug is given for it (Reason) or
has caused it (ADE), and nowhere else. A mention over two lines has a fragment for each.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from tasks.core.examples import Document
from tasks.demo.composer import Composer, grammar
from tasks.demo.markup import document, fragmented, sometimes_wrapped, with_articles

COUNTS = {"train": 60, "test": 40}

WRAPPED_RATE = 0.6
# A test has this share of words that training never shows: drugs come up often, and those of training are soon known.
UNSEEN_SHARE = 0.75


def documents(stream: random.Random, count: int, split: str) -> Iterator[Document]:
    """Notes of one split."""
    rules = grammar("clinic", "doses", "medications")
    for index in range(count):
        composer = Composer(rules, stream, split, unseen_share=UNSEEN_SHARE)
        text = with_articles(composer.compose("{&person}{note}"))
        note = document(f"{100035 + 26 * index + 13 * (split != 'train')}", text)
        yield fragmented(sometimes_wrapped(stream, note, WRAPPED_RATE))
