"""Nothing is lost silently: what is mended or skipped is listed with its place, and kept as counts with each run."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli import main as cli
from bench.runner.corpora import Corpora
from invented import FOLDER, laid, refused, task
from tasks.core.files.corpus import Corpus
from tasks.core.status import warning_counts

RECORD = '{"pairID": "1", "sentence1": "a", "sentence2": "b", "gold_label": "neutral"}\n'


def test_what_is_passed_over_below_the_folder_counts_for_every_task(tmp_path: Path) -> None:
    """An archive that is not looked into may belong to any corpus, so each run's record tells of it."""
    files = {f"mli_{split}_v1.jsonl": RECORD for split in ("train", "dev", "test")}
    laid(tmp_path, {**files, "clinicalSTS2019.train.txt": "a\tb\t1\n"})
    laid(tmp_path, {"clinicalSTS2019.test.txt": "a\tb\n", "clinicalSTS2019.test.labels.txt": "1\n"})
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("inner.zip", b"")
        file.writestr("../mli_train_v1.jsonl", b"")
    corpora = Corpora("official", tmp_path)
    for name in ("mednli", "n2c2_2019", "mednli"):
        assert corpora.corpus_statistics(task(name)).notices == {
            "archive in an archive": 1,
            "path leaves the archive": 1,
        }


@pytest.mark.parametrize("name", ["mli_train_v1.jsonl.gz", "x.tar.bz2", "X.RAR", "x.7z"])
def test_archives_of_other_kinds_are_told_where_a_corpus_is_missing(name: str, tmp_path: Path) -> None:
    """Whoever packed a download anew learns why it is not found."""
    said = refused("mednli", laid(tmp_path, {name: "made up"}))
    assert "packed or unpacked (1 were passed over: tasks --verbose lists them); get it from" in said
    corpus = Corpus(tmp_path)
    corpus.files()
    assert warning_counts(corpus.skipped) == {"archive of another kind": 1}


def test_every_warning_is_listed_with_its_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`tasks --verbose` shows each where it belongs: below its split, or below the folder if it is of no corpus."""
    laid(tmp_path, {"mli_train_v1.jsonl": RECORD + RECORD.replace("neutral", "-")})
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("inner.zip", b"")
    assert cli.main(["tasks", "--data", str(tmp_path)]) == 0
    assert "mended or skipped: 1 (--verbose lists them)" in capsys.readouterr().out
    assert cli.main(["tasks", "--data", str(tmp_path), "--verbose"]) == 0
    said = capsys.readouterr().out
    assert said.count("mended or skipped") == 2
    train = said[said.index("\nmednli: ") :].splitlines()[2:5]
    assert train == [
        "  train 1 examples where 11232 are expected",
        "        mended or skipped: 1",
        "          mli_train_v1.jsonl, line 2: no agreed label: skipped",
    ]
    assert said.splitlines()[-3:] == [
        "below the folder, whatever the corpus",
        "        mended or skipped: 1",
        "          x.zip/inner.zip: archive in an archive: not looked into",
    ]


def test_a_run_says_in_a_line_what_readers_warned_of_in_each_corpus(
    bench: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is trained, and again where all is done; a corpus without warnings has no line."""
    with (tmp_path / "data" / "mli_train_v1.jsonl").open("a") as file:
        file.write(RECORD.replace('"1"', '"x1"').replace("neutral", "-") * 2)
    for _ in range(2):
        assert bench() == 0
        said = [line for line in capsys.readouterr().err.splitlines() if "when read" in line]
        assert said == ["mednli: mended, skipped or doubted when read: 2 x no agreed label"]


@pytest.mark.parametrize(
    ("name", "split", "stray"),
    [
        ("n2c2_2018", "train", "training_20180910/1-copy.ann"),
        ("n2c2_2018", "train", "training_20180910/README"),
        ("quaero_2014", "dev", "QUAERO_FrenchMed/corpus/dev/MEDLINE/2.ann~"),
        ("i2b2_2010", "test", "reference_standard_for_test_data/concepts/0001.con.bak"),
        ("i2b2_2010", "train", "concept_assertion_relation_training_data/beth/txt/notes.doc"),
        ("i2b2_2012", "train", "2012-07-15.original-annotation.release/1_old.xml"),
        ("i2b2_2014", "test", "testing-PHI-Gold-fixed/118-03 (copy).xml"),
    ],
)
def test_a_file_that_is_not_read_is_told_whatever_its_suffix(name: str, split: str, stray: str, tmp_path: Path) -> None:
    """A document under a name that the corpus does not have is not skipped in silence."""
    task(name).write(tmp_path, split, task(name).read(Corpus(FOLDER), split))
    corpus = laid(tmp_path, {stray: "made up"})
    list(task(name).read(corpus, split))
    assert [warning.file for warning in corpus.warnings if warning.kind == "stray file"] == [stray]
