"""What a baseline is: it is trained on tasks and then answers their examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from baselines.core.settings import Settings
from baselines.core.stats import TrainStats
from tasks.core.kinds import Task


class Model(Protocol):
    """What a training gives: answers, one for each example."""

    def predict(self, task: Task[Any, Any], examples: Sequence[Any]) -> list[Any]: ...


class Stopped(BaseException):
    """Raised by a spec's `progress` to stop a training, which keeps its checkpoint on the way out."""


@dataclass(frozen=True, kw_only=True)
class TrainSpec:
    """One training to be done.

    `examples(task, split)` reads a split; `windows_file(task, split)` caches its windows, None for no cache;
    `progress(fraction, note)` may be called often, `say(line)` tells the user one thing; a checkpoint is written to the
    folder `checkpoints` every `checkpoint_seconds` at most; `deterministic` gives the same bits each time. Heads of its
    tasks whose weights are in the file `heads` begin with those.
    """

    tasks: tuple[Task[Any, Any], ...]
    examples: Callable[[Task[Any, Any], str], Iterable[Any]]
    seed: int
    settings: Settings
    encoder: Path | None
    heads: Path | None = None
    device: str
    checkpoints: Path
    checkpoint_seconds: float
    progress: Callable[[float, str], None]
    windows_file: Callable[[Task[Any, Any], str], Path | None] = lambda task, split: None
    deterministic: bool = True
    say: Callable[[str], None] = lambda line: None


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """One arm of the comparison. `joint`: one training for all tasks together, otherwise one for each.

    `seeded`: seed and settings change its answers; where they do not, it is run once. `start` names the baseline from
    whose runs its own start; None is the encoder.
    """

    name: str
    title: str
    joint: bool
    needs_encoder: bool
    seeded: bool = True
    start: str | None = None
    train: Callable[[TrainSpec], tuple[Model, TrainStats]]
