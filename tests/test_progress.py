"""How far a command is can be seen on a terminal and in a log, and neither drowns the reader."""

from __future__ import annotations

import re
import sys

import pytest

from bench import progress
from bench.progress import Progress


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


def test_a_terminal_gets_one_bar_with_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Progress(2.0) as shown:
        shown.finished(1.0, "first: 84.1")
        shown.finished(1.0, "second: 84.2")
    bar = capsys.readouterr().err
    assert "first: 84.1" in bar
    assert re.search(r"100% \|.{20}\| 00:0\d gone, 00:00 left", bar)


@pytest.mark.parametrize(("seconds", "words"), [(4.4, "4 s"), (125.0, "2 min"), (7500.0, "2 h 05 min")])
def test_times_are_written_for_people(seconds: float, words: str) -> None:
    assert progress.duration(seconds) == words
