"""Schedules: which batches each task sees, alone and in company."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.core.rng import rng, rng_seed
from baselines.core.schedules import TaskPlan, epochs
from baselines.core.settings import SCHEDULES, Settings

plans = st.lists(st.tuples(st.integers(1, 90), st.integers(1, 20), st.integers(1, 5)), min_size=1, max_size=5).map(
    lambda rows: [TaskPlan(f"task{n}", *row) for n, row in enumerate(rows)]
)


def numbers(training: list[list[tuple[tuple[str, int], ...]]], task: str) -> list[int]:
    return [number for steps in training for step in steps for name, number in step if name == task]


@given(plans=plans, seed=st.integers(0, 5))
def test_interleaving_gives_each_task_the_batches_of_its_own_training_in_their_order(
    plans: list[TaskPlan], seed: int
) -> None:
    training = epochs(plans, seed, Settings())
    for plan in plans:
        (alone,) = [epochs([plan], seed, Settings())]
        assert numbers(training, plan.task) == numbers(alone, plan.task) == list(range(plan.batches))


@given(plan=plans.map(lambda all_: all_[0]), schedule=st.sampled_from(SCHEDULES))
def test_for_one_task_every_schedule_is_its_own_epochs(plan: TaskPlan, schedule: str) -> None:
    assert epochs([plan], 3, replace(Settings(), schedule=schedule)) == epochs([plan], 3, Settings())


@given(plans=plans)
def test_round_robin_takes_one_batch_of_each_in_turn_until_the_largest_ends(plans: list[TaskPlan]) -> None:
    training = epochs(plans, 0, replace(Settings(), schedule="round_robin"))
    flat = [step[0][0] for steps in training for step in steps]
    names = sorted(plan.task for plan in plans)
    assert flat == names * max(plan.batches for plan in plans)


@given(plans=plans)
def test_loss_sum_adds_one_batch_of_every_task_in_each_step(plans: list[TaskPlan]) -> None:
    training = epochs(plans, 0, replace(Settings(), schedule="loss_sum"))
    assert {len(step) for steps in training for step in steps} == {len(plans)}
    assert sum(map(len, training)) == max(plan.batches for plan in plans)


def test_a_high_temperature_evens_the_tasks_out() -> None:
    tasks = [TaskPlan("large", 900, 1, 4), TaskPlan("small", 100, 1, 4)]

    def small_share(temperature: float) -> float:
        training = epochs(tasks, 0, replace(Settings(), schedule="temperature", temperature=temperature))
        counts = Counter(step[0][0] for steps in training for step in steps)
        return counts["small"] / counts.total()

    assert small_share(1.0) == pytest.approx(0.1, abs=0.02)
    assert small_share(100.0) == pytest.approx(0.5, abs=0.03)


@given(windows=st.integers(1, 60), batch=st.integers(1, 20))
def test_an_epoch_holds_every_window_once(windows: int, batch: int) -> None:
    plan = TaskPlan("task", windows, batch, 2)
    for epoch in range(2):
        first = epoch * plan.batches_per_epoch
        seen = np.concatenate([plan.indices(0, first + k) for k in range(plan.batches_per_epoch)])
        assert sorted(seen) == list(range(windows))


def test_a_stream_depends_on_its_whole_name() -> None:
    assert rng_seed(0, "a", "order", 1) == rng_seed(0, "a", "order", 1)
    assert (
        len({rng_seed(*name) for name in [(0, "a", "b"), (1, "a", "b"), (0, "a", "c"), (0, "b", "a"), (0, "ab")]}) == 5
    )
    # The numbers themselves are pinned: another NumPy that draws others would change every result.
    assert rng(0, "pinned").integers(0, 1000, 4).tolist() == [102, 240, 128, 951]
