"""The measurement of training: what it stores is what it measured, and both arms are given the same."""

from __future__ import annotations

import builtins
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from baselines.core.model import MultitaskModel
from baselines.core.windows import Window
from bench.cli import main as cli
from bench.report.formats import terminal
from bench.report.tables.training_speed import section
from bench.speed import training
from bench.speed.trainer import _answers, _logits, _model, _padded, packed
from bench.speed.training import Course, Trained, _score
from bench.store import strict_json
from bench.store.training_record import OURS, TRAINING, Rate, TrainingSpeed
from small_bench import write_corpora
from tasks.core.kinds import Task
from test_training import CLASSES, SCORES, SMALL, SPANS, examples, spec


@pytest.fixture
def where(tmp_path: Path, tiny_encoder: Path) -> list[str]:
    write_corpora(tmp_path / "data", 8)
    places = ["--encoder", str(tiny_encoder), "--data", str(tmp_path / "data"), "--results", str(tmp_path)]
    return ["training-speed", *places, *"--examples 8 --batch 4 --rounds 2 --threads 1".split()]


@pytest.mark.parametrize("task", ["quaero_2014", "mednli"])
def test_it_stores_what_it_measured(
    where: list[str], tmp_path: Path, task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*where, "--task", task]) == 0
    (path,) = tmp_path.rglob(TRAINING)
    speed = strict_json.loads(TrainingSpeed, path.read_bytes())
    assert (speed.task, speed.windows, speed.batch, [len(rate.seconds) for rate in speed.rates]) == (task, 8, 4, [2])
    assert speed.tokens > 8 * 4
    assert (len(speed.rates[0].scores), speed.test, speed.settings.head_lr) == (2, 8, speed.settings.encoder_lr)
    assert "tokens a second" in capsys.readouterr().out


@pytest.mark.parametrize("changed", ["nothing", "rate", "code", "corpus"])
def test_what_is_killed_goes_on_from_its_last_round(
    changed: str, where: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A measurement of anything else begins anew."""
    seeds, ours = list[int](), training.ours

    def dies_once(course: Course, seed: int) -> Trained:
        seeds.append(seed)
        if seeds == [0, 1, 2]:
            raise KeyboardInterrupt
        return ours(course, seed)

    monkeypatch.setattr(training, "ours", dies_once)
    assert cli.main([*where, "--task", "mednli"]) == 130
    (path,) = tmp_path.rglob(TRAINING)
    first = json.loads(path.read_bytes())["speed"]["rates"][0]["seconds"]
    if changed == "code":
        monkeypatch.setattr(training, "digest", lambda modules: "another")
    if changed == "corpus":
        test = tmp_path / "data" / "mli_test_v1.jsonl"
        test.write_text("\n".join(reversed(test.read_text().splitlines())) + "\n")
    assert cli.main([*where, "--task", "mednli", *(["--rate", "0.01"] if changed == "rate" else [])]) == 0
    (path,) = tmp_path.rglob(TRAINING)
    (rate,) = strict_json.loads(TrainingSpeed, path.read_bytes()).rates
    assert len(rate.seconds) == 2
    assert (seeds[3:], rate.seconds[0] == first[0]) == (([0, 2], True) if changed == "nothing" else ([0, 1, 2], False))
    assert "2 of 2 rounds measured" in capsys.readouterr().err
    assert not (tmp_path / "unfinished").exists()


def test_without_accelerate_the_trainer_is_one_sentence(
    where: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = builtins.__import__

    def missing(name: str, *more: Any) -> Any:
        if name == "accelerate":
            raise ImportError
        return real(name, *more)

    asked = training._asked  # In this process: another would find accelerate, where it is installed.
    monkeypatch.setattr(training, "_asked", lambda course, arms, apart: asked(course, arms, apart=False))
    monkeypatch.setattr(builtins, "__import__", missing)
    assert cli.main([*where, "--task", "mednli", "--peers"]) == 2
    assert "needs accelerate" in capsys.readouterr().err


@pytest.mark.parametrize("task", ["quaero_2014", "mednli"])
def test_the_trainer_is_given_the_same_windows(
    where: list[str], tmp_path: Path, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("accelerate", reason="the extra peers is not installed")
    assert cli.main([*where, "--task", task, "--peers"]) == 0
    (path,) = tmp_path.rglob(TRAINING)
    rates = strict_json.loads(TrainingSpeed, path.read_bytes()).rates
    assert [len(rate.scores) for rate in rates] == [2, 2, 2]


@pytest.mark.parametrize("task", [SPANS, CLASSES, SCORES], ids=lambda task: task.name)
def test_the_trainers_logits_are_read_as_ours(task: Task[Any, Any], tiny_encoder: Path) -> None:
    """Logits that say what was taught get all points, wherever a head reads them."""
    found = list(examples(task, "test"))
    course = Course(task=task, examples=found, test=found, encoder=tiny_encoder, settings=SMALL, device="cpu")
    taught = {window.input_ids.tobytes(): window for window in packed(course)}
    assert _score(course, _answers(course, Said(task, taught))) == pytest.approx(1)


def test_the_trainer_has_no_dropout_inside_attention_either(tiny_encoder: Path) -> None:
    course = Course(task=CLASSES, examples=[], test=[], encoder=tiny_encoder, settings=SMALL, device="cpu")
    rates = {name: part.p for name, part in _model(course).named_modules() if isinstance(part, torch.nn.Dropout)}
    assert {rate for name, rate in rates.items() if ".self." in name} == {0}
    assert {rate for name, rate in rates.items() if ".self." not in name} == {0.1}


@pytest.mark.parametrize("task", [SPANS, CLASSES, SCORES], ids=lambda task: task.name)
def test_the_trainer_trains_the_model_that_ours_is(task: Task[Any, Any], tmp_path: Path, tiny_encoder: Path) -> None:
    """With the same weights it says the same: no pooler, no further layer."""
    found = list(examples(task, "test"))
    course = Course(task=task, examples=found, test=found, encoder=tiny_encoder, settings=SMALL, device="cpu")
    theirs, ours = _model(course).eval(), MultitaskModel(spec(tmp_path, tiny_encoder, [task])).eval()
    theirs.classifier.load_state_dict(ours.head(task.name).layer.state_dict())
    for window in packed(course):
        with torch.no_grad():
            said = ours(task.name, ours.pack([window])).numpy()
        assert _logits(course, theirs, window) == pytest.approx(said, abs=1e-5)


class Said:
    """Stands for a model of transformers that has learned its targets by heart."""

    device = "cpu"

    def __init__(self, task: Task[Any, Any], taught: dict[bytes, Window]) -> None:
        self.task, self.taught = task, taught

    def eval(self) -> None:
        """There is nothing to switch off."""

    def __call__(self, input_ids: torch.Tensor, token_type_ids: torch.Tensor) -> SimpleNamespace:
        window = self.taught[input_ids[0].numpy().tobytes()]
        if self.task is SCORES:
            return SimpleNamespace(logits=torch.from_numpy(window.targets)[None])
        said = torch.zeros(len(window.input_ids), 5)
        said[window.read_positions, window.targets] = 9
        return SimpleNamespace(logits=said[None] if self.task is SPANS else said[:1])


def test_seconds_are_those_of_all_passes(where: list[str], tmp_path: Path) -> None:
    assert cli.main([*where, "--task", "mednli", "--epochs", "3", "--rate", "0.01"]) == 0
    (path,) = tmp_path.rglob(TRAINING)
    speed = strict_json.loads(TrainingSpeed, path.read_bytes())
    assert (speed.settings.epochs, speed.settings.encoder_lr) == (3, 0.01)
    changed = replace(
        speed,
        tokens=1000,
        flops=10**9,
        rates=(replace(speed.rates[0], seconds=(2.0,), scores=(0.5,), matrix_flops_per_second=(6e9,)),),
    )
    (row,) = section(changed).tables[0].rows
    assert row == (OURS, "2.0", "1,500", "1.0x", "25%", "50.0")


def test_a_batch_for_the_trainer_is_padded_outside_its_loss() -> None:
    rows = [{"input_ids": [5] * n, "token_type_ids": [0] * n, "labels": [1] * n} for n in (2, 3)]
    batch = _padded(rows)
    assert batch["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]
    assert batch["labels"].tolist() == [[1, 1, -100], [1, 1, 1]]
    assert _padded([row | {"labels": 0.5} for row in rows])["labels"].dtype == torch.float32


def test_a_slow_round_slows_both_arms_and_leaves_their_ratio_alone(tmp_path: Path, where: list[str]) -> None:
    assert cli.main([*where, "--task", "mednli"]) == 0
    (path,) = tmp_path.rglob(TRAINING)
    speed = strict_json.loads(TrainingSpeed, path.read_bytes())
    reached = (1e9, 1e9, 1e9)
    rates = (
        Rate(arm=OURS, seconds=(1.0, 5.0, 2.0), matrix_flops_per_second=reached),
        Rate(arm="Trainer", seconds=(4.0, 20.0, 8.0), matrix_flops_per_second=reached),
    )
    text = terminal.render([section(replace(speed, rates=rates))])
    assert "4.0x" in text
    assert max(map(len, text.splitlines())) <= 80


def test_what_an_arm_learned_less_is_told_from_chance(tmp_path: Path, where: list[str]) -> None:
    """By the rounds, each of which is a seed of both arms; one round says nothing."""
    assert cli.main([*where, "--task", "mednli"]) == 0
    (path,) = tmp_path.rglob(TRAINING)
    speed = strict_json.loads(TrainingSpeed, path.read_bytes())

    def told(*scores: tuple[float, ...]) -> str:
        named = zip((OURS, "Trainer"), scores, strict=True)
        rounds = {"seconds": (1.0,) * len(scores[0]), "matrix_flops_per_second": (1e9,) * len(scores[0])}
        rates = tuple(Rate(arm=arm, scores=found, **rounds) for arm, found in named)
        return " ".join(terminal.render([section(replace(speed, rates=rates))]).split())

    assert "accuracy of bench less that of Trainer: -3.0 points, 95 % interval [-5.5, -0.5], p 0.035" in told(
        (0.70, 0.72, 0.72), (0.73, 0.76, 0.74)
    )
    assert "undefined" in told((0.5, 0.5), (0.5, 0.5))
    assert "less that of" not in told((0.5,), (0.6,))
