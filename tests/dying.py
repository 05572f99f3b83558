"""A plugin with a baseline whose trainings end in all ways that a process can, as their seeds say."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from baselines.core.baseline import Baseline, Stopped, TrainSpec
from baselines.core.stats import TrainStats
from tasks.core.errors import InputError
from tasks.core.kinds import Task

FINE, KILLED, CRASHED_ONCE, WRONG, WAITS, LATER = range(6)
"""Seeds: trains; is killed each time; crashes in its first process; cannot be trained; waits until it is stopped; from
here on all train."""


class Answers:
    """Answers the same for every example."""

    def predict(self, task: Task[Any, Any], examples: Sequence[Any]) -> list[Any]:
        return [task.labels[0]] * len(examples)


def train(spec: TrainSpec) -> tuple[Answers, TrainStats]:
    """Ends as the seed says."""
    begun = spec.checkpoints / "begun"
    first = not begun.exists()
    begun.write_text(str(os.getpid()))
    if spec.seed == KILLED:
        os.kill(os.getpid(), signal.SIGKILL)
    if spec.seed == CRASHED_ONCE and first:
        os.kill(os.getpid(), signal.SIGSEGV)
    if spec.seed == WRONG:
        raise InputError("training diverged: lower --encoder-lr")
    while spec.seed == WAITS:
        try:
            spec.progress(0.5, "waits")
        except Stopped:
            (spec.checkpoints / "kept").touch()
            raise
        time.sleep(0.01)
    return Answers(), TrainStats(train_seconds=1.0)


BASELINE = Baseline(name="dying", title="dies", joint=False, needs_encoder=False, train=train)


def install(folder: Path) -> None:
    """Make a folder in which the plugin is found, once it is on the path."""
    (folder / "dying-1.dist-info").mkdir(parents=True)
    entry = "[mt_clinical_bench.baselines]\ndying = dying:BASELINE\n"
    (folder / "dying-1.dist-info" / "entry_points.txt").write_text(entry)
