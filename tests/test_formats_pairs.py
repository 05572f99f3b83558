"""MedNLI, MedRQE and clinical STS files: what is refused, and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from invented import laid, refused, task
from tasks.core.errors import InputError
from tasks.core.examples import Pair


def record(**changes: object) -> str:
    """A MedNLI line with something changed."""
    fields = {"pairID": "1", "sentence1": "a", "sentence2": "b", "gold_label": "neutral", **changes}
    return json.dumps({key: value for key, value in fields.items() if value is not None})


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        (record() + "\n" + record(pairID="2")[:-5], "line 2: this is no JSON record"),
        (record(gold_label="maybe"), "line 1: its gold_label is not one of entailment, neutral, contradiction"),
        (record(sentence1=None), "line 1: a record without text under each of pairID"),
        (record(pairID=1), "line 1: a record without text under each of pairID"),
        (record(sentence1="\ud800"), "line 1: a record without text under each of pairID"),
        ("[" * 10_000, "line 1: this is no JSON record"),
        ('{"a":' * 10_000, "line 1: this is no JSON record"),
        ("9" * 10_000, "line 1: "),
        ("[]", "line 1: a record without text"),
        (record().encode() + b"\n\xff", "byte 77 is not UTF-8"),
    ],
)
def test_mednli_faults_are_told_with_their_line(lines: str | bytes, where: str, tmp_path: Path) -> None:
    """One sentence naming file and line."""
    said = refused("mednli", laid(tmp_path, {"mli_train_v1.jsonl": lines}))
    assert said.startswith("mli_train_v1.jsonl")
    assert where in said


PAIR = '<pair pid="{}" value="{}"><chq>a</chq><faq>b</faq></pair>\n'


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("<a>" + PAIR.format(1, "true"), "line 2: not well-formed XML"),
        (f"<a>{PAIR.format('', 'true')}</a>", "line 1: a pair without pid"),
        (f"<a>{PAIR.format(1, 'yes')}</a>", "line 1: a pair whose value is not one of true, false"),
        ('<a><pair pid="1" value="true"><chq>a</chq></pair></a>', "line 1: a pair without chq or faq"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "XML entities, which are refused"),
        ("<a>\n\xe9</a>".encode("latin-1"), "line 2: not well-formed XML"),
        ("<a>" * 1000, "nested more than 100 deep"),
    ],
)
def test_medrqe_faults_are_told_with_their_line(content: str | bytes, where: str, tmp_path: Path) -> None:
    """One sentence naming file and line."""
    said = refused("medrqe_2016", laid(tmp_path, {"RQE_Train_8588_AMIA2016.xml": content}))
    assert said.startswith("RQE_Train_8588_AMIA2016.xml")
    assert where in said


@pytest.mark.parametrize(
    ("name", "file", "content"),
    [
        ("mednli", "mli_train_v1.jsonl", "\n".join([record(), record(), record(pairID="1@2"), record()])),
        ("medrqe_2016", "RQE_Train_8588_AMIA2016.xml", f"<a>{PAIR.format(1, 'true') * 2}</a>"),
    ],
)
def test_pairs_of_one_id_are_all_kept_and_told(name: str, file: str, content: str, tmp_path: Path) -> None:
    """Each pair counts in a score, so each is kept; each gets an id of its own, since evidence is kept by id."""
    corpus = laid(tmp_path, {file: content})
    ids = [pair.id for pair in task(name).read(corpus, "train")]
    assert len(ids) == len(set(ids)) == content.count("neutral") + content.count("true")
    assert ids[:2] == ["1", "1@2"]
    assert {(warning.kind, warning.file) for warning in corpus.warnings} == {("doubled id", file)}
    assert [warning.line for warning in corpus.warnings] == list(range(2, len(ids) + 1))


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("a\tb\t1\na\tb\n", "line 2: it has 2 fields, not 3"),
        ("a\tb\t1\tc\n", "line 1: it has 4 fields, not 3"),
        ("a\tb\t1c\td\t2\n", "line 1: it has 5 fields, not 3"),
        ("a\tb\t1\nc\rc\td\t2\n", "line 2: it has 1 fields, not 3"),
        ("a\tb\t1\n\na\tb\t1\n", "line 2: an empty line between pairs"),
        ("a\tb\t5.5\n", "line 1: a score is missing or is no number from 0 to 5"),
        ("a\tb\t-1\n", "line 1: a score is missing or is no number from 0 to 5"),
        ("a\tb\tnan\n", "line 1: a score is missing or is no number from 0 to 5"),
        ("a\tb\t1e999\n", "line 1: a score is missing or is no number from 0 to 5"),
        ("a\tb\t\n", "line 1: a score is missing or is no number from 0 to 5"),
    ],
)
def test_sts_faults_are_told_with_their_line(content: str, where: str, tmp_path: Path) -> None:
    """One sentence naming file and line."""
    said = refused("n2c2_2019", laid(tmp_path, {"clinicalSTS2019.train.txt": content}))
    assert said.startswith("clinicalSTS2019.train.txt")
    assert where in said


@pytest.mark.parametrize(
    ("scores", "where"),
    [
        ("1\n", "clinicalSTS2019.test.gs.sim.txt, line 2: a score is missing"),
        ("1\n2\n3\n", "clinicalSTS2019.test.gs.sim.txt: it has more scores than clinicalSTS2019.test.txt has pairs"),
        ("1\nx\n", "clinicalSTS2019.test.gs.sim.txt, line 2: a score is missing or is no number"),
    ],
)
def test_sts_scores_must_fit_their_pairs(scores: str, where: str, tmp_path: Path) -> None:
    """A score too few or too many would shift all the others."""
    files = {"clinicalSTS2019.test.txt": "a\tb\nc\td\n", "clinicalSTS2019.test.gs.sim.txt": scores}
    assert where in refused("n2c2_2019", laid(tmp_path, files), "test")


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_every_line_end_parts_pairs(end: str, tmp_path: Path) -> None:
    """CR, LF and CRLF alike; the line separator of Unicode is text."""
    files = {
        "clinicalSTS2019.train.txt": "a\u2028\tb\t1\nc\td\t2\n",
        "clinicalSTS2019.test.txt": "a\tb\nc\td\n",
        "clinicalSTS2019.test.gs.sim.txt": "1\n2\n",
        "mli_train_v1.jsonl": "\n".join([record(), record(pairID="2", sentence1="carriage\rreturn")]),
    }
    corpus = laid(tmp_path, {name: content.replace("\n", end) for name, content in files.items()})
    splits = [("n2c2_2019", "train"), ("n2c2_2019", "test"), ("mednli", "train")]
    (first, _), _, (_, last) = found = [list(task(name).read(corpus, split)) for name, split in splits]
    assert [len(pairs) for pairs in found] == [2, 2, 2]
    assert (first.first, last.first) == ("a\u2028", "carriage\rreturn")


def test_a_line_end_that_two_chunks_of_a_file_share_is_one(tmp_path: Path) -> None:
    """A file is read a mebibyte at a time; a CR at the end of one and the LF of the next part two pairs only once."""
    long = "x" * ((1 << 20) - len("\tb\t1\r"))
    content = f"{long}\tb\t1\r\nc\td\t2\r\n"
    pairs = list(task("n2c2_2019").read(laid(tmp_path, {"clinicalSTS2019.train.txt": content}), "train"))
    assert [(pair.id, pair.first) for pair in pairs] == [("1", long), ("2", "c")]


@pytest.mark.parametrize("sentence", ["a\tb", "a\nb", "a\r"])
def test_sts_sentences_that_would_change_are_not_written(sentence: str, tmp_path: Path) -> None:
    """Better an error than another sentence."""
    with pytest.raises(InputError, match="pair 1: a sentence with a tab or a line end"):
        task("n2c2_2019").write(tmp_path, "train", [Pair("1", sentence, "b", 1.0)])
