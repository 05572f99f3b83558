"""A kept model scores as when it was trained, to the bit, and nothing else is taken for one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from baselines.core.training import train
from bench import registry
from bench.cli import main as cli
from bench.runner import kept_models
from bench.store.checksums import write_checksums
from bench.store.model_cards import is_kept
from bench.store.names import RunName
from bench.store.runs import Fingerprints
from small_bench import PLANTED, write_corpora
from tasks.core.errors import InputError
from test_training import CLASSES, SCORES, SMALL, SPANS, examples, spec

TASKS = (CLASSES, SCORES, SPANS)
DEPENDS_ON = Fingerprints(settings="5", corpora={}, encoder=None, code="0")


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry holds the small tasks."""
    tasks = {task.name: task for task in TASKS}
    monkeypatch.setattr(registry, "task", lambda name: tasks[name])


NAME = RunName(corpus="demo", encoder="tiny", arm="multitask", tasks=tuple(task.name for task in TASKS), seed=0)


def trained_and_kept(tmp_path: Path, encoder: Path, **changes: Any) -> tuple[Any, Path]:
    given = spec(tmp_path / "checkpoints", encoder, TASKS, settings=replace(SMALL, epochs=1, **changes))
    model, _ = train(given)
    return model, kept_models.keep(model, given, NAME, DEPENDS_ON, tmp_path / "results/models")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    return trained_and_kept(tmp_path_factory.mktemp("kept"), tiny_encoder)[1]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("span_head", ["flat", "nested"])
def test_a_loaded_model_scores_as_the_trained_one_to_the_bit(
    tmp_path: Path, tiny_encoder: Path, precision: str, span_head: str
) -> None:
    """For every kind of head: outputs, answers and scores."""
    model, folder = trained_and_kept(tmp_path, tiny_encoder, precision=precision, span_head=span_head)
    loaded = kept_models.load(folder)
    for task in TASKS:
        test = examples(task, "test")
        windows = [window for example in test for window in model.windows(task, example)]
        with torch.no_grad():
            assert torch.equal(model.eval()(task.name, model.pack(windows)), loaded(task.name, loaded.pack(windows)))
        assert model.predict(task, test) == loaded.predict(task, test)
        assert model.score(task, model.cut(task, test)) == loaded.score(task, loaded.cut(task, test))


def test_a_kept_model_is_an_encoder_to_start_from(
    kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By transformers' own loader, and as --encoder FOLDER, and nothing is said on the pooler, which ours lack."""
    from transformers import AutoModel

    model, _ = train(spec(tmp_path, kept, [SPANS]))
    assert "pooler" not in capsys.readouterr().err
    weights = AutoModel.from_pretrained(kept).state_dict()
    assert {*model.encoder.model.state_dict()} <= {*weights}


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def edited(folder: Path, **changes: Any) -> None:
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(card | changes))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no card": lambda folder: (folder / "model.json").unlink(),
    "half a card": lambda folder: (folder / "model.json").write_text("{"),
    "another window": lambda folder: edited(folder, settings=asdict(replace(SMALL, epochs=1, max_length=64))),
    "no seal": lambda folder: (folder / "SHA256SUMS").unlink(),
    "one bit of the encoder": lambda folder: flipped(folder / "model.safetensors"),
    "one bit of the heads": lambda folder: flipped(folder / "heads.safetensors"),
    "no heads": lambda folder: (folder / "heads.safetensors").unlink(),
    "another vocabulary": lambda folder: (folder / "vocab.txt").open("a").write("word\n"),
    "a pickle": lambda folder: (folder / "pytorch_model.bin").write_bytes(b"cposix\nsystem\n"),
    "other labels": lambda folder: edited(folder, labels={"spans": ["drug", "problem"]}),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_model_is_refused_in_one_sentence(
    kept: Path, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    copy = shutil.copytree(kept, tmp_path / "copy")
    damage(copy)
    with pytest.raises(InputError, match=r"copy is no whole model \(.*\): make it again") as caught:
        kept_models.load(copy)
    assert str(caught.value).count("\n") == 0


def test_a_model_of_an_older_format_is_told_as_that(kept: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(kept, tmp_path / "copy")
    edited(copy, format=2)
    with pytest.raises(
        InputError, match=r"copy: it is of an older format \(2, not 4\): make it again with `run --keep"
    ):
        kept_models.load(copy)


def test_heads_that_are_not_those_of_the_card_are_refused(kept: Path, tmp_path: Path) -> None:
    """Though every digest is right: whoever made the files made the seal."""
    copy = shutil.copytree(kept, tmp_path / "copy")
    (copy / "heads.safetensors").write_bytes((copy / "model.safetensors").read_bytes())
    write_checksums(copy)
    with pytest.raises(InputError, match="does not hold the weights"):
        kept_models.load(copy)


def test_only_the_model_of_just_this_run_counts_as_kept(kept: Path) -> None:
    models = next(parent for parent in kept.parents if parent.name == "models")
    assert is_kept(models, NAME, DEPENDS_ON)
    assert not is_kept(models, NAME, replace(DEPENDS_ON, code="1"))
    assert not is_kept(models, replace(NAME, seed=1), DEPENDS_ON)


def test_a_damaged_model_is_not_kept_and_made_again(kept: Path, tmp_path: Path) -> None:
    """`run --keep-models` says of one that cannot be loaded that it is to be made again: then it does so."""
    copy = tmp_path / NAME.path
    shutil.copytree(kept, copy)
    assert is_kept(tmp_path, NAME, DEPENDS_ON)
    flipped(copy / "heads.safetensors")
    assert not is_kept(tmp_path, NAME, DEPENDS_ON)


def test_what_is_no_encoder_with_heads_cannot_be_kept(tmp_path: Path, tiny_encoder: Path) -> None:
    with pytest.raises(InputError, match="leave out --keep-models"):
        kept_models.keep(object(), spec(tmp_path, tiny_encoder, TASKS), NAME, DEPENDS_ON, tmp_path)


def test_run_keeps_the_model_and_trains_again_only_where_it_was_not_kept(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the kept model holds no word of the notes."""
    monkeypatch.undo()
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("bench.report.files.publish", lambda results: None)
    write_corpora(tmp_path / "data")
    where = ["--data", str(tmp_path / "data"), "--results", str(tmp_path / "results"), "--encoder", str(tiny_encoder)]
    small = (
        "--tasks mednli --baselines single_task --profile demo --epochs 1 --max-length 24 --pair-max-length 24".split()
    )
    said = []
    for option in ([], ["--keep-models"], ["--keep-models"]):
        assert cli.main(["run", *where, *small, *option]) == 0
        said.append(capsys.readouterr().err)
    assert ["1 to do" in one for one in said] == [True, True, False]
    assert "its model was not kept" in said[1]
    (card,) = (tmp_path / "results" / "models").rglob("model.json")
    assert kept_models.load(card.parent).predict(registry.task("mednli"), []) == []
    assert not any(PLANTED.encode() in path.read_bytes() for path in card.parent.iterdir())
