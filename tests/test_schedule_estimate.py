"""A schedule on paper: no faster than the work and its longest chain allow, and no slower than Graham's bound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.runner.schedule_estimate import ScheduleEstimate, schedule

Runs = list[tuple[float, int | None]]


@st.composite
def grids(draw: st.DrawFn) -> Runs:
    """Runs that may wait for an earlier one, in any order."""
    seconds = draw(st.lists(st.floats(0.1, 1000), min_size=1, max_size=40))
    starts = [draw(st.none() | st.integers(0, index - 1)) if index else None for index in range(len(seconds))]
    places = draw(st.permutations(range(len(seconds))))
    runs: Runs = [(0.0, None)] * len(seconds)
    for index, place in enumerate(places):
        start = starts[index]
        runs[place] = (seconds[index], None if start is None else places[start])
    return runs


def longest_chain(runs: Runs) -> float:
    def until(index: int) -> float:
        seconds, start = runs[index]
        return seconds + (0.0 if start is None else until(start))

    return max(until(index) for index in range(len(runs)))


WORKERS = st.integers(1, 12)


@given(grids(), WORKERS)
def test_a_schedule_is_between_what_must_be_and_grahams_bound(runs: Runs, workers: int) -> None:
    total, chain = sum(seconds for seconds, _ in runs), longest_chain(runs)
    found = schedule(runs, workers).seconds
    assert found >= max(total / workers, chain) * (1 - 1e-9)
    assert found <= (total / workers + (1 - 1 / workers) * chain) * (1 + 1e-9)


@given(grids())
def test_one_worker_takes_the_sum_and_is_always_busy(runs: Runs) -> None:
    found = schedule(runs, 1)
    assert found.seconds == pytest.approx(found.run_seconds) == pytest.approx(sum(seconds for seconds, _ in runs))
    assert found.efficiency == pytest.approx(1)


@given(grids(), WORKERS)
def test_efficiency_is_the_busy_part_of_all_workers_time(runs: Runs, workers: int) -> None:
    found = schedule(runs, workers)
    assert 0 < found.efficiency <= 1
    assert found.efficiency == pytest.approx(found.run_seconds / workers / found.seconds)


@given(grids(), WORKERS)
def test_the_same_runs_have_the_same_schedule(runs: Runs, workers: int) -> None:
    assert schedule(runs, workers) == schedule(runs, workers)


@given(grids())
def test_as_many_workers_as_runs_take_the_longest_chain(runs: Runs) -> None:
    assert schedule(runs, len(runs)).seconds == pytest.approx(longest_chain(runs))


def test_the_longest_begin_first() -> None:
    """In the order given, or the shortest first, these take 9 and 8 seconds."""
    assert schedule([(2.0, None), (3.0, None), (2.0, None), (2.0, None), (5.0, None)], 2).seconds == 7


def test_a_run_for_which_many_wait_begins_before_a_longer_one() -> None:
    assert schedule([(3.0, None), (2.0, None), (4.0, 1)], 1).seconds == 9
    assert schedule([(3.0, None), (3.0, None), (2.0, None), (4.0, 2)], 2).seconds == 6


def test_nothing_to_do_takes_no_time() -> None:
    assert schedule([], 8) == ScheduleEstimate(0.0, 0.0, 8)
    assert schedule([], 8).efficiency == 1


def test_runs_that_wait_for_each_other_are_an_error() -> None:
    with pytest.raises(ValueError, match="circle"):
        schedule([(1.0, 1), (1.0, 0)], 2)
