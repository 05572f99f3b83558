"""A second start reads no text: what one pass over a corpus said is kept for as long as no byte of it has changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines.core.settings import Settings
from bench.cli import main as cli
from bench.runner import corpus_statistics as module
from bench.runner.corpora import Corpora
from bench.runner.corpus_statistics import CorpusStatistics, corpus_statistics
from bench.store import runs as store
from bench.store.runs import Fingerprints
from invented import packed, task
from small_bench import PLANTED, write_corpora
from tasks.core import splits
from tasks.core.files.corpus import Corpus

TASK = task("quaero_2014")
MODULE = "tasks.quaero_2014"


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks whose files were read for their statistics."""
    names: list[str] = []
    take = module._taken

    def spy(task: Any, corpus: Corpus) -> CorpusStatistics:
        names.append(task.name)
        return take(task, corpus)

    monkeypatch.setattr(module, "_taken", spy)
    return names


def asked(data: Path, tmp_path: Path) -> CorpusStatistics:
    return corpus_statistics(TASK, Corpus(data), tmp_path, MODULE)


def rewritten(file: Path, old: bytes, new: bytes) -> None:
    """Changes some bytes of a file and not its time."""
    before = file.stat()
    assert old in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(old, new))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("archive", ["", "x.zip", "x.tar.gz"])
def test_statistics_are_taken_once_and_anew_when_a_byte_has_changed(
    archive: str, tmp_path: Path, taken: list[str]
) -> None:
    """In a file of any split, whatever its time and size say; back as it was, the statistics are what they were."""
    loose, data = tmp_path / "loose", tmp_path / ("packed" if archive else "loose")
    write_corpora(loose)

    def now() -> CorpusStatistics:
        if archive:
            data.mkdir(exist_ok=True)
            packed(loose, data / archive)
        return asked(data, tmp_path)

    first = now()
    assert now() == first == corpus_statistics(TASK, Corpus(data), None, MODULE)
    assert len(taken) == 2  # The first time, and where there is no cache.
    for split in ("train", "dev", "test"):
        (file,) = loose.rglob(f"{split}-0.txt")
        rewritten(file, b"foie", b"foiE")
        assert now().digest != first.digest
        rewritten(file, b"foiE", b"foie")
        assert now() == first


def test_what_another_corpus_holds_changes_nothing(tmp_path: Path, taken: list[str]) -> None:
    write_corpora(tmp_path / "data")
    asked(tmp_path / "data", tmp_path)
    (other,) = (path for path in (tmp_path / "data").rglob("*train*.jsonl"))
    rewritten(other, b"train", b"brain")
    asked(tmp_path / "data", tmp_path)
    assert taken == ["quaero_2014"]


def test_a_file_that_comes_or_goes_is_seen(tmp_path: Path, taken: list[str]) -> None:
    write_corpora(tmp_path / "data")
    asked(tmp_path / "data", tmp_path)
    new = tmp_path / "data" / "new.txt"
    new.write_text("")
    asked(tmp_path / "data", tmp_path)
    assert len(taken) == 2


def test_damaged_or_foreign_statistics_are_taken_anew(tmp_path: Path, taken: list[str]) -> None:
    write_corpora(tmp_path / "data")
    first = asked(tmp_path / "data", tmp_path)
    (file,) = tmp_path.glob("*.json")
    whole = file.read_bytes()
    for content in (b"", whole[:100], whole.replace(b"4", b"5", 1), b"{}", b"\xff" * 500):
        file.write_bytes(content)
        assert asked(tmp_path / "data", tmp_path) == first
    assert len(taken) == 6


def test_kept_statistics_hold_no_word_and_no_name_of_a_file(tmp_path: Path) -> None:
    write_corpora(tmp_path / "data")
    asked(tmp_path / "data", tmp_path)
    (file,) = tmp_path.glob("*.json")
    content = file.read_bytes()
    assert PLANTED.encode() not in content
    assert not [path for path in (tmp_path / "data").rglob("*.*") if path.stem.encode() in content]


@pytest.mark.parametrize("cached", [True, False])
def test_a_ceiling_is_worked_out_once_for_a_corpus_an_encoder_and_a_head(
    cached: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a command where there is no cache; neither rates nor seeds change it."""
    asked: list[str] = []
    monkeypatch.setattr("baselines.core.ceiling.ceiling", lambda *given: asked.append("") or 1 / 3)
    write_corpora(tmp_path / "data")
    fingerprints = Fingerprints(settings="", corpora={TASK.name: "a"}, encoder="b", code="c")
    for command in (1, 2):
        corpora = Corpora("official", tmp_path / "data", tmp_path / "cache" if cached else None)
        for settings in (Settings(), Settings(span_head="nested"), Settings(encoder_lr=1.0), Settings(epochs=9)):
            assert corpora.ceiling(TASK, tmp_path, fingerprints, settings) == 1 / 3
        for others in (replace(fingerprints, encoder="z"), replace(fingerprints, corpora={TASK.name: "z"})):
            assert corpora.ceiling(TASK, tmp_path, others, Settings()) == 1 / 3
        assert len(asked) == (4 if cached else 4 * command)


@pytest.mark.parametrize("name", ["quaero_2014", "mednli", "i2b2_2012", "medrqe_2016"])
@pytest.mark.parametrize("fraction", [0.1, 0.34])
def test_sizes_are_those_of_the_splits(name: str, fraction: float, tmp_path: Path) -> None:
    """Where there is no official development split too."""
    from tasks.demo.corpora import write_demo

    write_demo(tmp_path, 0.1)
    corpus = Corpus(tmp_path)
    found = corpus_statistics(task(name), corpus, None, MODULE)
    for split in ("train", "dev", "test"):
        assert found.size(split, fraction) == sum(1 for _ in splits.stream(task(name), corpus, split, fraction))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The official splits that were read, as they are read."""
    found: list[str] = []
    official = splits.official

    def spy(task: Any, corpus: Corpus, split: str) -> Iterator[Any]:
        found.append(f"{task.name} {split}")
        yield from official(task, corpus, split)

    monkeypatch.setattr(splits, "official", spy)
    return found


def test_a_second_start_reads_the_test_splits_alone_and_ends_with_the_same_bits(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, read: list[str]
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("bench.report.files.publish", lambda results: None)

    def run(name: str, *words: str) -> store.Result:
        read.clear()
        what = "--tasks quaero_2014 medrqe_2016 n2c2_2019 --baselines multitask --scale 0.05 --epochs 2".split()
        where = ["--encoder", str(tiny_encoder), "--results", str(tmp_path / name)]
        assert cli.main(["run", "--executor", "serial", *what, *where, *words]) == 0
        (result,) = store.read_all(tmp_path / name)
        return result

    plain, first = run("plain", "--no-cache"), run("first")
    assert "quaero_2014 train" in read
    second = run("second")
    assert sorted(set(read)) == ["medrqe_2016 test", "n2c2_2019 test", "quaero_2014 test"]
    for other in (first, second):
        assert other.scores == plain.scores
        assert other.fingerprints == plain.fingerprints
        assert other.training.dev_scores == plain.training.dev_scores
        for name in plain.tasks:
            one, two = (store.read_evidence(result, name) for result in (plain, other))
            assert all(np.array_equal(one.rows[metric], two.rows[metric]) for metric in one.rows)
