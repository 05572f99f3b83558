"""One encoder and one head: a training for each task. It is the multitask model with one task."""

from __future__ import annotations

from baselines.core.baseline import Baseline
from baselines.multitask import train

BASELINE = Baseline(name="single_task", title="one encoder for each task", joint=False, needs_encoder=True, train=train)
