"""One shared encoder, a head for each task, one training for all: MT-Clinical BERT (JAMIA 28(10):2108)."""

from __future__ import annotations

from baselines.core.baseline import Baseline
from baselines.core.lazy import train_model

BASELINE = Baseline(
    name="multitask",
    title="one shared encoder, a head for each task",
    joint=True,
    needs_encoder=True,
    train=train_model,
)
