"""What is written in an official format and read again is the same: ids, texts, labels and every fragment."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invented import splits, task
from tasks.core.corpus import Corpus
from tasks.core.examples import Document, Pair, Span
from tasks.core.splits import digest

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Letters that formats trip over: marks of theirs, line separators, an astral letter, a byte order mark, white space.
TEXT = st.text(st.sampled_from("ab T1é\"'|&<>;]=c:#*\\{}\t\n\u2028\u2029\x85\xa0\ufeff\u0301😀"), max_size=60)
SENTENCE = st.text(st.sampled_from("ab T1é\"'|&<>;]=c:#*\\{}\u2028\x85\xa0\ufeff😀"), max_size=30)

IDS = {
    "i2b2_2010": r"(record-[0-9]{1,3}|[0-9]{1,3}_[A-Z]{2})",
    "i2b2_2012": r"[0-9]{1,4}",
    "i2b2_2014": r"[0-9]{3}-0[0-9]",
    "n2c2_2018": r"[0-9]{6}",
    "quaero_2014": r"(EMEA|MEDLINE)/[0-9]{1,3}_[0-9]",
}


@st.composite
def stretches(draw: st.DrawFn, text: str, most: int) -> tuple[tuple[int, int], ...]:
    """Up to so many fragments that do not overlap; they may touch."""
    count = draw(st.integers(1, min(most, len(text) // 2) or 1))
    cuts = draw(st.lists(st.integers(0, len(text)), min_size=2 * count, max_size=2 * count, unique=True))
    return tuple(pairwise(sorted(cuts)))[::2]


@st.composite
def tokens(draw: st.DrawFn, text: str) -> tuple[tuple[int, int], ...]:
    """A stretch of whole tokens."""
    places = [match.span() for match in re.finditer(r"[^ \t\r\n\f\v]+", text)]
    first = draw(st.integers(0, len(places) - 1))
    last = draw(st.integers(first, len(places) - 1))
    return ((places[first][0], places[last][1]),)


@st.composite
def documents(draw: st.DrawFn, name: str) -> list[Document]:
    """A corpus of the task's kind in the order in which it is read."""
    ids = draw(st.lists(st.from_regex(IDS[name], fullmatch=True), min_size=2, max_size=4, unique=True))
    found = []
    for key in sorted(ids, key=lambda key: key.split("/")):
        text = draw(TEXT)
        if name in ("n2c2_2018", "quaero_2014"):
            text = draw(st.sampled_from([text, text.replace("\n", "\r\n")]))
        places = stretches(text, 3 if name in ("n2c2_2018", "quaero_2014") else 1)
        places = tokens(text) if name == "i2b2_2010" else places
        enough = text.strip(" \t\n\r\f\v") if name == "i2b2_2010" else len(text) > 1
        label = st.sampled_from(task(name).labels)
        spans = draw(st.frozensets(st.builds(Span, places, label), max_size=4)) if enough else frozenset()
        found.append(Document(key, text, spans))
    return found


@st.composite
def pairs(draw: st.DrawFn, name: str) -> list[Pair[Any]]:
    """A corpus of pairs; in MedRQE without outer white space, in STS numbered by line."""
    sentence = SENTENCE.map(str.strip) if name == "medrqe_2016" else SENTENCE
    gold: st.SearchStrategy[Any] = st.sampled_from(task(name).labels or [0.0])
    if name == "n2c2_2019":
        gold = st.floats(0, 5)
    count = draw(st.integers(1, 5))
    return [Pair(str(n), draw(sentence), draw(sentence), draw(gold)) for n in range(1, count + 1)]


def returned(name: str, split: str, examples: Sequence[Any]) -> tuple[list[Any], Corpus]:
    """The examples written to a folder and read from it."""
    with tempfile.TemporaryDirectory() as folder:
        task(name).write(Path(folder), split, examples)
        corpus = Corpus(Path(folder))
        return list(task(name).read(corpus, split)), corpus


@pytest.mark.parametrize(("name", "split"), splits())
def test_a_corpus_written_and_read_again_is_the_same(name: str, split: str) -> None:
    """No id, character, label or fragment is lost, and nothing had to be mended."""

    @few
    @given(documents(name) if name in IDS else pairs(name))
    def law(examples: list[Any]) -> None:
        found, corpus = returned(name, split, examples)
        assert found == examples
        assert digest(found) == digest(examples)
        assert {notice.kind for notice in corpus.notices} <= {"empty question"}

    law()
