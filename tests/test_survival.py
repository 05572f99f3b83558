"""A run killed at any moment goes on, and ends with what one never killed ends with, to the bit."""

from __future__ import annotations

import io
import json
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from baselines.core import hub
from baselines.core.checkpoint import FILE, TrainProgress, TrainState, _digest, load, save
from bench.cli import main as cli
from bench.store import runs as store
from bench.store.names import tasks_label
from separate import finish, start
from tasks.core.errors import InputError

TASKS = ("n2c2_2019", "i2b2_2012")
COMPARED = f"--tasks {' '.join(TASKS)} --baselines majority multitask --scale 0.1 --checkpoint-seconds 0".split()
SMALL = "--span-batch 2 --pair-batch 2 --max-length 64 --pair-max-length 64 --precision float32".split()
RATES = "--encoder-lr 2e-3 --head-lr 1e-2".split()
COMMAND = ["run", *COMPARED, *SMALL, *RATES, "--encoder", "encoder"]

SECONDS_BEFORE = 1000.0
"""Written into the checkpoint of the stopped training as the time it took so far: only who goes on from it has it."""


@dataclass(frozen=True)
class Story:
    """A run that is never stopped, and the same one stopped by Ctrl-C, then killed, then left to its end.

    What is stopped and killed are processes of their own; the rest is done in this one, which has torch at hand.
    """

    folder: Path
    said: dict[str, subprocess.CompletedProcess[str]]
    before: dict[Path, int]
    left: dict[str, dict[str, Any]]

    def result(self, name: str) -> store.Result:
        """The result of the multitask training in a results folder."""
        (found,) = (one for one in store.read_all(self.folder / name) if one.baseline == "multitask")
        return found


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Iterator[Story]:
    told = Story(tmp_path_factory.mktemp("survival"), {}, {}, {})
    shutil.copytree(tiny_encoder, told.folder / "encoder")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(told.folder)
        patched.setenv("BENCH_CACHE", str(told.folder / "cache"))
        patched.setattr("bench.report.files.publish", lambda results: None)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        cut_short(told, "stopped", signal.SIGINT, 0)
        mark(told.folder / "cut")
        cut_short(told, "killed", signal.SIGKILL, told.left["stopped"]["updates"])
        told.said["resumed"] = here("--results", "cut", "--epochs", "2")
        told.said["whole"] = here("--results", "whole", "--epochs", "2")
        told.before.update(times(told.folder / "whole"))
        told.said["again"] = here("--results", "whole", "--epochs", "2")
        told.said["other"] = here("--results", "whole", "--epochs", "3", "--checkpoint-seconds", "7", "--dry-run")
        torch.set_num_threads(threads)
        yield told


def here(*words: str) -> subprocess.CompletedProcess[str]:
    """What the command says, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = cli.main([*COMMAND, *words])
    return subprocess.CompletedProcess(words, status, out.getvalue(), err.getvalue())


def cut_short(story: Story, name: str, number: signal.Signals, after: int) -> None:
    """Sends a signal to the command in a process of its own when it has come further than so many updates."""
    process = start(["-m", "bench", *COMMAND, "--results", "cut", "--epochs", "2"], story.folder)
    while process.poll() is None and progress(story.folder / "cut")["updates"] <= after:
        time.sleep(0.005)
    process.send_signal(number)
    story.said[name], story.left[name] = finish(process), progress(story.folder / "cut")


def times(results: Path) -> dict[Path, int]:
    """When each file of finished runs was written."""
    return {path: path.stat().st_mtime_ns for path in (results / store.RUNS).rglob("*")}


def state(results: Path) -> Path:
    """The checkpoint of the multitask training, if there is one."""
    folder = f"demo+x0.1-encoder-{hub.digest(results.parent / 'encoder')[:8]}"
    return results / store.UNFINISHED / folder / "multitask" / tasks_label(TASKS) / "seed-0" / FILE


def header(path: Path) -> tuple[dict[str, Any], bytes]:
    """The header of a safetensors file, and what stands behind it."""
    data = path.read_bytes()
    end = 8 + struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:end]), data[end:]


def progress(results: Path) -> dict[str, Any]:
    """How far the training that is under way had come at its last checkpoint."""
    try:
        found = json.loads(header(state(results))[0]["__metadata__"]["progress"])
    except FileNotFoundError:
        return {"updates": 0}
    assert isinstance(found, dict)
    return found


def mark(results: Path) -> None:
    """Write SECONDS_BEFORE into the checkpoint."""
    now = progress(results)
    now["stats"]["train_seconds"] = SECONDS_BEFORE
    head, tensors = header(state(results))
    stored = {"progress": json.dumps(now), "digest": _digest(load_file(state(results)), json.dumps(now))}
    text = json.dumps(head | {"__metadata__": stored}).encode()
    text += b" " * (-len(text) % 8)
    state(results).write_bytes(struct.pack("<Q", len(text)) + text + tensors)


def test_ctrl_c_stops_with_one_sentence_and_keeps_what_is_finished(story: Story) -> None:
    stopped = story.said["stopped"]
    assert stopped.returncode == 130, stopped.stderr
    assert stopped.stderr.endswith("stopped; what is finished is kept; the same command goes on\n")
    assert "Traceback" not in stopped.stderr
    assert story.left["stopped"]["updates"] > 0


def test_a_stopped_and_killed_run_goes_on_from_its_last_checkpoint(story: Story) -> None:
    killed, resumed = story.said["killed"], story.said["resumed"]
    assert killed.returncode == -signal.SIGKILL
    assert "3 runs, 2 done, 1 to do" in killed.stderr
    assert story.left["killed"]["updates"] > story.left["stopped"]["updates"]
    assert resumed.returncode == 0, resumed.stderr
    assert SECONDS_BEFORE < story.result("cut").training.train_seconds < 2 * SECONDS_BEFORE
    assert not (story.folder / "cut" / store.UNFINISHED).exists()


def test_it_ends_with_the_very_same_result(story: Story) -> None:
    assert story.said["whole"].returncode == 0, story.said["whole"].stderr
    whole, cut = (story.result(name) for name in ("whole", "cut"))
    assert cut.scores == whole.scores
    assert cut.fingerprints == whole.fingerprints
    measured = {"train_seconds": 0.0, "dev_seconds": 0.0, "peak_memory_bytes": None}
    assert replace(cut.training, **measured) == replace(whole.training, **measured)
    assert len(whole.training.dev_scores) == 2


def test_it_ends_with_the_very_same_evidence_and_answers(story: Story) -> None:
    whole, cut = (story.result(name) for name in ("whole", "cut"))
    assert whole.folder is not None
    assert cut.folder is not None
    for task in whole.tasks:
        one, other = (store.read_evidence(each, task) for each in (whole, cut))
        assert np.array_equal(one.ids, other.ids)
        assert one.rows.keys() == other.rows.keys()
        assert all(np.array_equal(one.rows[name], other.rows[name]) for name in one.rows)
        answers = Path("answers", f"{task}.jsonl")
        assert (whole.folder / answers).read_bytes() == (cut.folder / answers).read_bytes()
    # Scores of similarity show the last bit of a model; were they all alike, there were nothing that could differ.
    scores = [
        json.loads(line)["answer"] for line in (whole.folder / "answers/n2c2_2019.jsonl").read_text().splitlines()
    ]
    assert len(set(scores)) > len(scores) / 2


def test_the_same_command_does_nothing_once_all_is_done(story: Story) -> None:
    again = story.said["again"]
    assert again.returncode == 0, again.stderr
    assert again.stderr.startswith("3 runs, 3 done, 0 to do\nresults are in ")
    assert story.before == times(story.folder / "whole")


def test_other_epochs_are_a_reason_to_repeat_a_run_and_how_often_it_is_kept_is_none(story: Story) -> None:
    lines = story.said["other"].stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["done", "done", "changed"]
    assert lines[2].endswith("multitask · 2 tasks · seed 0: the settings changed: epochs 2 -> 3")


def test_the_state_of_another_model_is_one_sentence(tmp_path: Path) -> None:
    """What lies in the unfinished folder may have come from anywhere."""

    def training(width: int) -> TrainState:
        model = nn.Linear(width, 2)
        return TrainState(model, torch.optim.AdamW(model.parameters()), {}, TrainProgress())

    save(tmp_path, training(2))
    load(tmp_path, training(2))
    with pytest.raises(InputError, match=r"is of another training .*: delete it and run again"):
        load(tmp_path, training(3))
