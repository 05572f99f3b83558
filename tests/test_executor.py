"""Runs are done in processes of their own: one that dies takes no other with it, and none outlives its command."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import dying
from bench.runner import executor, slots
from bench.runner.events import Busy, Died, Ended, Event, Failed, Reached, Stored, Tell
from bench.runner.executor import Scheduler
from bench.runner.progress import Progress
from bench.runner.slots import Slots, shared_out
from bench.store import runs as store
from separate import finish, start
from small_bench import write_corpora

RESULT: Any = SimpleNamespace(tasks=(), scores={}, training=SimpleNamespace(train_seconds=1.0, peak_memory_bytes=None))


def planned(name: str, cost: float = 1.0, start: Any = None) -> Any:
    """As much of a planned run as a scheduler looks at."""
    named = SimpleNamespace(path=Path(name), start=start and start.name)
    baseline = SimpleNamespace(needs_encoder=cost > 0)
    return SimpleNamespace(name=named, run=SimpleNamespace(title=name, baseline=baseline), cost=cost)


class FakeStarts:
    """Which runs have been stored."""

    def __init__(self, runs: Sequence[Any]) -> None:
        self.due = [run.name for run in runs]

    def ready(self, run: Any) -> bool:
        return run.name.start not in self.due

    def finished(self, run: Any) -> None:
        self.due.remove(run.name)


class Scripted:
    """An executor that tells what is written for each run, an event a turn."""

    def __init__(self, script: dict[str, list[Event]], room: int = 1) -> None:
        self.script, self.room = script, room
        self.begun: list[tuple[str, bool]] = []
        self.under_way: dict[str, Tell] = {}
        self.stopped = self.closed = False
        self.before_turn: Callable[[], None] = lambda: None

    def has_room(self, run: Any, alone: bool) -> bool:
        return not self.under_way if alone else len(self.under_way) < self.room

    def is_busy(self) -> bool:
        return bool(self.under_way)

    def begin(self, run: Any, alone: bool, tell: Tell) -> None:
        self.begun.append((run.run.title, alone))
        self.under_way[run.run.title] = tell

    def wait(self, seconds: float) -> None:
        self.before_turn()
        for name in list(self.under_way):
            event = Ended() if self.stopped else self.script[name].pop(0) if self.script.get(name) else Stored(RESULT)
            tell = self.under_way[name] if isinstance(event, Reached) else self.under_way.pop(name)
            tell(event)

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        self.closed = True


def scheduled(executor: Scripted, *runs: Any) -> dict[str, str]:
    starts: Any = FakeStarts(runs)
    with Progress(10.0) as progress:
        return Scheduler(runs, starts, executor, progress).run()


def test_the_longest_run_begins_first_and_as_many_as_there_is_room_for() -> None:
    done = Scripted({}, room=2)
    assert scheduled(done, planned("short"), planned("long", 3.0), planned("middle", 2.0), planned("floor", 0.0)) == {}
    assert [name for name, _ in done.begun] == ["floor", "long", "middle", "short"]
    assert done.closed


def test_a_run_begins_after_the_run_that_it_starts_from() -> None:
    done, start = Scripted({}, room=2), planned("start")
    assert scheduled(done, planned("b", 9.0, start), planned("c", 8.0, start), start) == {}
    assert [name for name, _ in done.begun] == ["start", "b", "c"]


def test_a_run_that_is_left_leaves_what_starts_from_it() -> None:
    first = planned("first")
    second = planned("second", start=first)
    done = Scripted({"first": [Failed("it diverged")]})
    assert scheduled(done, first, second, planned("third", start=second), planned("other")) == {
        "first": "it diverged",
        "second": "it starts from first, which is left",
        "third": "it starts from second, which is left",
    }
    assert [name for name, _ in done.begun] == ["first", "other"]


def test_a_run_that_dies_is_tried_again_once_and_then_left_and_the_others_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = Scripted({"a": [Died("killed"), Died("killed")], "b": [Died("crashed")]})
    assert scheduled(done, planned("a"), planned("b")) == {"a": "killed, 2 times"}
    assert sorted(name for name, _ in done.begun) == ["a", "a", "b", "b"]
    lines = capsys.readouterr().err.splitlines()
    assert "a: killed: it is tried again from its checkpoint" in lines
    assert "a is left: killed, 2 times" in lines


def test_a_run_whose_machine_is_lost_is_not_to_blame() -> None:
    done = Scripted({"a": [Died("its node was lost", blameless=True)] * 5})
    assert scheduled(done, planned("a")) == {}
    assert len(done.begun) == 6
    done = Scripted({"a": [Died("its node was lost", blameless=True)] * 50})
    assert scheduled(done, planned("a"), planned("b")) == {"a": "its node was lost, 20 times"}


def test_a_run_that_may_have_lacked_memory_is_tried_again_with_nothing_beside_it() -> None:
    done = Scripted({"a": [Died("killed", alone=True)], "b": [Reached(0.1, "")] * 3}, room=2)
    assert scheduled(done, planned("a", 3.0), planned("b", 2.0), planned("c")) == {}
    assert done.begun == [("a", False), ("b", False), ("c", False), ("a", True)]


def test_a_run_that_cannot_be_done_is_not_tried_again() -> None:
    done = Scripted({"a": [Failed("it diverged")]})
    assert scheduled(done, planned("a"), planned("b")) == {"a": "it diverged"}
    assert len(done.begun) == 2


def test_a_run_that_another_command_is_at_is_looked_after_until_it_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(executor, "WAIT_SECONDS", 0.0)
    done = Scripted({"a": [Busy(), Busy()]})
    assert scheduled(done, planned("a"), planned("b", 2.0)) == {}
    assert [name for name, _ in done.begun] == ["b", "a", "a", "a"]


def test_an_error_of_the_system_stops_all_runs_at_their_checkpoints() -> None:
    """A full disk is full for all of them."""
    full = OSError(errno.ENOSPC, "No space left on device")
    done = Scripted({"a": [Failed("full", full)], "b": [Reached(0.1, "")] * 9}, room=2)
    with pytest.raises(OSError, match="No space left"):
        scheduled(done, planned("a", 2.0), planned("b"), planned("c"))
    assert done.stopped
    assert done.closed
    assert not done.under_way


def test_ctrl_c_asks_all_runs_for_their_checkpoints_and_waits_and_a_second_one_does_not() -> None:
    for presses in (1, 2):
        done, pressed = Scripted({"a": [Reached(0.1, "")] * 9}), 0

        def press(presses: int = presses) -> None:
            nonlocal pressed
            if pressed < presses:
                pressed += 1
                raise KeyboardInterrupt

        done.before_turn = press
        with pytest.raises(KeyboardInterrupt):
            scheduled(done, planned("a"), planned("b"))
        assert (done.stopped, done.closed, len(done.under_way)) == (True, True, presses - 1)


def test_jobs_share_a_processor_evenly() -> None:
    three = Slots(3)
    for run in range(3):
        assert three.device(None, alone=False) == 0
        three.take(run, 0, None, alone=False)
    assert three.device(None, alone=False) is None
    three.leave(1)
    assert three.device(None, alone=False) == 0
    assert three.device(None, alone=True) is None


def test_a_gpu_takes_one_run_until_its_peak_memory_is_measured_and_then_as_many_as_fit() -> None:
    gib = 2**30
    two = Slots(None, [40 * gib, 80 * gib])
    two.take("first", 0, None, alone=False)
    assert two.device(None, alone=False) == 1
    two.take("second", 1, 30 * gib, alone=False)
    assert two.device(30 * gib, alone=False) == 1
    assert two.device(50 * gib, alone=False) is None
    assert two.device(None, alone=False) is None
    two.leave("first")
    two.leave("second")
    two.take("alone", 0, 1, alone=True)
    assert two.device(1, alone=False) is None


def test_runs_that_are_asked_for_share_gpus_whatever_they_take() -> None:
    four = Slots(4, [1, 1])
    taken = []
    while (device := four.device(None, alone=False)) is not None:
        four.take(len(taken), device, None, alone=False)
        taken.append(device)
    assert sorted(taken) == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("asked", "usual", "shared"),
    [
        ((20, None, None), "", (8, 1)),
        ((2, None, None), "", (2, 4)),
        ((1, None, None), "", (1, 8)),
        ((20, 3, None), "", (3, 2)),
        ((20, None, 4), "", (2, 4)),
        ((20, None, None), "2", (4, 2)),
        ((20, 16, None), "", (16, 1)),
    ],
)
def test_runs_and_threads_share_the_cores(
    monkeypatch: pytest.MonkeyPatch, asked: tuple[int, int | None, int | None], usual: str, shared: tuple[int, int]
) -> None:
    monkeypatch.setattr(slots, "cores", lambda: 8)
    monkeypatch.setattr(slots, "_memory_bytes", lambda: 2**40)
    monkeypatch.setenv("OMP_NUM_THREADS", usual)
    trainings, jobs, threads = asked
    assert shared_out(trainings, 10**8, jobs, threads) == shared


def test_no_more_runs_at_once_than_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "cores", lambda: 8)
    monkeypatch.setattr(slots, "_memory_bytes", lambda: 16 * 2**30)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert shared_out(20, 440 * 10**6, None, None) == (3, 2)


class Command:
    """`bench run` with the baseline that dies, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_corpora(folder / "data")
        dying.install(folder / "plugin")

    def start(self, *seeds: int) -> subprocess.Popen[str]:
        words = "-m bench run --data data --tasks mednli --baselines dying --encoder minilm --seeds".split()
        return start([*words, *map(str, seeds)], self.folder, self.folder / "plugin")

    def done(self) -> list[int]:
        return sorted(result.seed for result in store.read_all(self.folder / "results"))

    def left(self, name: str) -> list[Path]:
        return sorted((self.folder / "results" / store.UNFINISHED).glob(f"*/*/*/*/{name}"))

    def wait_for(self, name: str) -> Path:
        end = time.monotonic() + 60
        while not self.left(name):
            assert time.monotonic() < end
            time.sleep(0.01)
        return self.left(name)[0]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_runs_that_die_are_told_and_missing_and_all_others_are_done(command: Command) -> None:
    said = finish(command.start(dying.FINE, dying.KILLED, dying.CRASHED_ONCE, dying.WRONG))
    assert said.returncode == 2, said.stderr
    assert command.done() == [dying.FINE, dying.CRASHED_ONCE]
    lines = said.stderr.splitlines()
    killed = "its process was killed, as it is where memory is short"
    again = "it is tried again from its checkpoint"
    assert f"dying · mednli · seed 1: {killed}: {again}, with no other run beside it" in lines
    assert f"dying · mednli · seed 1 is left: {killed}, 2 times" in lines
    assert f"dying · mednli · seed 2: its process ended with SIGSEGV: {again}" in lines
    assert lines[-1].startswith("error: 2 of 4 runs are missing, the same command tries again: dying · mednli · seed ")
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_keeps_the_checkpoint_of_each_run(command: Command, number: signal.Signals) -> None:
    """As a terminal sends Ctrl-C, and a cluster's scheduler SIGTERM."""
    process = command.start(dying.WAITS)
    command.wait_for("begun")
    time.sleep(0.2)
    os.killpg(process.pid, number)
    said = finish(process)
    assert said.returncode == 128 + number
    assert "stopping: each run keeps its checkpoint first" in said.stderr
    assert command.left("kept")


def test_no_process_outlives_its_command_however_that_ends(command: Command) -> None:
    process = command.start(dying.WAITS)
    command.wait_for("begun")
    time.sleep(0.2)
    group = os.getpgid(process.pid)
    process.kill()
    process.communicate()
    end = time.monotonic() + 30
    while True:  # The signal 0 finds whether there is any process of the group.
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            break
        assert time.monotonic() < end, "a process is left"
        time.sleep(0.05)
    assert not command.left("kept")
