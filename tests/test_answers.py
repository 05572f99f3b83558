"""Stored answers in the official formats: all that was answered, in nobody's hands but the owner's."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import small_bench
from bench import registry
from bench.runner import answers
from bench.store import runs as store
from bench.store.checksums import write_checksums
from small_bench import PLANTED, TRAININGS
from tasks.core.examples import Document, Span
from tasks.core.files.corpus import Corpus
from tasks.core.kinds import SpanTask, Task
from tasks.core.metrics.concepts import whole_tokens
from tasks.demo.corpora import write_demo

Bench = Callable[..., int]


def predict(model: small_bench.Model, task: Task[Any, Any], examples: Sequence[Any]) -> list[Any]:
    """What is hard to write: mentions that nest, overlap, cut tokens and lie in fragments; every class; any score."""
    if not isinstance(task, SpanTask):
        return [task.labels[k % len(task.labels)] if task.labels else 0.37 * k % 5 for k in range(len(examples))]
    return [frozenset(_mentions(task, example.text, k)) for k, example in enumerate(examples)]


def _mentions(task: Task[Any, Any], text: str, number: int) -> Iterator[Span]:
    if number == 0:
        return  # a document without answers
    yield Span(((0, len(text)),), task.labels[0])
    yield Span(((0, len(text)),), task.labels[1])
    yield Span(((1, len(text) // 2),), task.labels[number % len(task.labels)])
    yield Span(((0, 2), (4, 6), (6, 9)), task.labels[2])


def test_what_was_answered_comes_back_through_the_readers(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """For every task, in the official layout: texts, ids and answers; what a format cannot say is counted."""
    monkeypatch.setattr(small_bench.Model, "predict", predict)
    write_demo(tmp_path / "eight", scale=0.1)
    where = ["--data", str(tmp_path / "eight"), "--answers", str(tmp_path / "answers")]
    assert bench("--tasks", *registry.MT_CLINICAL_BERT, *where) == 0
    said = capsys.readouterr().err
    for result in store.read_all(tmp_path / "results"):
        (task,) = (registry.task(name) for name in result.tasks)
        folder = tmp_path / "answers" / result.name.path / task.name
        back = list(task.read(Corpus(folder), "test"))
        gold = list(task.read(Corpus(tmp_path / "eight"), "test"))
        answered = [
            replace(example, id=name, gold=answer)
            for example, (name, answer) in zip(gold, answers.stored(result, task), strict=True)
        ]
        assert back == [task.representable(example)[0] for example in answered]
        changed = sum(task.representable(example)[1] for example in answered)
        assert (changed > 0) == (task.name.startswith("i2b2"))
        assert (f"{changed} of" in said) == (changed > 0)
        if task.name in ("n2c2_2018", "quaero_2014"):
            assert back == answered
            assert any(len(span.fragments) == 3 for document in back for span in document.gold)


def test_only_the_owner_may_look_into_answers(bench: Bench, tmp_path: Path) -> None:
    """They hold text of notes, and results still do not."""
    assert bench("--answers", str(tmp_path / "new" / "answers")) == 0
    below = list((tmp_path / "new").rglob("*"))
    assert any(path.is_file() and PLANTED in path.read_text() for path in below)
    assert not any(
        path.is_file() and PLANTED.encode() in path.read_bytes() for path in (tmp_path / "results").rglob("*")
    )
    assert {stat.S_IMODE(path.stat().st_mode) for path in below} == {0o700, 0o600}


def test_answers_are_written_of_runs_that_are_done_and_nothing_is_trained_again(bench: Bench, tmp_path: Path) -> None:
    """Asked for later, they are the same; what was there before gives way."""
    folder = tmp_path / "answers"
    assert bench() == 0
    TRAININGS.clear()
    for _ in range(2):
        assert bench("--answers", str(folder)) == 0
        assert TRAININGS == []
        notes = sorted(folder.rglob("*.ann"))
        assert len(notes) == 4
        (notes[0].parent / "left.ann").touch()
        assert notes[0].read_text() == "T1\tANAT 0 3\tfoi\n"
    assert not list(folder.rglob(".*"))


@pytest.mark.parametrize("inside", ["results", "results/runs", "data", "data/answers"])
def test_answers_do_not_lie_among_results_or_corpora(
    inside: str, bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results hold no text, and answers among corpora would be read as one: said before anything is trained."""
    assert bench("--answers", str(tmp_path / inside)) == 2
    assert f"lies in {tmp_path / inside.split('/')[0]}: name a folder apart" in capsys.readouterr().err
    assert TRAININGS == []


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_trained(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody waits a night for that."""
    (tmp_path / "file").touch()
    assert bench("--answers", str(tmp_path / "file" / "below")) == 2
    assert "below cannot be made (Not a directory): name another folder" in capsys.readouterr().err
    assert TRAININGS == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id": "x", "answer": []}', "answers to quaero_2014 do not fit its corpus"),
        ('{"id": "EMEA/test-0", "answer": [["ANAT", [[0, 99999]]]]}', "answers to quaero_2014 do not fit its corpus"),
        ('{"id": "EMEA/test-0", "answer": [["T\\n", [[0, 1]]]]}', "answers to quaero_2014 do not fit its corpus"),
        ('{"id": "EMEA/test-0", "answer": [["ANAT", []]]}', "answers to quaero_2014 do not fit its corpus"),
        ('{"id": "EMEA/test-0", "answer": [["ANAT", [[-3, 2]]]]}', "answers to quaero_2014 do not fit its corpus"),
        (
            '{"id": "EMEA/test-0", "answer": [["ANAT", [[4, 6], [0, 5]]]]}',
            "answers to quaero_2014 do not fit its corpus",
        ),
        ("", "answers to quaero_2014 do not fit its corpus"),
        ('{"id": "EMEA/test-0", "answer": "ANAT"}', "quaero_2014.jsonl is not as it was written (answer is str"),
        ("[" * 10_000, "quaero_2014.jsonl is not as it was written (nested too deeply"),
    ],
)
def test_stored_answers_that_are_none_are_one_clear_sentence(
    line: str, words: str, bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever became of the results folder, nothing of it is written beside notes unseen."""
    bench("--tasks", "quaero_2014")
    (path,) = (tmp_path / "results").rglob("answers/quaero_2014.jsonl")
    path.write_text("\n".join([line, *path.read_text().splitlines()[1:]]) if line else "")
    write_checksums(path.parents[1])
    assert bench("--tasks", "quaero_2014", "--answers", str(tmp_path / "answers")) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("error: ")
    assert words in said
    assert not list((tmp_path / "answers").rglob("*.ann"))


def test_a_run_whose_answers_cannot_be_written_keeps_no_other_from_it(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named; the others are written and the report is printed. As it advises, deleted and run again, all are."""
    reports: list[Path] = []
    monkeypatch.setattr("bench.report.files.publish", reports.append)
    both = {"baselines": ("alone", "together")}
    bench(**both)
    (path,) = (tmp_path / "results").rglob("together/*/seed-0/answers/quaero_2014.jsonl")
    path.write_text(path.read_text().replace("[[0, 3]]", "[[0, 9999]]"))
    write_checksums(path.parents[1])
    reports.clear()
    assert bench("--answers", str(tmp_path / "answers"), **both) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    folder = path.parents[1]
    assert f"together · 2 tasks · seed 0: answers to quaero_2014 do not fit its corpus: delete {folder} and" in said
    assert len(reports) == 1
    assert len(list((tmp_path / "answers").rglob("mli_test_v1.jsonl"))) == 2
    assert len(list((tmp_path / "answers").rglob("*.ann"))) == 4
    shutil.rmtree(folder)
    assert bench("--answers", str(tmp_path / "answers"), **both) == 0
    assert len(list((tmp_path / "answers").rglob("*.ann"))) == 8


def test_an_empty_mention_is_left_out_and_counted(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No format can say it, and a baseline that answers it would answer it again."""
    empty = frozenset({Span(((2, 2),), "ANAT"), Span(((0, 3), (5, 5)), "ANAT")})
    monkeypatch.setattr(small_bench.Model, "predict", lambda model, task, examples: [empty] * len(examples))
    assert bench("--tasks", "quaero_2014", "--answers", str(tmp_path / "answers")) == 0
    assert "8 of 8 mentions of quaero_2014 were fitted" in capsys.readouterr().err
    assert {path.read_text() for path in (tmp_path / "answers").rglob("*.ann")} == {"T1\tANAT 0 3\tfoi\n"}


def test_answers_that_were_damaged_are_made_anew(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No damage ends `--answers` for good: the run counts as not done, and why is said."""
    bench("--tasks", "quaero_2014")
    (path,) = (tmp_path / "results").rglob("answers/quaero_2014.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"0", b"1", 1))
    assert bench("--tasks", "quaero_2014", "--answers", str(tmp_path / "answers")) == 0
    assert "quaero_2014.jsonl is not as it was written (it is not what was written" in capsys.readouterr().err
    assert path.read_bytes() == whole


@given(
    text=st.text(st.sampled_from("ab \t\n\u00a0\u2028"), min_size=1, max_size=20),
    cut=st.lists(st.integers(0, 20), min_size=2, max_size=2, unique=True).map(sorted),
)
def test_a_mention_is_widened_to_whole_tokens_and_no_further(text: str, cut: list[int]) -> None:
    """Each end moves to the end of a token that the mention has a part of; of blanks alone nothing is left."""
    start, end = min(cut[0], len(text) - 1), min(cut[1], len(text))
    document, changed = whole_tokens(Document("1", text, frozenset({Span(((start, end),), "test")})))
    if not text[start:end].strip(" \t\n"):
        assert (document.gold, changed) == (frozenset(), 1)
        return
    (span,) = document.gold
    wide = text[span.start : span.end]
    assert wide.strip(" \t\n") == wide
    assert text[start:end].strip(" \t\n") in wide
    outside = text[: span.start][-1:] + text[span.end :][:1]
    assert not outside.strip(" \t\n")
    inner = text[max(span.start, start) : min(span.end, end)]
    assert all(not set(part) & set(" \t\n") for part in (text[span.start : start], text[end : span.end]))
    assert inner
    assert changed == ((span.start, span.end) != (start, end))
