"""A finished run is never repeated without a reason, an unfinished one goes on, and no text reaches the results."""

from __future__ import annotations

import errno
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines.core.baseline import TrainSpec
from bench.runner import corpora
from bench.store import runs as store
from bench.store import strict_json
from bench.store.checksums import write_checksums
from bench.store.locks import lock
from small_bench import DURING, TRAININGS
from tasks.core.errors import InputError

Bench = Callable[..., int]


def trained() -> list[tuple[str, ...]]:
    """The tasks of each training since it was asked last."""
    asked = [tuple(task.name for task in job.tasks) for job in TRAININGS]
    TRAININGS.clear()
    return asked


def results(tmp_path: Path) -> list[store.Result]:
    return store.read_all(tmp_path / "results")


def test_a_joint_baseline_trains_all_tasks_at_once_and_another_each_alone(bench: Bench, tmp_path: Path) -> None:
    assert bench(baselines=("alone", "together")) == 0
    assert trained() == [("mednli", "quaero_2014"), ("mednli",), ("quaero_2014",)]
    assert [result.label for result in results(tmp_path)] == ["mednli", "quaero_2014", "mednli+quaero_2014"]


def test_a_finished_run_is_not_repeated(bench: Bench, tmp_path: Path) -> None:
    bench()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "results" / "runs").rglob("*")}
    trained()
    assert bench() == 0
    assert trained() == []
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "results" / "runs").rglob("*")}


@pytest.mark.parametrize("stamp", [b'["of another seed"]', b"\xff", None])
def test_what_lies_unfinished_of_another_run_is_removed_and_said(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str], stamp: bytes | None
) -> None:
    """Copied there from another seed, or damaged: to go on from it would give weights that no seed gives."""
    folder = tmp_path / "results/unfinished/official-minilm/alone/mednli/seed-0"
    folder.mkdir(parents=True)
    (folder / "state.safetensors").write_bytes(b"of another")
    if stamp is not None:
        (folder / "run.json").write_bytes(stamp)
    DURING.append(lambda job: said.append((job.checkpoints / "state.safetensors").exists()))
    said: list[bool] = []
    assert bench("--tasks", "mednli") == 0
    assert said == [False]
    assert "alone · mednli · seed 0: begun anew: the unfinished one is of other settings" in capsys.readouterr().err


def test_changed_settings_repeat_a_run_and_say_why(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench("--epochs", "6")
    trained()
    bench("--epochs", "6", "mednli=8")
    assert trained() == [("mednli",)]
    assert "again: the settings changed: epochs 6 -> 8" in capsys.readouterr().err


def test_another_schedule_is_another_arm(bench: Bench, tmp_path: Path) -> None:
    bench(baselines=("together",))
    bench("--schedule", "loss_sum", baselines=("together",))
    assert {result.arm for result in results(tmp_path)} == {"together", "together-loss_sum"}


def test_another_span_head_is_another_comparison(bench: Bench, tmp_path: Path) -> None:
    """With its own floor and its own single-task arm beside it; what was there stays."""
    bench(baselines=("together",))
    bench("--span-head", "nested", baselines=("together",))
    found = {(one.name.path.parts[0], one.settings.span_head) for one in results(tmp_path)}
    assert found == {("official-minilm", "flat"), ("official-minilm+nested", "nested")}


def test_encoders_of_one_name_have_results_of_their_own(bench: Bench, tmp_path: Path) -> None:
    """Every checkpoint lies in a folder checkpoint-500, every kept model in seed-0: their files tell them apart."""
    for number, letter in enumerate("aab"):
        folder = tmp_path / str(number) / "checkpoint-500"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_text(letter)
        assert bench("--tasks", "mednli", "--encoder", str(folder)) == 0
    for hub_id in ("owner/checkpoint-500", "other/checkpoint-500"):
        assert bench("--tasks", "mednli", "--encoder", hub_id) == 0
    labels = [one.name.comparison for one in results(tmp_path)]
    assert len(labels) == len({*labels}) == 4
    assert all(re.fullmatch("official-(owner-|other-)?checkpoint-500-[0-9a-f]{8}", one) for one in labels)


def test_a_passing_error_of_the_system_repeats_no_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With too few file handles a good result is not called damaged: the command ends, and nothing is trained."""
    bench("--tasks", "mednli")
    trained()
    opened = Path.open

    def exhausted(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.name == "mednli.npz":
            raise OSError(errno.EMFILE, "Too many open files", str(path))
        return opened(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", exhausted)
    assert bench("--tasks", "mednli") == 2
    assert trained() == []
    assert "Too many open files" in capsys.readouterr().err


def test_a_changed_corpus_repeats_its_runs_alone(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench()
    trained()
    file = tmp_path / "data" / "mli_test_v1.jsonl"
    file.write_text(file.read_text().replace("It was.", "It is."))
    bench()
    assert trained() == [("mednli",)]
    assert "again: the corpus of mednli changed" in capsys.readouterr().err


def test_a_damaged_result_is_made_anew(bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench()
    trained()
    (path,) = (tmp_path / "results").glob("runs/*/*/mednli/*/result.json")
    path.write_text(path.read_text()[:200])
    assert bench() == 0
    assert trained() == [("mednli",)]
    assert "not a finished result" in capsys.readouterr().err
    assert len(results(tmp_path)) == 2


@pytest.mark.parametrize("older", [1, 3])
def test_a_result_of_an_older_format_is_told_as_that_and_made_anew(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str], older: int
) -> None:
    """It is not damaged; results of format 1 had no checksums."""
    bench("--tasks", "mednli")
    trained()
    (path,) = (tmp_path / "results").glob("runs/*/*/mednli/*/result.json")
    path.write_text(path.read_text().replace('"format": 4', f'"format": {older}').replace("test_seconds", "tested"))
    (path.parent / "SHA256SUMS").unlink()
    if older > 1:
        write_checksums(path.parent)
    assert results(tmp_path) == []
    told = f"{path}: it is of an older format ({older}, not 4): run the same command again to make it anew"
    assert capsys.readouterr().err.splitlines()[-1] == f"warning: {told}"
    assert bench("--tasks", "mednli") == 0
    assert f"alone · mednli · seed 0 again: {told}" in capsys.readouterr().err
    assert trained() == [("mednli",)]
    assert len(results(tmp_path)) == 1


def stop(error: BaseException, at: str) -> Callable[[TrainSpec], None]:
    def act(job: TrainSpec) -> None:
        if job.tasks[0].name == at:
            (job.checkpoints / "state").write_text("half done")
            raise error

    return act


def test_what_is_finished_is_kept_when_stopped_and_the_rest_goes_on(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    DURING.append(stop(KeyboardInterrupt(), "quaero_2014"))
    assert bench() == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert [result.label for result in results(tmp_path)] == ["mednli"]
    trained()
    left = []
    DURING[:] = [lambda job: left.append((job.checkpoints / "state").read_text())]
    assert bench() == 0
    assert (trained(), left) == ([("quaero_2014",)], ["half done"])
    assert not (tmp_path / "results" / "unfinished").exists()


def test_a_checkpoint_of_other_settings_is_thrown_away(bench: Bench) -> None:
    DURING.append(stop(KeyboardInterrupt(), "mednli"))
    bench()
    left = []
    DURING[:] = [lambda job: left.append((job.checkpoints / "state").exists())]
    bench("--epochs", "9")
    assert not any(left)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (InputError("x.jsonl, line 3: no pair"), "x.jsonl, line 3: no pair"),
    ],
)
def test_an_error_in_the_middle_is_one_sentence_and_leaves_what_is_finished(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception, words: str
) -> None:
    DURING.append(stop(error, "quaero_2014"))
    assert bench() == 2
    said = capsys.readouterr().err
    assert words in said.splitlines()[-1]
    assert "Traceback" not in said
    assert [result.label for result in results(tmp_path)] == ["mednli"]


def test_a_disk_that_fills_while_a_result_is_stored_leaves_the_older_one(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench("--tasks", "mednli")
    before = results(tmp_path)

    def full(*arguments: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    assert bench("--tasks", "mednli", "--epochs", "9") == 2
    assert results(tmp_path) == before


def test_training_cannot_read_the_test_split(bench: Bench) -> None:
    seen: list[str] = []

    def peek(job: TrainSpec) -> None:
        with pytest.raises(ValueError, match="may read train and dev"):
            job.examples(job.tasks[0], "test")
        seen.append("refused")

    DURING.append(peek)
    assert bench() == 0
    assert len(seen) == 2


def test_the_test_split_is_read_once_and_after_training(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    stream = corpora.Corpora.stream

    def spy(self: corpora.Corpora, task: Any, split: str, fraction: float) -> Iterator[Any]:
        events.append(split)
        return stream(self, task, split, fraction)

    monkeypatch.setattr(corpora.Corpora, "stream", spy)
    DURING.append(lambda job: events.append("training"))
    bench("--tasks", "mednli")
    assert events.count("test") == 1
    assert events.index("test") > events.index("training")


def test_a_result_holds_its_evidence_and_answers_for_every_test_example(bench: Bench, tmp_path: Path) -> None:
    bench(baselines=("together",))
    (result,) = results(tmp_path)
    assert result.folder is not None
    assert result.scores["mednli"].metrics[0].value == 0.25
    assert result.scores["quaero_2014"].ceiling is None  # What has no encoder has no tags.
    assert result.scores["mednli"].examples == {"train": 4, "dev": 4, "test": 4}
    evidence = store.read_evidence(result, "mednli")
    assert evidence.rows["accuracy"].sum(axis=0).tolist() == [1, 4]
    lines = (result.folder / "answers" / "quaero_2014.jsonl").read_text().splitlines()
    first = json.loads(lines[0])
    assert first["answer"] == [["ANAT", [[0, 3]]]]
    assert first["id"] == store.read_evidence(result, "quaero_2014").ids[0]


def test_a_dry_run_trains_and_writes_nothing(bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("--dry-run", "--seeds", "0", "1") == 0
    assert trained() == []
    assert not (tmp_path / "results").exists()
    assert "4 runs, 0 done, 4 to do" in capsys.readouterr().out


@pytest.mark.parametrize(("gives_up", "status"), [(False, 0), (True, 130)])
def test_two_commands_share_the_work_and_each_ends_when_all_of_it_is_done(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gives_up: bool, status: int
) -> None:
    """The second waits for the run that the first is at, and does it itself where the first gives it up."""
    monkeypatch.setattr("bench.runner.executor.WAIT_SECONDS", 0.01)
    monkeypatch.setattr("bench.runner.progress.LINE_SECONDS", 0.0)
    with ThreadPoolExecutor() as pool:

        def meanwhile(job: TrainSpec) -> None:
            if len(TRAININGS) == 1:
                second.append(pool.submit(bench))
                while len(TRAININGS) < 2:
                    time.sleep(0.01)
                if gives_up:
                    raise KeyboardInterrupt

        second: list[Future[int]] = []
        DURING.append(meanwhile)
        assert bench() == status
        assert second[0].result(60) == 0
    assert trained() == [("mednli",), ("quaero_2014",), *([("mednli",)] if gives_up else [])]
    assert [one.label for one in results(tmp_path)] == ["mednli", "quaero_2014"]
    assert not (tmp_path / "results" / "unfinished").exists()


@pytest.mark.parametrize("same", [True, False], ids=["finished", "to be done"])
def test_what_a_killed_run_left_goes_once_its_result_is_there(bench: Bench, tmp_path: Path, same: bool) -> None:
    """A lock always, half of a write, and a checkpoint unless it is one on the way to another result."""
    assert bench("--tasks", "mednli") == 0
    (result,) = results(tmp_path)
    left = tmp_path / "results" / "unfinished" / result.name.path
    left.mkdir(parents=True)
    wanted = result.fingerprints if same else replace(result.fingerprints, settings="0" * 64)
    (left / "run.json").write_text(strict_json.dumps([result.name, wanted]))
    left.with_name(f"{left.name}.lock").touch()
    assert result.folder is not None
    for part in ("runs", "models"):
        for word in ("new", "old"):
            place = tmp_path / "results" / part / result.name.path
            (place.with_name(f".{left.name}.{word}") / "evidence").mkdir(parents=True)
        place.mkdir(exist_ok=True)
    (place.with_name(".seed-7.old")).mkdir()  # All that there is of it.
    assert bench("--tasks", "quaero_2014") == 0
    remaining = {path.name for path in (tmp_path / "results").glob("unfinished/*/*/*/*")}
    assert remaining == (set() if same else {left.name})
    assert (tmp_path / "results" / "unfinished").exists() is not same
    assert [path.name for path in (tmp_path / "results").rglob(".*")] == [".seed-7.old"]


def test_the_lock_of_a_killed_process_holds_nobody_up(tmp_path: Path) -> None:
    """Held by a process that is killed, and found by the next one where it lay."""
    file = tmp_path / "unfinished" / "seed-0.lock"
    code = f"import time, pathlib; from bench.store.locks import lock\nwith lock(pathlib.Path({str(file)!r})) as got:\n"
    code += " print(got, flush=True)\n time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        with lock(file) as acquired:
            assert not acquired
        assert file.exists()
        holder.kill()
    assert file.exists()
    with lock(file) as acquired:
        assert acquired
    assert not file.exists()


def test_a_file_system_without_locks_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with lock(tmp_path / "seed-0.lock") as acquired, lock(tmp_path / "seed-1.lock", blocking=True) as waited:
        assert acquired
        assert waited
