"""Threads that wait spin while the cores are free and sleep while they are not, unless the user has chosen."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import measure_spin
import spin_record
from bench.runner import openmp
from bench.runner.openmp import BUSY_SHARE, CALM_LOOKS, CHOICES, LOOK_SECONDS, SPINS, bound_spinning
from bench.store.environment import environment
from measure_spin import SpinArm, SpinTraining
from separate import finish, start
from small_bench import write_corpora
from spin_record import AS_IT_COMES, ONE_THREAD, PASSIVE, WATCHED, SpinCell, SpinRecord

libgomp = pytest.mark.skipif(openmp._libgomp() is None, reason="torch has another OpenMP library here")
TRAINING = "--epochs 1 --span-batch 2 --pair-batch 2 --max-length 32 --pair-max-length 32 --precision float32"


@pytest.mark.parametrize("choice", CHOICES)
def test_a_user_s_choice_of_how_threads_wait_is_kept(choice: str) -> None:
    chosen = {choice: "7", "OMP_NUM_THREADS": "2"}
    variables = dict(chosen)
    bound_spinning(variables)
    assert variables == chosen
    bound_spinning(unset := {"OMP_NUM_THREADS": "2"})
    assert unset == {"OMP_NUM_THREADS": "2", "GOMP_SPINCOUNT": str(SPINS)}


@libgomp
@pytest.mark.parametrize(
    ("command", "processes", "chosen", "spins"),
    [
        ("run --baselines single_task --tasks mednli --encoder {encoder} " + TRAINING, 1, {}, SPINS),
        ("speed training --task mednli --encoder {encoder} --examples 2 --rounds 1 --batch 2", 2, {}, SPINS),
        ("speed training --task mednli --encoder missing", 1, {"OMP_WAIT_POLICY": "PASSIVE"}, 0),
        ("speed training --task mednli --encoder missing", 1, {"GOMP_SPINCOUNT": "77"}, 77),
    ],
)
def test_torch_s_library_has_read_it_in_every_process(
    command: str, processes: int, chosen: dict[str, str], spins: int, tiny_encoder: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It says itself how often it spins, when it is loaded."""
    for name in CHOICES:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**chosen, "OMP_DISPLAY_ENV": "verbose"}.items():
        monkeypatch.setenv(name, value)
    write_corpora(tmp_path / "data")
    words = command.format(encoder=tiny_encoder).split()
    done = finish(start(["-m", "bench", *words, "--data", "data", "--results", "results"], tmp_path))
    assert done.returncode == (2 if "missing" in words else 0), done.stderr
    found = re.findall(r"GOMP_SPINCOUNT = '(\d+)'", done.stderr)
    assert len(found) >= processes
    assert set(found) == {str(spins)}


def looks(monkeypatch: pytest.MonkeyPatch, shares: list[float]) -> list[str]:
    """What the watch does at looks between which the threads were without a core for these shares of the time."""
    done: list[str] = []

    @contextmanager
    def short_spins(library: object) -> Iterator[None]:
        done.append("short")
        yield
        done.append("long")

    def wait(seconds: float) -> bool:
        clock.now += seconds
        if clock.look < len(shares):
            clock.without += shares[clock.look] * seconds
            done.append(str(clock.look))
        clock.look += 1
        return bool(clock.look > len(shares))

    clock = SimpleNamespace(now=0.0, without=0.0, look=0)
    monkeypatch.setattr(openmp, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    monkeypatch.setattr(openmp, "_seconds_without_core", lambda: clock.without)
    monkeypatch.setattr(openmp, "_libgomp", lambda: "a library")
    monkeypatch.setattr(openmp, "_short_spins", short_spins)
    openmp._watch(SimpleNamespace(wait=wait))  # type: ignore[arg-type]
    return done


BUSY, CALM = 2 * BUSY_SHARE, BUSY_SHARE / 2


def test_threads_spin_briefly_from_the_first_look_that_finds_others_until_none_were_there_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = looks(monkeypatch, [CALM, BUSY, CALM, BUSY, *[CALM] * CALM_LOOKS, CALM, BUSY])
    last = 3 + CALM_LOOKS
    assert done[:4] == ["0", "1", "short", "2"]
    assert done[last + 1 :] == [str(last), "long", str(last + 1), str(last + 2), "short", "long"]
    assert "short" not in looks(monkeypatch, [CALM] * 30)


@pytest.mark.parametrize(("count", "watched"), [(1, False), (2, True)])
def test_one_thread_has_no_other_to_wait_for_and_is_not_watched(
    monkeypatch: pytest.MonkeyPatch, count: int, watched: bool
) -> None:
    began: list[object] = []
    monkeypatch.setenv("GOMP_SPINCOUNT", str(SPINS))
    monkeypatch.setattr(torch, "get_num_threads", lambda: count)
    monkeypatch.setattr(openmp, "_watch", began.append)
    with openmp.spinning_watched():
        pass
    assert bool(began) is watched


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="only Linux tells who waits for a core")
def test_threads_that_want_one_core_between_them_wait_for_it() -> None:
    """So does what is looked at, and a process that has the core alone does not count as waiting."""
    mine = os.sched_getaffinity(0)
    before = openmp._seconds_without_core()
    worked = torch.zeros(1)
    os.sched_setaffinity(0, {min(mine)})
    try:
        with measure_spin.busy_processes(1):  # It inherits the one core.
            until = time.monotonic() + 60
            while openmp._seconds_without_core() < before + BUSY_SHARE * LOOK_SECONDS and time.monotonic() < until:
                worked += 1
    finally:
        os.sched_setaffinity(0, mine)
    assert openmp._seconds_without_core() >= before + BUSY_SHARE * LOOK_SECONDS


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def sums(numbers: torch.Tensor) -> torch.Tensor:
    return torch.stack([(factor * numbers).sum() for factor in range(1, 30)])


def comes(condition: Callable[[], bool]) -> bool:
    """Whether something becomes true: threads begin and end when the system lets them."""
    until = time.monotonic() + 60
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


@libgomp
def test_libgomp_has_more_threads_than_cores_only_while_spins_are_short_and_sums_have_the_same_bits() -> None:
    """By its sources it then looks a hundred times. How a sum is shared out goes with the threads that torch uses."""
    library, usual = openmp._libgomp(), torch.get_num_threads()
    assert library is not None
    torch.set_num_threads(3)
    try:
        numbers = torch.rand(1_000_000, generator=torch.Generator().manual_seed(0))
        total, before = sums(numbers), threads()
        with openmp._short_spins(library):
            assert comes(lambda: threads() > before + len(os.sched_getaffinity(0)))
            assert torch.get_num_threads() == 3
            assert torch.equal(sums(numbers), total)
        assert comes(lambda: threads() <= before)
        torch.set_num_threads(1)
        assert not torch.equal(sums(numbers), total)
    finally:
        torch.set_num_threads(usual)


def recorded(**rates: tuple[tuple[float, ...], tuple[float, ...]]) -> SpinRecord:
    """A record of two loads with these tokens a second of each setting, quiet and busy."""
    cells = [
        SpinCell(setting=name, busy=busy, tokens_per_second=found)
        for name, both in rates.items()
        for busy, found in enumerate(both)
    ]
    return SpinRecord(
        command="", finished="2026-11-28T00:00:00Z", environment=environment("cpu", 2), updates=1, cells=tuple(cells)
    )


def test_a_setting_holds_if_it_is_near_the_best_when_quiet_and_half_of_it_when_busy() -> None:
    record = recorded(
        spin=((100.0, 200.0, 90.0), (1.0, 2.0, 1.0)),
        sleep=((80.0, 160.0, 72.0), (50.0, 100.0, 40.0)),
        both=((98.0, 196.0, 60.0), (26.0, 52.0, 10.0)),
        more=((97.0, 194.0, 90.0), (30.0, 60.0, 10.0)),
    )
    assert record.holding() == ["more", "both"]
    assert record.share("both", 0) == pytest.approx(0.98)  # By round, whatever the round was like.
    assert spin_record.table(record, "pipe").count("yes") == 2


def test_a_setting_s_process_trains_the_demo_s_batches(tiny_encoder: Path, tmp_path: Path) -> None:
    write_corpora(tmp_path / "data")
    tasks = ("mednli", "quaero_2014")
    given = SpinTraining(corpora=tmp_path / "data", cache=tmp_path, encoder=tiny_encoder, tasks=tasks)
    arm = SpinArm(AS_IT_COMES, given)
    assert arm.measure(2, 1e9) > 0
    tokens = arm.tokens()
    assert arm.measure(2, 1e9) > 0
    assert arm.tokens() == 2 * tokens  # Each time the same.


def test_our_setting_holds_where_it_was_measured() -> None:
    record = spin_record.read(measure_spin.SPEED)
    assert {AS_IT_COMES, PASSIVE, WATCHED, ONE_THREAD} < set(record.settings)
    assert WATCHED in record.holding()
