"""What a comparison consists of, and what its results depend on: that, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from baselines.core.settings import Settings
from bench import registry
from bench.runner import code
from bench.runner.corpora import OFFICIAL, Corpora
from bench.runner.encoder_files import EncoderFiles
from bench.runner.estimate import estimate
from bench.runner.plan import MISSING, Grid, Planned, Run, RunContext, fingerprints, plan, why_changed
from bench.store.runs import Fingerprints
from made_up_results import Maker
from small_bench import ALONE, TOGETHER, write_corpora


@pytest.fixture
def context(tmp_path: Path, plugins: Callable[..., None]) -> RunContext:
    """Small corpora and an encoder that is only named."""
    plugins(("alone", "small_bench:ALONE"), ("together", "small_bench:TOGETHER"))
    write_corpora(tmp_path)
    return RunContext(Corpora(OFFICIAL, tmp_path), tmp_path / "results", EncoderFiles("tiny", None, "e" * 64))


def runs(*seeds: int) -> list[Run]:
    """The runs of all tasks and our three baselines."""
    baselines = tuple(registry.baseline(name) for name in ("majority", "single_task", "multitask"))
    return list(Grid(tuple(registry.of_paper()), baselines, seeds, Settings()).runs())


def test_the_whole_comparison_is_eight_trainings_against_one_and_a_floor() -> None:
    assert [(run.baseline.name, len(run.tasks)) for run in runs(0)] == (
        [("majority", 1)] * 8 + [("single_task", 1)] * 8 + [("multitask", 8)]
    )


def test_more_seeds_repeat_what_chance_decides_and_nothing_else() -> None:
    assert [sum(run.baseline.name == name for run in runs(3, 4, 5)) for name in ("majority", "multitask")] == [8, 3]


def of(settings: Settings, names: tuple[str, ...], context: RunContext) -> Fingerprints:
    tasks = tuple(registry.task(name) for name in names)
    return fingerprints(Run(TOGETHER if len(names) > 1 else ALONE, tasks, 0, settings), context)


BOTH = ("mednli", "quaero_2014")


@pytest.mark.parametrize(
    ("change", "tasks"),
    [
        ({"profile": "paper"}, BOTH),
        ({"temperature": 5.0}, BOTH),
        ({"schedule": "loss_sum"}, ("mednli",)),
        ({"epochs_of": (("quaero_2014", 9),)}, ("mednli",)),
        ({"epochs": 9, "epochs_of": (("mednli", Settings().epochs),)}, ("mednli",)),
    ],
)
def test_settings_that_cannot_matter_repeat_no_run(
    context: RunContext, change: dict[str, object], tasks: tuple[str, ...]
) -> None:
    assert of(replace(Settings(), **change), tasks, context) == of(Settings(), tasks, context)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 7},
        {"schedule": "loss_sum"},
        {"span_head": "nested"},
        {"epochs_of": (("mednli", 9),)},
        {"max_length": 100},
        {"encoder_lr": 1e-5},
    ],
)
def test_settings_that_matter_change_what_a_run_depends_on(context: RunContext, change: dict[str, object]) -> None:
    assert of(replace(Settings(), **change), BOTH, context).settings != of(Settings(), BOTH, context).settings  # type: ignore[arg-type]


def test_the_digest_of_a_corpus_covers_every_split_and_no_packing(context: RunContext, tmp_path: Path) -> None:
    task = registry.task("mednli")
    digests = [Corpora(OFFICIAL, tmp_path).corpus_statistics(task).digest]
    (tmp_path / "below").mkdir()
    (tmp_path / "mli_dev_v1.jsonl").rename(tmp_path / "below" / "mli_dev_v1.jsonl")
    digests.append(Corpora(OFFICIAL, tmp_path).corpus_statistics(task).digest)
    for split in ("train", "dev", "test"):
        (path,) = tmp_path.rglob(f"mli_{split}_v1.jsonl")
        path.write_text(path.read_text().replace("It was.", "It is."))
        digests.append(Corpora(OFFICIAL, tmp_path).corpus_statistics(task).digest)
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def package(folder: Path, text: str) -> str:
    """The digest of a plugin with this text."""
    (folder / "plugin_of_ours.py").write_text(text)
    code.digest.cache_clear()
    code._read.cache_clear()
    return code.digest(("plugin_of_ours",))


def test_comments_and_docstrings_are_no_code_and_what_is_imported_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    plain = package(tmp_path, "def f(x):\n    return x\n")
    assert package(tmp_path, '"""What."""\n\n\ndef f(x):\n    """Why."""\n    return x  # so\n') == plain
    assert package(tmp_path, "def f(x):\n    return -x\n") != plain
    assert package(tmp_path, "def f(x):\n    return x\nimport tasks.core.errors\n") != package(
        tmp_path, "def f(x):\n    return x\nimport numpy\n"
    )


def test_the_code_of_a_training_is_reached_though_it_is_imported_late() -> None:
    reached = code._reached(["baselines.multitask", "tasks.mednli"])
    assert {"baselines.core.training", "baselines.core.heads", "tasks.mednli", "tasks.core.metrics.metric"} <= reached
    assert not [name for name in reached if name.startswith("tasks.demo") or name == "tasks.quaero_2014"]
    assert "baselines.core.training" not in code._reached(["baselines.majority"])


@pytest.mark.parametrize(
    ("had", "why"),
    [
        ({}, ""),
        ({"code": "1"}, "the code of tasks or baselines changed"),
        ({"corpora": {"mednli": "1", "quaero_2014": "q"}}, "the corpus of mednli changed"),
        ({"encoder": "1"}, "the encoder's files changed"),
        ({"encoder": "1", "code": "1"}, "the encoder's files changed; the code of tasks or baselines changed"),
    ],
)
def test_a_run_is_repeated_for_each_thing_that_it_depends_on(tmp_path: Path, had: dict[str, object], why: str) -> None:
    result = Maker(root=tmp_path).run("multitask", BOTH, 0)
    wanted = Fingerprints(settings="s", corpora={"mednli": "m", "quaero_2014": "q"}, encoder="e", code="c")
    run = Run(TOGETHER, tuple(map(registry.task, BOTH)), 0, Settings())
    stored = replace(result, fingerprints=replace(wanted, **had))  # type: ignore[arg-type]
    assert why_changed(run, wanted, stored) == why


def test_an_encoder_that_is_not_here_yet_is_no_change(tmp_path: Path) -> None:
    result = Maker(root=tmp_path).run("multitask", BOTH, 0)
    run = Run(TOGETHER, tuple(map(registry.task, BOTH)), 0, Settings())
    assert why_changed(run, replace(result.fingerprints, encoder=None), result) == ""


def plan_all(asked: Grid, context: RunContext) -> list[Planned]:
    return [plan(run, context) for run in asked.runs()]


def test_an_estimate_without_grounds_says_so_and_is_no_number(context: RunContext) -> None:
    asked = Grid((registry.task("mednli"),), (ALONE,), (0, 1), Settings())
    planned = plan_all(asked, context)
    assert [one.state for one in planned] == [MISSING, MISSING]
    assert estimate(planned, context).seconds(planned) is None


@pytest.mark.parametrize("wanted", ["float32", "bfloat16"])
def test_a_rough_estimate_is_of_the_precision_of_the_training(
    context: RunContext, tiny_encoder: Path, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a processor has bfloat16 it trains several times as fast as its products in float32 let expect."""
    asked = Grid((registry.task("mednli"),), (ALONE,), (0,), Settings(precision=wanted))
    there, ones, made = replace(context, encoder=EncoderFiles("tiny", tiny_encoder)), torch.ones, []
    monkeypatch.setattr(torch, "ones", lambda size, dtype: made.append(dtype) or ones(size, dtype=dtype))
    planned = plan_all(asked, there)
    assert 0 < (estimate(planned, there).seconds(planned) or 0) < 60
    assert made == [getattr(torch, wanted)]
