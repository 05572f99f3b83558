"""The floor: what can be had by counting. It learns nothing from context.

Each kind of task says what it can count: a lexicon of mentions, the most frequent class, the mean score.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from baselines.core.baseline import Baseline, TrainSpec
from baselines.core.stats import TaskCounts, TrainStats
from tasks.core.kinds import TRAIN, Task


@dataclass(frozen=True)
class Floor:
    """By task, what counting answers to an example."""

    counted: dict[str, Callable[[Any], Any]]

    def predict(self, task: Task[Any, Any], examples: Sequence[Any]) -> list[Any]:
        """One answer for each example."""
        return [self.counted[task.name](example) for example in examples]


def count(job: TrainSpec) -> tuple[Floor, TrainStats]:
    """Count in the training set of each task."""
    begun = time.perf_counter()
    record, counted = TrainStats(), {}
    for task in job.tasks:
        examples = list(job.examples(task, TRAIN))
        counted[task.name] = task.majority(examples)
        record.task_counts[task.name] = TaskCounts(examples=len(examples), epochs=1.0)
        job.progress(1.0, "counted")
    record.train_seconds = time.perf_counter() - begun
    return Floor(counted), record


BASELINE = Baseline(
    name="majority", title="most frequent answer", joint=False, needs_encoder=False, seeded=False, train=count
)
