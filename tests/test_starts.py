"""A run that starts from another: what it depends on, when its start is done, and how long that one's model is kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines.core import training
from baselines.core.baseline import TrainSpec
from baselines.core.checkpoint import FILE
from baselines.core.settings import PROFILES, Settings
from bench import registry
from bench.cli import main as cli
from bench.runner import kept_models
from bench.runner.corpora import OFFICIAL, Corpora
from bench.runner.encoder_files import EncoderFiles
from bench.runner.grid import Grid
from bench.runner.plan import DONE, Planned, Run, RunContext, fingerprints, why_changed
from bench.runner.starts import Starts, closed_plan
from bench.store import runs as store
from bench.store.model_cards import STARTS
from bench.store.runs import Fingerprints, Result
from small_bench import write_corpora
from small_trainings import SCORES, SPANS, SmallBench
from tasks.core.errors import InputError

JOINT, TUNED = "multitask", "multitask_finetuned"
BOTH = (SPANS, SCORES)


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    """Small corpora and an encoder that is only named."""
    write_corpora(tmp_path)
    return RunContext(Corpora(OFFICIAL, tmp_path), tmp_path / "results", EncoderFiles("tiny", None, "e" * 64))


def grid(*baselines: str, **settings: Any) -> list[Run]:
    tasks = tuple(map(registry.task, ("mednli", "quaero_2014")))
    return list(Grid(tasks, tuple(map(registry.baseline, baselines)), (0,), replace(Settings(), **settings)).runs())


def of(context: RunContext, baseline: str, **settings: Any) -> Fingerprints:
    return fingerprints(grid(baseline, **settings)[0], context)


def test_each_task_starts_from_the_joint_run_of_all_tasks_with_its_seed() -> None:
    runs = grid(TUNED, epochs=7)
    assert [run.names for run in runs] == [("mednli",), ("quaero_2014",)]
    assert [run.start for run in runs] == grid(JOINT, epochs=7) * 2


@pytest.mark.parametrize("asked", [(TUNED,), (TUNED, JOINT), (JOINT, TUNED)])
def test_a_plan_holds_each_start_once_and_before_what_needs_it(context: RunContext, asked: tuple[str, ...]) -> None:
    planned = closed_plan(grid(*asked), context)
    assert [(one.run.arm, one.needed_by) for one in planned] == [(JOINT, 2), (TUNED, 0), (TUNED, 0)]


def test_epochs_of_fine_tuning_are_no_matter_of_runs_that_start_from_the_encoder(context: RunContext) -> None:
    assert of(context, JOINT, finetune_epochs=7) == of(context, JOINT)
    assert grid(JOINT, finetune_epochs=7) == grid(JOINT)
    assert PROFILES["demo"].finetune_epochs != 7


def test_a_run_depends_on_the_settings_of_its_start_through_the_start_alone(context: RunContext) -> None:
    had, other = of(context, TUNED), of(context, TUNED, epochs=7, epochs_of=(("quaero_2014", 3),))
    assert other.start != had.start
    assert replace(other, start=had.start) == had
    longer = of(context, TUNED, finetune_epochs=7)
    assert longer.settings != had.settings
    assert replace(longer, settings=had.settings) == had


def test_a_run_depends_on_every_corpus_of_its_start(context: RunContext, tmp_path: Path) -> None:
    had = of(context, TUNED)
    for file in tmp_path.rglob("EMEA/train-0.txt"):
        file.write_text(file.read_text().replace("foie", "sang"))
    now = of(replace(context, corpora=Corpora(OFFICIAL, tmp_path)), TUNED)
    assert [*now.corpora] == ["mednli"]
    assert now.corpora == had.corpora
    assert now.start != had.start


def test_another_encoder_is_one_reason_and_a_changed_start_another(context: RunContext, tmp_path: Path) -> None:
    run, had = grid(TUNED)[0], of(context, TUNED)
    result = replace(made_up(tmp_path), fingerprints=had)
    assert why_changed(run, replace(had, start="0"), result) == "the run it starts from changed"
    other = fingerprints(run, replace(context, encoder=EncoderFiles("tiny", None, "0" * 64)))
    assert why_changed(run, other, result) == "the encoder's files changed"


def made_up(root: Path) -> Result:
    from made_up_results import Maker

    return Maker(root=root).run(TUNED, ("mednli",), 0)


@pytest.mark.parametrize("start", ["one", "alone", "majority", "nowhere"])
def test_a_baseline_that_cannot_start_is_one_clear_sentence(
    plugins: Callable[..., None], monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    """From itself, from one without an encoder, from one that is not there."""
    import small_bench

    one = replace(registry.baseline(TUNED), name="one", start=start)
    monkeypatch.setattr(small_bench, "ONE", one, raising=False)
    plugins(("one", "small_bench:ONE"), ("alone", "small_bench:ALONE"))
    with pytest.raises(InputError, match=f"the baseline 'one' cannot be used .it starts from '{start}'.: mend it"):
        registry.baselines()


def test_what_starts_from_another_run_must_be_asked_for(
    context: RunContext, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["plan", "--tasks", "mednli", "--data", str(tmp_path), "--results", str(tmp_path / "results")]
    assert cli.main(words) == 0
    assert cli.main([*words, "--baselines", TUNED]) == 0
    usual, named = capsys.readouterr().out.split("to do", 1)
    assert TUNED not in usual
    assert TUNED in named


def hold(context: RunContext, runs: Sequence[Planned]) -> tuple[Starts, Path]:
    """A command's hold on the model that its runs start from, which is there."""
    folder = context.results / STARTS / runs[0].name.path
    folder.mkdir(parents=True, exist_ok=True)
    return Starts(runs, context), folder


def test_a_run_begins_once_its_start_is_finished(context: RunContext) -> None:
    runs = closed_plan(grid(TUNED), context)
    with hold(context, runs)[0] as starts:
        assert [starts.ready(one) for one in runs] == [True, False, False]
        starts.finished(runs[0])
        assert [starts.ready(one) for one in runs[1:]] == [True, True]


def test_the_last_of_two_commands_that_need_a_start_removes_its_model(context: RunContext) -> None:
    runs = closed_plan(grid(TUNED), context)
    (one, folder), (other, _) = hold(context, runs), hold(context, runs)
    with one, other:
        for planned in runs:
            one.finished(planned)
            assert folder.exists()
        for planned in runs:
            assert folder.exists()
            other.finished(planned)
        assert not (context.results / store.UNFINISHED).exists()


def test_a_command_that_is_stopped_leaves_the_model_that_it_still_needs(context: RunContext) -> None:
    runs = closed_plan(grid(TUNED), context)
    starts, folder = hold(context, runs)
    with starts:
        starts.finished(runs[0])
        starts.finished(runs[1])
    assert folder.exists()
    with hold(context, [replace(one, state=DONE) for one in runs])[0]:
        assert not (context.results / store.UNFINISHED).exists()


class Commands:
    """`run` of a small bench with real trainings, which are noted."""

    def __init__(self, root: Path, encoder: Path, patch: pytest.MonkeyPatch) -> None:
        self.root, self.where = root, SmallBench(root, encoder).where
        self.trained: list[tuple[str, ...]] = []
        self.during: Callable[[TrainSpec], object] = lambda spec: None
        self.after: Callable[[TrainSpec], object] = lambda spec: None
        train = training.train

        def noted(spec: TrainSpec) -> Any:
            self.trained.append(tuple(task.name for task in spec.tasks))
            self.during(spec)
            trained = train(spec)
            self.after(spec)
            return trained

        patch.setattr(training, "train", noted)
        patch.setattr("bench.report.files.publish", lambda results: None)

    def __call__(self, *words: str, results: str = "results", baselines: Sequence[str] = (TUNED,)) -> int:
        """The exit status; what was trained is noted from here on."""
        self.trained.clear()
        where = [*self.where, "--results", str(self.root / results), "--no-cache", "--executor", "serial"]
        short = ["--epochs", "1", "--finetune-epochs", "1", "--threads", "1"]
        return cli.main(["run", *where, *short, "--baselines", *baselines, *words])

    def results(self, of: str = "results") -> dict[tuple[str, str], Result]:
        return {(one.arm, "+".join(one.tasks)): one for one in store.read_all(self.root / of)}

    @property
    def unfinished(self) -> Path:
        return self.root / "results" / store.UNFINISHED


@pytest.fixture
def commands(tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    return Commands(tmp_path, tiny_encoder, monkeypatch)


def same(one: Result, other: Result, task: str) -> bool:
    """Whether two runs gave the same evidence and the same answers on a task, to the bit."""
    assert one.folder is not None
    assert other.folder is not None
    answers = [(each.folder / "answers" / f"{task}.jsonl").read_bytes() for each in (one, other) if each.folder]
    rows = [store.read_evidence(each, task).rows for each in (one, other)]
    return answers[0] == answers[1] and all(np.array_equal(rows[0][name], rows[1][name]) for name in rows[0])


def test_fine_tuning_for_no_epoch_answers_as_the_joint_model_to_the_bit(commands: Commands) -> None:
    assert commands("--finetune-epochs", "0") == 0
    found = commands.results()
    for task in BOTH:
        assert same(found[JOINT, "+".join(sorted(BOTH))], found[TUNED, task], task)
        assert found[TUNED, task].training.dev_scores == []
    assert not commands.unfinished.exists()


def test_fine_tuning_starts_from_the_joint_weights_and_trains_them(commands: Commands) -> None:
    assert commands() == 0
    assert commands.trained == [tuple(sorted(BOTH)), *((task,) for task in sorted(BOTH))]
    assert not commands.unfinished.exists()
    found = commands.results()
    for task in BOTH:
        assert not same(found[JOINT, "+".join(sorted(BOTH))], found[TUNED, task], task)
        assert found[TUNED, task].start == found[JOINT, "+".join(sorted(BOTH))].name
    assert commands() == 0
    assert commands.trained == []


def stop(at: str) -> Callable[[TrainSpec], None]:
    def act(spec: TrainSpec) -> None:
        if [task.name for task in spec.tasks] == [at]:
            raise KeyboardInterrupt

    return act


def test_a_command_that_dies_between_start_and_fine_tuning_does_not_train_the_start_again(commands: Commands) -> None:
    assert commands(results="whole") == 0
    commands.during = stop(sorted(BOTH)[1])
    assert commands() == 130
    assert len(commands.trained) == 3
    commands.during = lambda spec: None
    assert commands() == 0
    assert commands.trained == [(sorted(BOTH)[1],)]
    assert not commands.unfinished.exists()
    for task in BOTH:
        assert same(commands.results()[TUNED, task], commands.results("whole")[TUNED, task], task)


def test_a_start_whose_model_was_not_kept_is_trained_again_to_the_same_result(
    commands: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands() == 0
    before = commands.results()
    shutil.rmtree(next((commands.root / "results/runs").glob(f"*/{TUNED}/{SCORES}-*")))
    capsys.readouterr()
    assert commands() == 0
    assert commands.trained == [tuple(sorted(BOTH)), (SCORES,)]
    said = capsys.readouterr().err
    assert f"{JOINT} · 2 tasks · seed 0 again: its model is needed by 1 run and was not kept\n" in said
    after = commands.results()
    assert all(same(before[run], after[run], task) for run in before for task in before[run].tasks)


def test_a_kept_model_is_what_later_runs_start_from(commands: Commands) -> None:
    assert commands("--keep-models", baselines=(JOINT,)) == 0
    assert commands() == 0
    assert commands.trained == [(task,) for task in sorted(BOTH)]
    assert commands("--finetune-epochs", "2", "--keep-models") == 0
    assert commands.trained == [(task,) for task in sorted(BOTH)]
    assert len([*(commands.root / "results/models").glob("*/*/*/seed-0")]) == 3


def test_a_model_that_is_lost_on_the_way_is_one_sentence(
    commands: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing falls back to the encoder."""
    commands.after = lambda spec: [shutil.rmtree(path) for path in commands.unfinished.glob("starts/*/*/*/seed-0")]
    assert commands() == 2
    said = capsys.readouterr().err
    assert "the model that it starts from is gone: give the same command again" in said.splitlines()[-1]


def test_processes_start_from_what_others_have_left_to_the_same_bits(commands: Commands) -> None:
    """Two at once, of which none is the command's own."""
    assert commands(results="serial") == 0
    assert commands("--executor", "local", "--jobs", "2") == 0
    assert commands.trained == []
    assert not commands.unfinished.exists()
    serial, local = commands.results("serial"), commands.results()
    assert len(serial) == 3
    assert all(same(serial[run], local[run], task) for run in serial for task in serial[run].tasks)


def test_a_start_that_was_stored_without_its_model_goes_on_from_its_checkpoint(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What kills a command between the two costs no training."""
    with monkeypatch.context() as patch:
        patch.setattr(kept_models, "keep", killed)
        assert commands("--checkpoint-seconds", "0") == 130
    before = commands.results()
    assert [*before] == [(JOINT, "+".join(sorted(BOTH)))]
    found = []
    commands.during = lambda spec: found.append((spec.checkpoints / FILE).exists())
    assert commands("--checkpoint-seconds", "0") == 0
    assert found == [True, False, False]
    (run,) = before
    assert all(same(before[run], commands.results()[run], task) for task in BOTH)


def killed(*given: object) -> None:
    raise KeyboardInterrupt
