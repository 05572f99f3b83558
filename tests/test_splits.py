"""Which examples a split has, and what identifies them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from invented import FOLDER, task
from tasks.core.errors import InputError
from tasks.core.examples import Document, Pair, Span
from tasks.core.files.corpus import Corpus
from tasks.core.splits import digest, stream


def examples(*asked: Any) -> list[Any]:
    """The examples of a split."""
    return list(stream(*asked))


def patients(folder: Path, count: int) -> Corpus:
    """Patients with three notes each."""
    notes = [Document(f"{100 + n}-0{k}", f"note {n} {k}", frozenset()) for n in range(count) for k in range(3)]
    task("i2b2_2014").write(folder, "train", notes)
    return Corpus(folder)


def test_a_cut_split_is_a_partition_that_cuts_through_no_group(tmp_path: Path) -> None:
    """Training and development share no patient, lose no note and keep their order."""
    corpus = patients(tmp_path, 20)
    found = task("i2b2_2014")
    train, dev = (examples(found, corpus, split) for split in ("train", "dev"))
    assert len({found.group(note) for note in dev}) == 2
    assert not {found.group(note) for note in train} & {found.group(note) for note in dev}
    assert sorted(note.id for note in train + dev) == [note.id for note in found.read(corpus, "train")]
    assert [note.id for note in train] == sorted(note.id for note in train)


def test_a_cut_does_not_move_when_other_groups_come(tmp_path: Path) -> None:
    """A patient's place in the order is the patient's own: what was held out of few is held out of many, if any is."""
    few, many = (examples(task("i2b2_2014"), patients(tmp_path / str(n), n), "dev", 0.3) for n in (10, 11))
    assert len({note.id for note in few} & {note.id for note in many}) >= len(few) - 3


def test_an_official_development_split_is_taken(tmp_path: Path) -> None:
    """Where the holders publish one, none is cut."""
    corpus = Corpus(FOLDER)
    for split, count in (("train", 3), ("dev", 1), ("test", 2)):
        assert len(examples(task("mednli"), corpus, split)) == count


def test_a_part_that_leaves_nothing_to_train_on_is_named(tmp_path: Path) -> None:
    """The option is at fault, and no larger corpus is asked for."""
    with pytest.raises(InputError, match=r"--dev-fraction 0\.95 leaves none of its 3 groups"):
        examples(task("i2b2_2014"), patients(tmp_path, 3), "train", 0.95)


def test_one_group_cannot_be_cut(tmp_path: Path) -> None:
    """A training split of nothing is an error, not a training on nothing."""
    with pytest.raises(InputError, match="one group of examples cannot be cut"):
        examples(task("i2b2_2014"), patients(tmp_path, 1), "train")


def test_a_file_without_examples_is_told(tmp_path: Path) -> None:
    """An empty file is no empty test set."""
    (tmp_path / "mli_test_v1.jsonl").touch()
    with pytest.raises(InputError, match=r"mednli: its files below .* hold no example of test"):
        examples(task("mednli"), Corpus(tmp_path), "test")


@pytest.mark.parametrize(
    "other",
    [
        Document("2", "ab", frozenset({Span(((0, 1),), "x")})),
        Document("1", "ac", frozenset({Span(((0, 1),), "x")})),
        Document("1", "ab", frozenset({Span(((0, 1),), "y")})),
        Document("1", "ab", frozenset({Span(((0, 1), (1, 2)), "x")})),
        Document("1", "ab", frozenset()),
    ],
)
def test_a_digest_tells_any_two_corpora_apart(other: Document) -> None:
    """A changed id, text, label or fragment changes it."""
    first = Document("1", "ab", frozenset({Span(((0, 1),), "x")}))
    spans = task("quaero_2014")
    assert digest(spans, [first]) != digest(spans, [other])
    assert digest(spans, [first, other]) != digest(spans, [other, first])


def test_a_digest_does_not_run_fields_together() -> None:
    """Where one sentence ends and the next begins counts."""
    scores = task("n2c2_2019")
    assert digest(scores, [Pair("1", "ab", "c", 1.0)]) != digest(scores, [Pair("1", "a", "bc", 1.0)])
    assert digest(scores, [Pair("1", "a", "b", 1.0)]) != digest(scores, [Pair("1", "a", "b", 1.5)])
