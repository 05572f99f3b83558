"""What is recorded of a training."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(kw_only=True)
class TaskCounts:
    """What a task saw in training, batch by batch."""

    updates: int = 0
    examples: int = 0
    tokens: int = 0
    epochs: float = 0.0


@dataclass(kw_only=True)
class TrainStats:
    """What a training cost and how it went; None is unknown, never 0."""

    train_seconds: float = 0.0
    dev_seconds: float = 0.0
    task_counts: dict[str, TaskCounts] = field(default_factory=dict)
    dev_scores: list[dict[str, float]] = field(default_factory=list)  # one for each epoch: task -> primary score
    best_epoch: int | None = None
    parameters: int | None = None
    weights_bytes: int | None = None
    peak_memory_bytes: int | None = None
    energy_joules: float | None = None
    precision: str | None = None

    def add_energy(self, joules: float | None) -> None:
        """Add the energy of a part of the training; once unknown, the total stays unknown."""
        self.energy_joules = None if self.energy_joules is None or joules is None else self.energy_joules + joules
