"""The measurement of training: what it stores is what it measured, and both arms are given the same."""

from __future__ import annotations

import builtins
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
from bench.report.tables.speed import section
from bench.speed import training
from bench.speed.stock import TrainingSet, answers_to_test, logits_of, padded, training_model
from bench.store import speed_record as record
from bench.store.environment import environment
from bench.store.speed_record import OURS, PRODUCT, RECORD, TRAINING, Speed, Timing
from in_process import InProcess
from small_bench import write_corpora
from tasks.core.kinds import Task
from tasks.core.metrics.metric import evidence
from test_training import CLASSES, SCORES, SMALL, SPANS, examples, spec


@pytest.fixture
def where(tmp_path: Path, tiny_encoder: Path) -> list[str]:
    write_corpora(tmp_path / "data", 8)
    places = ["--encoder", str(tiny_encoder), "--data", str(tmp_path / "data"), "--results", str(tmp_path)]
    return ["speed", "training", *places, *"--examples 8 --batch 4 --rounds 2 --threads 1".split()]


@pytest.mark.parametrize("task", ["quaero_2014", "mednli"])
def test_it_stores_what_it_measured(
    where: list[str], tmp_path: Path, task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*where, "--task", task]) == 0
    (speed,) = record.read_all(tmp_path, TRAINING)
    trained, product = speed.timings
    assert (speed.subject, trained.units, trained.size, len(trained.seconds)) == (task, 8, 4, 2)
    assert trained.tokens > 8 * 4
    assert (len(trained.scores), speed.test_examples, speed.settings.head_lr) == (2, 8, speed.settings.encoder_lr)
    assert (product.work, len(product.seconds)) == (PRODUCT, 2)
    assert "tokens a second" in capsys.readouterr().out


@pytest.mark.parametrize("changed", ["nothing", "rate", "code", "corpus"])
def test_what_is_killed_goes_on_from_its_last_round(
    changed: str, where: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A measurement of anything else begins anew."""
    seeds, ours = list[int](), training.train_ours

    def dies_once(given: TrainingSet, deterministic: bool, seed: int) -> tuple[float, str, list[Any]]:
        seeds.append(seed)
        if seeds == [0, 1, 2]:
            raise KeyboardInterrupt
        return ours(given, deterministic, seed)

    monkeypatch.setattr(training, "train_ours", dies_once)
    monkeypatch.setattr(training, "Worker", InProcess)
    assert cli.main([*where, "--task", "mednli"]) == 130
    (path,) = tmp_path.rglob(RECORD)
    first = record.read(path).timings[0].seconds
    if changed == "code":
        monkeypatch.setattr(training, "digest", lambda modules: "another")
    if changed == "corpus":
        test = tmp_path / "data" / "mli_test_v1.jsonl"
        test.write_text("\n".join(reversed(test.read_text().splitlines())) + "\n")
    assert cli.main([*where, "--task", "mednli", *(["--rate", "0.01"] if changed == "rate" else [])]) == 0
    (path,) = tmp_path.rglob(RECORD)
    seconds = record.read(path).timings[0].seconds
    assert len(seconds) == 2
    assert (seeds[3:], seconds[0] == first[0]) == (([0, 2], True) if changed == "nothing" else ([0, 1, 2], False))
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

    # Another process would find accelerate, where it is installed.
    monkeypatch.setattr(training, "Worker", InProcess)
    monkeypatch.setattr(builtins, "__import__", missing)
    assert cli.main([*where, "--task", "mednli", "--peers"]) == 2
    assert "needs accelerate" in capsys.readouterr().err


@pytest.mark.parametrize("task", ["quaero_2014", "mednli"])
def test_the_trainer_is_given_the_same_windows(
    where: list[str], tmp_path: Path, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("accelerate", reason="the extra peers is not installed")
    assert cli.main([*where, "--task", task, "--peers"]) == 0
    (speed,) = record.read_all(tmp_path, TRAINING)
    assert [len(one.scores) for one in speed.timings if one.work == TRAINING] == [2, 2, 2]


@pytest.mark.parametrize("task", [SPANS, CLASSES, SCORES], ids=lambda task: task.name)
def test_the_trainers_logits_are_read_as_ours(task: Task[Any, Any], tiny_encoder: Path) -> None:
    """Logits that say what was taught get all points, wherever a head reads them."""
    found = list(examples(task, "test"))
    given = TrainingSet(task=task, examples=found, test=found, encoder=tiny_encoder, settings=SMALL, device="cpu")
    taught = {window.input_ids.tobytes(): window for window in given.windows()}
    answers = answers_to_test(given, Said(task, taught))
    assert task.primary.value(evidence(task.primary, found, answers).sum(axis=0)) == pytest.approx(1)


def test_the_trainer_has_no_dropout_inside_attention_either(tiny_encoder: Path) -> None:
    given = TrainingSet(task=CLASSES, examples=[], test=[], encoder=tiny_encoder, settings=SMALL, device="cpu")
    rates = {name: part.p for name, part in training_model(given).named_modules() if isinstance(part, torch.nn.Dropout)}
    assert {rate for name, rate in rates.items() if ".self." in name} == {0}
    assert {rate for name, rate in rates.items() if ".self." not in name} == {0.1}


@pytest.mark.parametrize("task", [SPANS, CLASSES, SCORES], ids=lambda task: task.name)
def test_the_trainer_trains_the_model_that_ours_is(task: Task[Any, Any], tmp_path: Path, tiny_encoder: Path) -> None:
    """With the same weights it says the same: no pooler, no further layer."""
    found = list(examples(task, "test"))
    given = TrainingSet(task=task, examples=found, test=found, encoder=tiny_encoder, settings=SMALL, device="cpu")
    theirs, ours = training_model(given).eval(), MultitaskModel(spec(tmp_path, tiny_encoder, [task])).eval()
    theirs.classifier.load_state_dict(ours.head(task.name).layer.state_dict())
    for window in given.windows():
        with torch.no_grad():
            said = ours(task.name, ours.pack([window])).numpy()
        assert logits_of(task, theirs, window) == pytest.approx(said, abs=1e-5)


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


def measured(*arms: tuple[str, tuple[float, ...], tuple[float, ...]]) -> Speed:
    """Arms with their seconds and scores, beside matrix products at 6 GFLOP/s."""
    timings = []
    for arm, seconds, scores in arms:
        known = {"units": 30, "tokens": 3000, "flops": 3 * 10**9, "seconds": tuple((one,) for one in seconds)}
        timings.append(Timing(arm=arm, work=TRAINING, size=4, scores=scores, **known))
        timings.append(Timing(arm=arm, work=PRODUCT, size=0, flops=6 * 10**9, seconds=((1.0,),) * len(seconds)))
    return Speed(
        kind=TRAINING, subject="mednli", corpus="demo", encoder="minilm", tasks=("mednli",), metric="accuracy",
        settings=replace(SMALL, epochs=3), test_examples=8, timings=tuple(timings), command="",
        environment=environment("cpu", 1),
    )  # fmt: skip


def test_seconds_are_those_of_all_epochs(where: list[str], tmp_path: Path) -> None:
    assert cli.main([*where, "--task", "mednli", "--epochs", "3", "--rate", "0.01"]) == 0
    (speed,) = record.read_all(tmp_path, TRAINING)
    assert (speed.settings.epochs, speed.settings.encoder_lr, speed.timings[0].units) == (3, 0.01, 24)
    found = section(measured((OURS, (2.0,), (0.5,)))).tables[0]
    assert found.rows == ((OURS, "2.0", "1,500", "1.0x", "25%", "50.0"),)
    assert found.title.startswith("10 windows (1,000 real tokens) in batches of 4, epochs: 3")


def test_a_batch_for_the_trainer_is_padded_outside_its_loss() -> None:
    rows = [{"input_ids": [5] * n, "token_type_ids": [0] * n, "labels": [1] * n} for n in (2, 3)]
    batch = padded(rows)
    assert batch["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]
    assert batch["labels"].tolist() == [[1, 1, -100], [1, 1, 1]]
    assert padded([row | {"labels": 0.5} for row in rows])["labels"].dtype == torch.float32


def test_a_slow_round_slows_both_arms_and_leaves_their_ratio_alone() -> None:
    speed = measured((OURS, (1.0, 5.0, 2.0), (0.5,) * 3), ("Trainer", (4.0, 20.0, 8.0), (0.5,) * 3))
    text = terminal.render([section(speed)])
    assert "4.0x" in text
    assert max(map(len, text.splitlines())) <= 80


def test_what_an_arm_learned_less_is_told_from_chance() -> None:
    """By the rounds, each of which is a seed of both arms; one round says nothing."""

    def told(*scores: tuple[float, ...]) -> str:
        named = zip((OURS, "Trainer"), scores, strict=True)
        speed = measured(*((arm, (1.0,) * len(found), found) for arm, found in named))
        return " ".join(terminal.render([section(speed)]).split())

    assert "accuracy of bench less that of Trainer: -3.0 points, 95 % interval [-5.5, -0.5], p 0.035" in told(
        (0.70, 0.72, 0.72), (0.73, 0.76, 0.74)
    )
    assert "undefined" in told((0.5, 0.5), (0.5, 0.5))
    assert "less that of" not in told((0.5,), (0.6,))
