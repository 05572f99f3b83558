"""What travels between a driver and its runs on a Ray cluster: the order of a run there, what it tells back."""

from __future__ import annotations

import os
import pickle
import time
from dataclasses import dataclass, replace
from typing import Any

from baselines.core.baseline import Stopped
from bench.runner.corpora import Corpora
from bench.runner.events import Event, Reached, Said
from bench.runner.plan import Planned, RunContext
from bench.store.environment import environment

TELL_SECONDS = 0.5
"""A run tells no more often how far it is; by the answer it learns whether it is to stop."""


@dataclass(frozen=True)
class Unfit:
    """What a run tells of the node that it was to be done on: something there is not as the driver has it."""

    node: str
    reason: str


def order(planned: Planned, context: RunContext) -> bytes:
    """What travels of a run: names, settings, digests and absolute paths, and nothing that was read."""
    corpora = Corpora(
        context.corpora.name, context.corpora.folder.absolute(), context.cache and context.cache.absolute()
    )
    encoder = replace(context.encoder, folder=context.encoder.folder and context.encoder.folder.absolute())
    there = replace(context, corpora=corpora, encoder=encoder, results=context.results.absolute(), cache=corpora.cache)
    return pickle.dumps((replace(planned, result=None), there, versions()))


def versions() -> dict[str, str]:
    """Of the libraries that a result's last bits depend on; builds for GPUs and for none count as the same."""
    here = environment()
    return {name: str(getattr(here, name)).partition("+")[0] for name in ("bench", "torch", "transformers", "numpy")}


class Mailbox:
    """An actor: runs leave there what they tell, their driver fetches it and leaves there that they are to stop."""

    def __init__(self) -> None:
        self.told: list[tuple[int, Event]] = []
        self.stopping = False

    def put(self, number: int, event: Event) -> bool:
        """Leave what a run tells; whether it is to stop."""
        self.told.append((number, event))
        return self.stopping

    def take(self, stopping: bool) -> list[tuple[int, Event]]:
        """What was left since the last time, by number of run."""
        self.stopping = stopping
        taken, self.told = self.told, []
        return taken

    def environment(self) -> dict[str, str]:
        """What Ray was begun with on this node, as far as it is about Ray's reports."""
        return {name: value for name, value in os.environ.items() if name.startswith("RAY_USAGE_STATS")}


class Teller:
    """Tells the driver of a run, who may be busy or cut off: the run never waits for that."""

    def __init__(self, number: int, mailbox: Any) -> None:
        self.number, self.mailbox = number, mailbox
        self.asked: Any = None
        self.told = 0.0
        self.end: Event | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Said):
            self._put(event)
        elif not isinstance(event, Reached):
            self.end = event
        elif self._answered() and time.monotonic() - self.told >= TELL_SECONDS:
            self.told = time.monotonic()
            self._put(event)

    def close(self) -> None:
        """Wait until what was told last has been heard, before this process ends, but not for long."""
        import ray

        if self.asked is not None:
            ray.wait([self.asked], timeout=2.0)

    def _put(self, event: Event) -> None:
        self.asked = self.mailbox.put.remote(self.number, event)

    def _answered(self) -> bool:
        """Whether the last word was heard; Stopped where the answer was to stop."""
        import ray

        if self.asked is None:
            return True
        if not ray.wait([self.asked], timeout=0)[0]:
            return False
        asked, self.asked = self.asked, None
        try:
            if ray.get(asked):
                raise Stopped
        except ray.exceptions.RayError:  # The mailbox is lost, and begun anew elsewhere.
            pass
        return True
