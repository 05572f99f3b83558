"""The training of every baseline with an encoder, by a name that costs nothing to import: torch comes with the call."""

from __future__ import annotations

from baselines.core.baseline import Model, TrainSpec, TrainStats


def train_model(job: TrainSpec) -> tuple[Model, TrainStats]:
    """Train an encoder with a head for each task of a job."""
    from baselines.core.training import train

    return train(job)
