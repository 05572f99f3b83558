"""Made-up i2b2_2010: notes in tokens and lines, with problems, tests and treatments.

The rules an annotator would follow: whole noun phrases with their articles, possessives and adjectives; what is denied,
feared or another person's counts as well; doses, values, headings and what is named after a disease, a test or a
treatment (a clinic, a leaflet, a support group) do not.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from tasks.core.examples import Document
from tasks.demo.composer import Composer, grammar
from tasks.demo.markup import document, sometimes_wrapped, tokenised, with_articles

COUNTS = {"train": 60, "test": 40}

WRAPPED_RATE = 0.25


def documents(stream: random.Random, count: int, split: str) -> Iterator[Document]:
    """Notes of one split."""
    rules = grammar("clinic", "doses", "concepts")
    for index in range(count):
        text = tokenised(with_articles(Composer(rules, stream, split).compose("{&person}{note}")))
        note = document(f"record-{105 + 2 * index + (split != 'train')}", text)
        yield sometimes_wrapped(stream, note, WRAPPED_RATE)
