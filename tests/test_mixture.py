"""Schedules: which batches each task sees, alone and in company."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.core.rng import rng, rng_seed
from baselines.core.schedules import TaskPlan, rounds
from baselines.core.settings import SCHEDULES, Settings

shares = st.lists(st.tuples(st.integers(1, 90), st.integers(1, 20), st.integers(1, 5)), min_size=1, max_size=5).map(
    lambda rows: [TaskPlan(f"task{n}", *row) for n, row in enumerate(rows)]
)


def numbers(plan: list[list[tuple[tuple[str, int], ...]]], task: str) -> list[int]:
    return [number for steps in plan for step in steps for name, number in step if name == task]


@given(shares=shares, seed=st.integers(0, 5))
def test_interleaving_gives_each_task_the_batches_of_its_own_training_in_their_order(
    shares: list[TaskPlan], seed: int
) -> None:
    plan = rounds(shares, seed, Settings())
    for share in shares:
        (alone,) = [rounds([share], seed, Settings())]
        assert numbers(plan, share.task) == numbers(alone, share.task) == list(range(share.batches))


@given(share=shares.map(lambda all_: all_[0]), schedule=st.sampled_from(SCHEDULES))
def test_for_one_task_every_schedule_is_its_own_epochs(share: TaskPlan, schedule: str) -> None:
    assert rounds([share], 3, replace(Settings(), schedule=schedule)) == rounds([share], 3, Settings())


@given(shares=shares)
def test_round_robin_takes_one_batch_of_each_in_turn_until_the_largest_ends(shares: list[TaskPlan]) -> None:
    plan = rounds(shares, 0, replace(Settings(), schedule="round_robin"))
    flat = [step[0][0] for steps in plan for step in steps]
    names = sorted(share.task for share in shares)
    assert flat == names * max(share.batches for share in shares)


@given(shares=shares)
def test_loss_sum_adds_one_batch_of_every_task_in_each_step(shares: list[TaskPlan]) -> None:
    plan = rounds(shares, 0, replace(Settings(), schedule="loss_sum"))
    assert {len(step) for steps in plan for step in steps} == {len(shares)}
    assert sum(map(len, plan)) == max(share.batches for share in shares)


def test_a_high_temperature_evens_the_tasks_out() -> None:
    tasks = [TaskPlan("large", 900, 1, 4), TaskPlan("small", 100, 1, 4)]

    def small_share(temperature: float) -> float:
        plan = rounds(tasks, 0, replace(Settings(), schedule="temperature", temperature=temperature))
        counts = Counter(step[0][0] for steps in plan for step in steps)
        return counts["small"] / counts.total()

    assert small_share(1.0) == pytest.approx(0.1, abs=0.02)
    assert small_share(100.0) == pytest.approx(0.5, abs=0.03)


@given(windows=st.integers(1, 60), batch=st.integers(1, 20))
def test_an_epoch_holds_every_window_once(windows: int, batch: int) -> None:
    share = TaskPlan("task", windows, batch, 2)
    for epoch in range(2):
        first = epoch * share.batches_per_epoch
        seen = np.concatenate([share.indices(0, first + k) for k in range(share.batches_per_epoch)])
        assert sorted(seen) == list(range(windows))


def test_a_stream_depends_on_its_whole_name() -> None:
    assert rng_seed(0, "a", "order", 1) == rng_seed(0, "a", "order", 1)
    assert (
        len({rng_seed(*name) for name in [(0, "a", "b"), (1, "a", "b"), (0, "a", "c"), (0, "b", "a"), (0, "ab")]}) == 5
    )
    # The numbers themselves are pinned: another NumPy that draws others would change every result.
    assert rng(0, "pinned").integers(0, 1000, 4).tolist() == [102, 240, 128, 951]
