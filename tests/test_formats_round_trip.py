"""What is written in an official format and read again is the same: ids, texts, labels and every fragment.

BENCH_FUZZ_CASES sets how many corpora of each kind are tried; a few by default.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invented import contents, laid, packed, splits, task
from tasks.core.examples import Document, Pair, Span
from tasks.core.files.corpus import Corpus
from tasks.core.splits import digest

CASES = int(os.environ.get("BENCH_FUZZ_CASES", "25"))
few = settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# What formats trip over: marks of theirs, white space, every line break, an astral letter, a byte order mark; and what
# XML has no way to say.
MARKS = "ab T1é\"'|&<>;]=c:#*\\{}\t\n\r\u2028\u2029\x85\xa0\ufeff\u0301😀"
TEXT = st.text(
    st.sampled_from(MARKS + "\0\v\f\x1b\x1c\x1f\uffff") | st.characters(exclude_categories=["Cs"]), max_size=60
)
XML_TEXT = st.text(st.sampled_from(MARKS), max_size=60)
SENTENCES = {
    "mednli": TEXT,
    "medrqe_2016": XML_TEXT.map(str.strip),
    "n2c2_2019": TEXT.map(lambda text: re.sub("[\t\n\r]", "", text)),
}

IDS = {
    "i2b2_2010": r"(record-[0-9]{1,3}|[0-9]{1,3}_[A-Z]{2})",
    "i2b2_2012": r"[0-9]{1,4}",
    "i2b2_2014": r"[0-9]{3}-0[0-9]",
    "n2c2_2018": r"[0-9]{6}",
    "quaero_2014": r"(EMEA|MEDLINE)/[0-9]{1,3}_[0-9]",
}


@st.composite
def fragments(draw: st.DrawFn, text: str, most: int) -> tuple[tuple[int, int], ...]:
    """Up to so many fragments that do not overlap; they may touch."""
    count = draw(st.integers(1, min(most, len(text) // 2) or 1))
    cuts = draw(st.lists(st.integers(0, len(text)), min_size=2 * count, max_size=2 * count, unique=True))
    return tuple(pairwise(sorted(cuts)))[::2]


@st.composite
def tokens(draw: st.DrawFn, text: str) -> tuple[tuple[int, int], ...]:
    """A fragment of whole tokens."""
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
        text = draw(XML_TEXT if name in ("i2b2_2012", "i2b2_2014") else TEXT)
        if name in ("i2b2_2010", "n2c2_2018", "quaero_2014"):
            text = draw(st.sampled_from([text, text.replace("\n", "\r\n"), text.replace("\n", "\r")]))
        places = fragments(text, 3 if name in ("n2c2_2018", "quaero_2014") else 1)
        places = tokens(text) if name == "i2b2_2010" else places
        enough = text.strip(" \t\n\r\f\v") if name == "i2b2_2010" else len(text) > 1
        label = st.sampled_from(task(name).labels)
        spans = draw(st.frozensets(st.builds(Span, places, label), max_size=4)) if enough else frozenset()
        found.append(Document(key, text, spans))
    return found


@st.composite
def pairs(draw: st.DrawFn, name: str) -> list[Pair[Any]]:
    """A corpus of pairs; in MedRQE without outer white space, in STS numbered by line, without tabs or line ends."""
    sentence = SENTENCES[name]
    gold: st.SearchStrategy[Any] = st.sampled_from(task(name).labels or [0.0])
    if name == "n2c2_2019":
        gold = st.floats(0, 5)
    count = draw(st.integers(1, 5))
    return [Pair(str(n), draw(sentence), draw(sentence), draw(gold)) for n in range(1, count + 1)]


def littered(folder: Path) -> None:
    """What macOS leaves beside each file, and a copy of the whole such as unpackers make."""
    files = list(contents(folder))
    for name, data in files:
        place = folder / name
        laid(folder, {f"__MACOSX/{name}": "\0", f"{place.parent.relative_to(folder)}/._{place.name}": b"\0"})
        laid(folder, {f"{place.parent.relative_to(folder)}/.DS_Store": b"\0", f"again/{name}": data})


def returned(name: str, split: str, examples: Sequence[Any], archive: str) -> tuple[list[Any], Corpus]:
    """The examples written to a folder and read from it, or from an archive with litter and copies in it."""
    with tempfile.TemporaryDirectory() as top:
        written, data = Path(top, "written"), Path(top, "data")
        task(name).write(written, split, examples)
        if archive:
            littered(written)
            data.mkdir()
            packed(written, data / archive, "download/")
        corpus = Corpus(data if archive else written)
        return list(task(name).read(corpus, split)), corpus


@pytest.mark.parametrize(("name", "split"), splits())
def test_a_corpus_written_and_read_again_is_the_same(name: str, split: str) -> None:
    """No id, character, label or fragment is lost, loose or packed, and nothing had to be mended."""

    @few
    @given(documents(name) if name in IDS else pairs(name), st.sampled_from(["", "x.zip", "x.tar.gz"]))
    def law(examples: list[Any], archive: str) -> None:
        found, corpus = returned(name, split, examples, archive)
        assert found == examples
        assert digest(task(name), found) == digest(task(name), examples)
        assert {warning.kind for warning in corpus.warnings} <= {"empty question"}

    law()
