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
from bench.runner.corpus_statistics import CorpusStatistics
from bench.runner.encoder_files import EncoderFiles
from bench.runner.estimate import Estimate, estimate
from bench.runner.grid import Grid
from bench.runner.plan import (
    CHANGED,
    DONE,
    MISSING,
    Planned,
    Run,
    RunContext,
    fingerprints,
    plan,
    why_changed,
)
from bench.runner.plan_lines import MOST_LINES, MOST_REASONS, _reasons, about, lines, on_gpus
from bench.runner.starts import closed_plan
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


def test_an_estimate_without_grounds_says_so_and_is_no_number(context: RunContext) -> None:
    asked = Grid((registry.task("mednli"),), (ALONE,), (0, 1), Settings())
    planned = closed_plan(asked.runs(), context)
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
    planned = closed_plan(asked.runs(), there)
    assert 0 < (estimate(planned, there).seconds(planned) or 0) < 60
    assert made == [getattr(torch, wanted)]


def many(count: int, state: str, context: RunContext, why: str = "") -> list[Planned]:
    asked = Grid((registry.task("mednli"),), (ALONE,), tuple(range(count)), Settings())
    return [replace(one, state=state, why=why.format(one.name.path)) for one in closed_plan(asked.runs(), context)]


HOURLY = Estimate(1.0, "made up").seconds


def test_a_small_plan_has_a_line_for_each_run_and_a_large_one_a_line_for_each_arm_and_state(
    context: RunContext,
) -> None:
    few, more = many(MOST_LINES, MISSING, context), many(MOST_LINES + 1, MISSING, context)
    assert len([*lines(few, HOURLY)]) == MOST_LINES
    (line,) = lines(more, HOURLY)
    assert line.startswith(f"missing  {about(HOURLY(more))} ")
    assert line.endswith("alone · 101 runs")


def test_a_large_plan_says_each_reason_once_with_its_count(context: RunContext) -> None:
    """A damaged run's folder is in its reason, and makes no reason of its own."""
    runs = many(200, CHANGED, context, "the code changed") + many(3, CHANGED, context, "runs/{}/result.json is damaged")
    assert [*lines(runs, HOURLY)][1:] == [
        "200 runs again: the code changed",
        "3 runs again: runs/RUN/result.json is damaged",
    ]


def test_a_large_plan_leaves_out_no_run_that_is_done_again(context: RunContext) -> None:
    runs = [replace(one, why=f"reason {index // 2}") for index, one in enumerate(many(200, CHANGED, context))]
    *shown, last = _reasons(runs)
    assert len(shown) == MOST_REASONS
    assert last == f"{200 - 2 * MOST_REASONS} runs again for {100 - MOST_REASONS} other reasons"


def test_gpus_share_the_runs_that_are_due(context: RunContext) -> None:
    runs = [*many(4, MISSING, context), *many(9, DONE, context)]
    one = about(HOURLY(runs[:1]))
    assert on_gpus(runs, HOURLY, 4) == f"on 4 GPUs, one run each, the longest first: {one}, 100% of their time busy"
    assert on_gpus(runs, HOURLY, 8).endswith(f"{one}, 50% of their time busy")
    assert on_gpus(runs, Estimate(None, "").seconds, 8).endswith("unknown time")


def test_an_estimate_is_of_finished_runs_of_the_same_arm_and_tasks_and_else_of_their_mean(tmp_path: Path) -> None:
    statistics = {name: CorpusStatistics("c" * 64, 1000, {}, {}, ()) for name in BOTH}
    context = RunContext(
        Corpora("demo", tmp_path, _corpus_statistics=statistics), tmp_path, EncoderFiles("minilm", None, "e" * 64)
    )
    maker, arms = Maker(root=tmp_path), [registry.baseline(name) for name in ("single_task", "multitask")]
    result = maker.run("single_task", ("mednli",), 0)
    training = replace(result.training, train_seconds=100.0, dev_seconds=20.0)
    maker.store(replace(result, training=training, test_seconds=0.0), result.evidence)
    maker.run("multitask", BOTH, 0)
    of_both = 2 * (40.0 + 3.0 + 1.5)
    runs = closed_plan(Grid(tuple(map(registry.task, BOTH)), tuple(arms), (0, 1), Settings()).runs(), context)
    guess = estimate(runs, context)
    due = {(one.run.arm, *one.run.names): guess.seconds([replace(one, state=MISSING)]) for one in runs}
    assert due["single_task", "mednli"] == pytest.approx(120)
    assert due["multitask", *BOTH] == pytest.approx(of_both)
    assert due["single_task", "quaero_2014"] == pytest.approx((120 + of_both) / 3)
    assert guess.grounds == "from 2 finished runs on cpu"


def test_a_plan_of_many_runs_is_that_of_each(context: RunContext) -> None:
    """Folders are listed once; what an interrupted write has left is completed all the same."""
    asked = Grid((registry.task("mednli"), registry.task("quaero_2014")), (ALONE, TOGETHER), (0, 1, 2), Settings())
    maker = Maker(root=context.results, corpus=OFFICIAL, encoder="tiny")
    for arm, tasks, seed in (("alone", BOTH[:1], 1), ("alone", BOTH[1:], 2), ("together", BOTH, 0)):
        maker.run(arm, tasks, seed)
    cut = context.results / "runs" / plan(next(asked.runs()), context).name.path.with_name("seed-1")
    cut.rename(cut.with_name(".seed-1.old"))
    found = closed_plan(asked.runs(), context)
    assert cut.is_dir()
    assert found == [plan(run, context) for run in asked.runs()]
    assert sum(one.state == CHANGED for one in found) == 3
