"""Made-up i2b2_2012: hospital courses in tokens and lines, with events.

The rules an annotator would follow: problems, tests and treatments as whole noun phrases; departments with their
article; the verb by which somebody tells or shows something (EVIDENTIAL); the verb or noun for what happened
(OCCURRENCE). The same word in an ordinary sense, or for another kind of event, is judged by what it means there.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from tasks.core.examples import Document
from tasks.demo.composer import Composer, grammar
from tasks.demo.markup import document, sometimes_wrapped, tokenised, with_articles

COUNTS = {"train": 60, "test": 40}

WRAPPED_RATE = 0.15
# A test has this share of words that training never shows: verbs come up often, and those of training are soon known.
UNSEEN_SHARE = 0.7


def documents(stream: random.Random, count: int, split: str) -> Iterator[Document]:
    """Notes of one split."""
    rules = grammar("clinic", "doses", "events")
    for index in range(count):
        composer = Composer(rules, stream, split, unseen_share=UNSEEN_SHARE)
        text = tokenised(with_articles(composer.compose("{&person}{note}")))
        yield sometimes_wrapped(stream, document(str(1 + 5 * index + (split != "train")), text), WRAPPED_RATE)
