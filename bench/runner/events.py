"""What a run tells while it is done, here or in another process: how far it is, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.store.runs import Result


@dataclass(frozen=True)
class Reached:
    """A run has come so far."""

    fraction: float
    note: str


@dataclass(frozen=True)
class Said:
    """A run tells its user one thing."""

    line: str


@dataclass(frozen=True)
class Stored:
    """A run is done, here or by another command meanwhile; `result` holds no evidence."""

    result: Result


@dataclass(frozen=True)
class Busy:
    """Another command is at the run."""


@dataclass(frozen=True)
class Ended:
    """A run has kept its checkpoint and ended, as it was asked to."""


@dataclass(frozen=True)
class Failed:
    """A run cannot be done, and would fail again; an error of the system concerns all runs."""

    reason: str
    system: OSError | None = None


@dataclass(frozen=True)
class Died:
    """The process of a run has ended without a result.

    `alone`: memory may have been short, so it is tried again with nothing beside it. `blameless`: its machine was lost,
    which says nothing against the run.
    """

    reason: str
    alone: bool = False
    blameless: bool = False


Event = Reached | Said | Stored | Busy | Ended | Failed | Died
Tell = Callable[[Event], None]
