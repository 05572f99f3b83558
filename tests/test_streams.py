"""Long corpora are read as a stream: memory grows with the list of files, never with what they hold."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.runner.corpora import Corpora
from invented import packed, task
from tasks.core import splits
from tasks.core.examples import Document, Pair, Span
from tasks.core.files import archives
from tasks.core.files.corpus import Corpus

NOTES, SHORT, LONG = 60, 100, 60_000
"""How many notes, and of how many characters."""


ARCHIVES = ("loose", "x.zip", "x.tar.gz")
PAIR = Pair("1", "a", "b", "neutral")


def write(folder: Path, characters: int) -> None:
    """A brat corpus and one of pairs, with texts of that length to train on."""
    text = ("aspirin daily " * characters)[:characters]
    notes = (Document(f"{100_000 + k}", f"{text} {k}", frozenset({Span(((0, 7),), "Drug")})) for k in range(NOTES))
    task("n2c2_2018").write(folder, "train", notes)
    task("n2c2_2018").write(folder, "test", [Document("1", "a", frozenset())])
    task("mednli").write(folder, "train", (Pair(f"{k}", f"{text} {k}", "b", "neutral") for k in range(NOTES)))
    for split in ("dev", "test"):
        task("mednli").write(folder, split, [PAIR])


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short and long texts, loose and in archives."""
    top = tmp_path_factory.mktemp("corpora")
    for size in (SHORT, LONG):
        write(top / "loose" / str(size), size)
        for archive in ARCHIVES[1:]:
            (top / archive / str(size)).mkdir(parents=True)
            packed(top / "loose" / str(size), top / archive / str(size) / archive)
    return top


Use = Callable[[str, Path], Any]


def read(name: str, folder: Path) -> None:
    """Every example of a split, looked at and let go."""
    assert sum(1 for _ in task(name).read(Corpus(folder), "train")) == NOTES


def cut(name: str, folder: Path) -> None:
    """The same where a development split is cut off."""
    assert sum(1 for _ in splits.stream(task(name), Corpus(folder), "train")) > NOTES / 2


def corpus_statistics(name: str, folder: Path) -> None:
    """What is looked at before a run."""
    Corpora("official", folder).corpus_statistics(task(name))


def keep(name: str, folder: Path) -> None:
    """What no reader may do."""
    list(task(name).read(Corpus(folder), "train"))


def peak(use: Use, name: str, folder: Path) -> int:
    """The most bytes that Python held meanwhile."""
    # What is garbage does not count, and circles of it are looked for the less often, the more other tests have left.
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100, 1, 1)
    gc.collect()
    tracemalloc.start()
    try:
        use(name, folder)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.set_threshold(*usual)
        gc.unfreeze()


def grown(use: Use, name: str, folder: Path) -> int:
    """How much more is held where texts are long."""
    return peak(use, name, folder / str(LONG)) - peak(use, name, folder / str(SHORT))


@pytest.mark.parametrize("use", [read, cut, corpus_statistics])
@pytest.mark.parametrize("archive", ARCHIVES)
@pytest.mark.parametrize("name", ["n2c2_2018", "mednli"])
def test_memory_does_not_grow_with_texts(
    archive: str, name: str, use: Use, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six hundred times as much text takes the memory of some of it at most."""
    monkeypatch.setattr(archives, "BLOCK_BYTES", 1 << 18)
    monkeypatch.setattr(archives, "BLOCKS_KEPT", 1)
    assert grown(use, name, corpora / archive) < NOTES * LONG * 3 / 4


def test_what_keeps_texts_would_be_noticed(corpora: Path) -> None:
    """The law above can fail: a list of the same examples breaks it."""
    assert grown(keep, "n2c2_2018", corpora / "loose") > NOTES * LONG * 0.9
