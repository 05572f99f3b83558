"""One shared encoder, a head for each task, one training for all: MT-Clinical BERT (JAMIA 28(10):2108)."""

from __future__ import annotations

from baselines.core.baseline import Baseline, Model, TrainSpec
from baselines.core.stats import TrainStats


def train(spec: TrainSpec) -> tuple[Model, TrainStats]:
    """Train an encoder with a head for each task; torch is imported with the call."""
    from baselines.core import training

    return training.train(spec)


BASELINE = Baseline(
    name="multitask", title="one shared encoder, a head for each task", joint=True, needs_encoder=True, train=train
)
