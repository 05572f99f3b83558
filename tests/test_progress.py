"""How far a command is can be seen on a terminal and in a log, and neither drowns the reader."""

from __future__ import annotations

import re
import sys

import pytest

from bench.runner import progress
from bench.runner.progress import Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that is set by hand."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_every_ten_seconds_and_one_for_each_finished_run(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(200.0) as shown:
        for step in range(1, 101):
            clock[0] = step / 4
            shown.reached(100.0, step / 100, "round 1")
        shown.finished(100.0, "first: 84.1")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [" 20% · 40 s left · round 1", " 40% · 30 s left · round 1", "first: 84.1"]


def test_the_time_left_is_that_of_warm_training(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a floor that is counted at once, nor the reading of files, nor the first slow steps, nor a checkpoint
    that a run goes on from says how fast training is; until something does, no number is given."""
    with Progress(400.0) as shown:
        shown.reached(1.0, 0.97, "counted")
        shown.finished(1.0, "floor")
        clock[0] = 30.0  # Files were read.
        shown.reached(100.0, 0.5, "checkpoint")
        clock[0] = 34.0  # A slow first step.
        shown.reached(100.0, 0.51, "slow")
        for step in range(1, 40):
            clock[0] = 34.0 + step
            shown.reached(100.0, 0.51 + step / 100, "warm")
    lines = capsys.readouterr().err.splitlines()
    assert lines[1:3] == [" 13% · some time left · checkpoint", " 15% · 6 min left · warm"]
    assert lines[-1] == " 22% · 5 min left · warm"


def test_runs_too_short_to_get_warm_are_measured_too(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(100.0) as shown:
        for run in range(12):
            clock[0] = float(run)
            shown.reached(1.0, 0.5, "half")
            shown.reached(1.0, 0.9, "most")
            shown.finished(1.0, "done")
        clock[0] = 12.0
        shown.reached(1.0, 0.5, "half")
    assert " 10% · 94 s left · half" in capsys.readouterr().err


def test_what_was_not_done_here_says_nothing_of_the_time_left(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """One a second, which a run that another process did makes no faster."""
    with Progress(400.0) as shown:
        for second in range(1, 101):
            clock[0] = float(second)
            shown.reached(100.0, second / 100, "first")
        shown.finished(100.0, "first")
        shown.reached(0.0, 0.0, "waiting for another process")
        shown.finished(100.0, "done by another process")
        for second in range(1, 31):
            clock[0] = 100.0 + second
            shown.reached(100.0, second / 100, "last")
    assert capsys.readouterr().err.splitlines()[-1] == " 57% · 3 min left · last"


def test_a_terminal_gets_one_bar_with_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Progress(2.0) as shown:
        shown.finished(1.0, "first: 84.1")
        shown.finished(1.0, "second: 84.2")
    bar = capsys.readouterr().err
    assert "first: 84.1" in bar
    assert re.search(r"100% \|.{20}\| 00:0\d gone, 0 s left", bar)


@pytest.mark.parametrize(("seconds", "words"), [(4.4, "4 s"), (125.0, "2 min"), (7500.0, "2 h 05 min")])
def test_times_are_written_for_people(seconds: float, words: str) -> None:
    assert progress.duration(seconds) == words
