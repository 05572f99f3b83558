"""A further kind of task is two small modules outside this repository, and everything works with it."""

from __future__ import annotations

import csv
import inspect
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from huggingface_hub import ModelCard

import further_kind
import further_kind_head
from baselines.core.checkpoint import FILE
from bench import registry
from bench.cli import main as cli
from bench.report.files import SUFFIXES
from bench.runner import answers
from bench.runner.corpora import Corpora
from bench.store import runs as store
from further_kind import TASK, Note
from separate import finish, start
from small_bench import write_corpora
from tasks.core.files.corpus import Corpus

ARMS = ("majority", "single_task", "multitask")
TASKS = ("further_kind", "quaero_2014")
COMMAND = [
    "run", "--data", "data", "--encoder", "encoder", "--tasks", *TASKS, "--baselines", *ARMS,
    *"--epochs 2 --max-length 32 --span-batch 2 --pair-batch 2 --encoder-lr 2e-3 --precision float32".split(),
    "--checkpoint-seconds", "0",
]  # fmt: skip


def notes(split: str) -> Iterator[Note]:
    """Notes of some windows, in which a word says which class they have."""
    for number in range(12):
        draw = random.Random(f"{split} {number}")
        gold = draw.choice(TASK.labels)
        words = draw.choices(["the", "patient", "was", "seen", "x", "pain" if gold == "inpatient" else "clinic"], k=90)
        yield Note(f"{split}-{number}", " ".join(words), gold)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Iterator[Path]:
    """Where the plugin is installed, and a comparison is done in the results folder `whole`."""
    top = tmp_path_factory.mktemp("further")
    (top / "plugin" / "further_kind-1.dist-info").mkdir(parents=True)
    entry = "[mt_clinical_bench.tasks]\nfurther_kind = further_kind:TASK\n"
    (top / "plugin" / "further_kind-1.dist-info" / "entry_points.txt").write_text(entry)
    shutil.copytree(tiny_encoder, top / "encoder")
    write_corpora(top / "data", documents=8)
    for split in TASK.official_splits:
        TASK.write(top / "data", split, notes(split))
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(top / "plugin")
        patched.setenv("PYTHONPATH", os.pathsep.join([str(top / "plugin"), os.environ.get("PYTHONPATH", "")]))
        patched.setattr("bench.report.files.publish", lambda results: None)
        patched.chdir(top)
        registry.entries.cache_clear()
        assert cli.main([*COMMAND, "--executor", "serial", "--results", "whole"]) == 0
        yield top
    registry.entries.cache_clear()


@pytest.fixture(scope="module")
def killed(folder: Path) -> Path:
    """The results of runs of which the joint one was killed after its first checkpoint, and then begun again."""
    process = start(["-m", "bench", *COMMAND, "--results", "killed"], folder)
    unfinished = Path("killed", store.UNFINISHED)
    while process.poll() is None and not [*unfinished.glob(f"*/multitask/*/seed-0/{FILE}")]:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert finish(process).returncode == -signal.SIGKILL
    assert [*unfinished.glob(f"*/multitask/*/seed-0/{FILE}")]
    assert cli.main([*COMMAND, "--executor", "serial", "--results", "killed"]) == 0
    return folder / "killed"


def test_a_further_kind_takes_at_most_eighty_lines() -> None:
    """Example, task, reader, writer and head."""
    lines = [*inspect.getsource(further_kind).splitlines(), *inspect.getsource(further_kind_head).splitlines()]
    assert sum(map(bool, lines)) <= 80
    assert "torch" not in vars(further_kind)


def test_it_is_listed_with_its_labels_and_the_state_of_its_corpus(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["tasks", "--data", "data"]) == 0
    said = capsys.readouterr().out
    (line,) = (line for line in said.splitlines() if line.startswith("further_kind "))
    assert line.split() == ["further_kind", "note", "accuracy", "inpatient,", "outpatient"]
    assert "further_kind: complete" in said


def test_it_is_learnt_alone_and_together_with_another_kind(folder: Path) -> None:
    """Its notes are long: they have more windows than notes, and one answer each."""
    found = {(one.arm, one.label): one for one in store.read_all(folder / "whole")}
    assert len(found) == 2 + 2 + 1
    (joint,) = (one for one in found.values() if one.joint)
    assert joint.training.task_counts["further_kind"].examples > 2 * 2 * 10
    for result in found.values():
        if "further_kind" in result.scores:
            score = result.scores["further_kind"]
            assert (score.kind, score.examples["test"], score.ceiling) == ("note", 12, None)
            assert len(store.read_evidence(result, "further_kind").ids) == 12
    golds = [note.gold for note in notes("test")]
    floor = found["majority", "further_kind"].scores["further_kind"].metrics[0].value
    assert floor in {golds.count(label) / 12 for label in TASK.labels}


def test_a_killed_training_ends_with_the_very_same_evidence_and_answers(folder: Path, killed: Path) -> None:
    whole, cut = ({one.name: one for one in store.read_all(results)} for results in (folder / "whole", killed))
    assert whole.keys() == cut.keys()
    for name, one in whole.items():
        assert one.scores == cut[name].scores
        for task in one.tasks:
            before, after = (store.read_evidence(each, task) for each in (one, cut[name]))
            assert all(np.array_equal(before.rows[metric], after.rows[metric]) for metric in before.rows)
            assert answers.stored(one, registry.task(task)) == answers.stored(cut[name], registry.task(task))


def test_every_format_of_a_report_shows_it_beside_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for form in SUFFIXES:
        words = [] if form == "terminal" else [f"--{form}"]
        assert cli.main(["report", "--results", "whole", *words]) == 0
        assert "further" in capsys.readouterr().out
    assert cli.main(["report", "--results", "whole", "--out", "pages"]) == 0
    rows = list(csv.DictReader((folder / "pages" / "report.csv").read_text().splitlines()))
    assert {row["kind"] for row in rows if row["task"] == "further_kind"} == {"note"}
    # What is said of tokens stands before what is said of texts.
    assert list(dict.fromkeys(row["task"] for row in rows)) == ["quaero_2014", "further_kind"]


def test_eval_cards_name_its_pipeline(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", "--results", "whole", "--out", "cards", "--eval-cards", "--tasks", "further_kind"]) == 0
    cards = [*(folder / "cards").rglob("model-card.md")]
    assert len(cards) == len(ARMS)
    for card in cards:
        found = ModelCard(card.read_text()).data.eval_results or []
        assert "text-classification" in {one.task_type for one in found if one.dataset_type == "further_kind"}
        record = json.loads(card.with_name("every-eval-ever.json").read_text())
        assert {result["metric_config"]["min_score"] for result in record["evaluation_results"]} == {0.0}


def test_check_guards_it(folder: Path, killed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The killed and resumed comparison is the same as the reference, document by document."""
    where = ["check", "--reference", "reference", "--corpus", "official"]
    assert cli.main([*where, "--results", "whole", "--update", "--why", "a further kind"]) == 0
    # Trainings of seconds on a machine that does other work too say nothing of speed.
    with patch("bench.drift.speed.judge_speed", lambda reference, results: []):
        assert cli.main([*where, "--results", "killed", "--exact", "--json"]) == 0
    said = capsys.readouterr().out
    found = json.loads(said[said.index("{") :])["findings"]
    arms = {one["cell"]["arm"].partition("/")[0] for one in found if one["cell"]["task"] == TASK.name}
    assert arms == {"single_task", "multitask"}


def test_answers_come_back_through_its_reader(folder: Path) -> None:
    assert cli.main([*COMMAND, "--results", "whole", "--answers", "answers"]) == 0
    for result in store.read_all(folder / "whole"):
        if TASK.name in result.tasks:
            back = list(TASK.read(Corpus(folder / "answers" / result.name.path / TASK.name), "test"))
            assert [(note.id, note.text) for note in back] == [(note.id, note.text) for note in notes("test")]
            assert [(note.id, note.gold) for note in back] == answers.stored(result, TASK)


def test_the_program_can_be_measured_with_it(folder: Path) -> None:
    """Its documents are a workload of their own, and its windows those that a training makes."""
    from baselines.core.settings import Settings
    from bench.speed.stock import TrainingSet
    from bench.speed.workload import workload

    corpora = Corpora("official", folder / "data")
    work = workload(corpora, [TASK, registry.task("quaero_2014")], 8, 0.1)
    assert [note.id for note in work.pairs[TASK.name]] == [f"test-{number}" for number in range(8)]
    settings = Settings(max_length=32)
    given = TrainingSet(
        task=TASK, encoder=folder / "encoder", settings=settings, device="cpu",
        examples=list(notes("train")), test=list(notes("test")),
    )  # fmt: skip
    assert len(given.windows()) > 2 * 12
    assert given.batch == settings.pair_batch
