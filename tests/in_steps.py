"""A baseline that needs no torch: it counts in steps of a time that is set, and keeps each; what it answers is where it
came to, so that a step done twice or left out shows."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from baselines.core.baseline import Baseline, TrainSpec
from baselines.core.stats import TrainStats
from tasks.core.examples import Span
from tasks.core.kinds import SpanTask, Task

STEPS = 40


class Counted:
    """Answers by the bits of a number."""

    def __init__(self, value: int) -> None:
        self.value = value

    def predict(self, task: Task[Any, Any], examples: Sequence[Any]) -> list[Any]:
        """One label for each example, of a mention where the task has mentions; a number where it has no labels."""
        if not task.labels:
            return [float((self.value >> (3 * number % 61)) % 6) for number in range(len(examples))]
        labels = [task.labels[(self.value >> (3 * number % 61)) % len(task.labels)] for number in range(len(examples))]
        return [frozenset({Span(((0, 4),), label)}) for label in labels] if isinstance(task, SpanTask) else labels


def train(spec: TrainSpec) -> tuple[Counted, TrainStats]:
    """Counts on from the last step that was kept."""
    kept = spec.checkpoints / "steps.json"
    done, value = json.loads(kept.read_text()) if kept.is_file() else (0, spec.seed)
    for step in range(done, STEPS):
        value = (value * 6364136223846793005 + 1442695040888963407) % 2**64
        part = kept.with_suffix(".part")
        part.write_text(json.dumps([step + 1, value]))
        part.rename(kept)
        time.sleep(float(os.environ.get("STEP_SECONDS", "0")))
        spec.progress((step + 1) / STEPS, f"step {step + 1}")
    return Counted(value), TrainStats(train_seconds=1.0)


IN_STEPS = Baseline(name="in_steps", title="in steps", joint=False, needs_encoder=False, train=train)


def install(folder: Path) -> Path:
    """A folder in which every process with it on its path finds the baseline as a plugin."""
    about = folder / "in_steps-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: in-steps\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[mt_clinical_bench.baselines]\nin_steps = in_steps:IN_STEPS\n")
    return folder
