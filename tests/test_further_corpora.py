"""A further corpus of a known format is one small file outside this repository, and everything works with it."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

import further_brat
import further_phi
from bench import registry
from bench.cli import main as cli
from bench.runner.corpus_statistics import corpus_statistics
from bench.store import runs as store
from invented import laid, packed
from tasks.core.examples import Document, Span
from tasks.core.files.corpus import Corpus
from tasks.core.formats.brat import Layout, read_documents
from tasks.core.kinds import SPLITS
from tasks.core.status import status, warning_counts
from tasks.demo.corpora import write_demo

PHI = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<MEDDOCAN><TEXT><![CDATA[Paciente: Ana Ruiz, {}, calle Mayor.]]></TEXT>\n'
    '<TAGS>\n<NAME id="T1" start="10" end="18" text="Ana Ruiz" TYPE="NOMBRE" comment=""/>\n'
    '<LOCATION id="T2" start="32" end="37" text="Mayor" TYPE="CALLE"/>\n</TAGS></MEDDOCAN>\n'
)
PLANT = "T1\tPlant 3 9\tginger\nR1\tHelps Arg1:T1 Arg2:T2\nT2\tSymptom 10 16;20 22\tnausea NN\n"


@pytest.fixture
def data(tmp_path: Path, plugins: Callable[..., None]) -> Path:
    """Both corpora, one packed and one not, and their tasks installed as plugins."""
    names = [f"{split}/xml/S{k}.xml" for split in SPLITS for k in (1, 2)]
    laid(tmp_path / "phi", {name: PHI.format(name[-5:-4] * 4) for name in names})
    (tmp_path / "data").mkdir()
    packed(tmp_path / "phi", tmp_path / "data" / "meddocan.zip", "meddocan/")
    places = [f"plants/{split}/part{k}/a" for split in ("train", "test") for k in range(4)]
    laid(tmp_path / "data", {f"{place}.txt": f"Of ginger nausea or {place[-3]}{place[-3]}" for place in places})
    laid(tmp_path / "data", {f"{place}.ann": PLANT.replace("N", place[-3]) for place in places})
    laid(tmp_path / "data", {"plants/train/part0/tools.conf": "", "plants/train/part0/a.ann~": ""})
    plugins(("further_phi", "further_phi:TASK"), ("further_brat", "further_brat:TASK"), kind="task")
    return tmp_path / "data"


@pytest.mark.parametrize("module", [further_phi, further_brat])
def test_a_further_corpus_takes_some_thirty_lines(module: ModuleType) -> None:
    """Reader, writer and card: what it shares with others of its format is imported."""
    lines = [line for line in inspect.getsource(module).splitlines() if line and "import " not in line]
    assert len(lines) <= 36


def test_further_corpora_are_read_whole(data: Path) -> None:
    """Mentions, fragments and ids are there, what is skipped is told, and another root is no obstacle."""
    corpus = Corpus(data)
    for task in (further_phi.TASK, further_brat.TASK):
        assert all(split.complete for split in status(task, corpus))
    assert warning_counts(corpus.warnings) == {"stray file": 2}
    first, second = further_phi.TASK.read(corpus, "dev")
    assert (first.id, second.id) == ("S1", "S2")
    assert first.gold == {Span(((10, 18),), "NOMBRE"), Span(((32, 37),), "CALLE")}
    plants = list(further_brat.TASK.read(corpus, "test"))
    assert [document.id for document in plants] == [f"part{k}/a" for k in range(4)]
    assert plants[3].gold == {Span(((3, 9),), "Plant"), Span(((10, 16), (20, 22)), "Symptom")}


def test_files_of_another_split_are_no_strays(tmp_path: Path) -> None:
    """A corpus without official splits, all in one folder and split by id, has none but what no split reads."""
    laid(tmp_path, {f"plants/{k}.txt": "Of ginger nausea or 00" for k in range(9)})
    laid(tmp_path, {f"plants/{k}.ann": PLANT.replace("N", "0") for k in range(9)})
    corpus = laid(tmp_path, {"plants/notes.txt": "", "plants/9.ann~": ""})

    def read(corpus: Corpus, split: str) -> Iterator[Document]:
        return read_documents(
            Layout(rf"plants/([{'0-5' if split == 'train' else '6-8'}])", "", ""), further_brat.LABELS, corpus
        )

    task = replace(further_brat.TASK, read=read)
    for _ in range(2):
        assert {note.file for split in status(task, corpus) for note in split.warnings} == {
            "plants/notes.txt",
            "plants/9.ann~",
        }
    assert corpus_statistics(task, corpus, None, "further_brat").notices["stray file"] == 2


def test_further_corpora_run_like_ours(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listed, trained on, scored and written out again, with no other line of code."""
    monkeypatch.setattr("bench.report.files.publish", lambda results: None)
    where = ["--data", str(data), "--results", str(tmp_path / "results"), "--answers", str(tmp_path / "answers")]
    words = "run --tasks further_phi further_brat --baselines majority --executor serial".split()
    assert cli.main([*words, *where]) == 0
    assert cli.main(["tasks", "--data", str(data)]) == 0
    assert "further_phi: complete" in capsys.readouterr().out
    results = {result.label: result for result in store.read_all(tmp_path / "results")}
    assert results["further_phi"].scores["further_phi"].metrics[0].value == 1.0
    assert results["further_brat"].notices == {"further_brat": {"stray file": 2}}
    assert len(list((tmp_path / "answers").rglob("part?/a.ann"))) == 4


def test_all_is_the_eight_and_further_tasks_whose_corpora_are_there(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task that somebody installed for another corpus stands in nobody's way, and its absence is said."""
    monkeypatch.setattr("bench.report.files.publish", lambda results: None)
    words = ["--all", "--baselines", "majority", "--results", str(tmp_path / "demo")]
    for command in ("plan", "run"):
        here = ["--executor", "serial"] if command == "run" else []
        assert cli.main([command, *words, *here, "--scale", "0.1"]) == 0
        said = capsys.readouterr().err
        assert "further_brat is left out of --all: its corpus is not there\n" in said
        assert "further_phi is left out of --all: its corpus is not there\n" in said
    assert {result.label for result in store.read_all(tmp_path / "demo")} == {*registry.MT_CLINICAL_BERT}
    write_demo(data, 0.02)
    shutil.rmtree(data / "plants" / "test")
    assert cli.main(["plan", *words, "--data", str(data)]) == 0
    printed = capsys.readouterr()
    assert "further_phi" in printed.out
    assert "further_brat is left out" in printed.err
    assert printed.out.count("missing") == 9


def test_missing_corpora_are_a_line_each(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Eighty columns are enough to read them, and what can be run is said."""
    assert cli.main(["plan", "--all", "--data", str(data)]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "left out" not in line]
    assert max(map(len, lines)) <= 80
    assert [line.partition(":")[0] for line in lines[:8]] == list(registry.MT_CLINICAL_BERT)
    assert lines[8].startswith("what is there runs with --tasks further_brat further_phi")
    assert lines[9].startswith("error: 8 of 1")
