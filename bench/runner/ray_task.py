"""One run as a task of Ray: done on its node once code, corpora and encoder there are found to be the driver's."""

from __future__ import annotations

import os
import pickle
import platform
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from traceback import extract_tb
from typing import Any

from baselines.core import hub
from baselines.core.baseline import Stopped
from bench.runner.corpora import Corpora
from bench.runner.device import choose_device
from bench.runner.events import Died, Event, Failed, Reached, Said
from bench.runner.openmp import bound_spinning
from bench.runner.plan import Planned, RunContext, fingerprints
from bench.runner.run import carry_out
from bench.store import runs as store
from bench.store.environment import environment
from tasks.core.errors import InputError
from tasks.core.private import private

TELL_SECONDS = 1.0
"""A run tells no more often how far it is, and learns as often whether it is to stop."""

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}


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


class _Teller:
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
        elif time.monotonic() - self.told >= TELL_SECONDS and self._answered():
            self.told = time.monotonic()
            self._put(event)

    def close(self) -> None:
        """Wait until what was told last has been heard, before this process ends; not for long."""
        import ray

        if self.asked is not None:
            ray.wait([self.asked], timeout=TELL_SECONDS)

    def _put(self, event: Event) -> None:
        self.asked = self.mailbox.put.remote(self.number, event)

    def _answered(self) -> bool:
        """Whether the last word was heard; Stopped where the answer was to stop."""
        import ray

        if self.asked is None:
            return True
        if not ray.wait([self.asked], timeout=0)[0]:
            return False
        try:
            if ray.get(self.asked):
                raise Stopped
        except ray.exceptions.RayError:  # The mailbox is lost, and begun anew elsewhere.
            pass
        return True


def order(planned: Planned, context: RunContext) -> bytes:
    """What travels of a run: names, settings, digests and absolute paths, and nothing that was read."""
    corpora = Corpora(
        context.corpora.name, context.corpora.folder.absolute(), context.cache and context.cache.absolute()
    )
    encoder = replace(context.encoder, folder=context.encoder.folder and context.encoder.folder.absolute())
    there = replace(context, corpora=corpora, encoder=encoder, results=context.results.absolute(), cache=corpora.cache)
    return pickle.dumps((replace(planned, result=None), there, _versions()))


def serve(number: int, order: bytes, mailbox: Any) -> Event:
    """In the task: do a run; how it ended."""
    os.environ.update(_OFFLINE)
    bound_spinning()
    node, teller = platform.node(), _Teller(number, mailbox)
    try:
        # Unpacked here and not by Ray, which makes no sentence of what may be missing on this node.
        planned, context, versions = pickle.loads(order)
        teller(Reached(0.0, f"begins on {node}"))
        carry_out(planned, _seen_from_here(planned, context, versions), teller)
    except (InputError, OSError) as error:
        return Failed(f"on {node}: {error}")
    except Exception as error:
        # Its message may quote what it was given; where it was raised tells as much.
        at = extract_tb(error.__traceback__)[-1]
        return Died(f"on {node}: {type(error).__name__} in {Path(at.filename).name}, line {at.lineno}")
    finally:
        teller.close()
    assert teller.end is not None
    return teller.end


def _seen_from_here(planned: Planned, context: RunContext, versions: dict[str, str]) -> RunContext:
    """The context with encoder and corpora as they are on this node; InputError where a run would be another here."""
    unfinished, stored = (context.results / part / planned.name.path for part in (store.UNFINISHED, store.RUNS))
    if not unfinished.is_dir() and not stored.is_dir():
        raise InputError(
            f"{context.results} is not the driver's results folder: give --results one that all nodes share"
        )
    encoder = context.encoder.folder if planned.run.baseline.needs_encoder else None
    for folder in filter(None, (context.corpora.folder, encoder)):
        if not folder.is_dir():
            raise InputError(f"{folder} is not there: give a folder that all nodes share")
    if context.cache is not None:
        with private():
            context.cache.mkdir(parents=True, exist_ok=True)
    if encoder and context.device == "cuda":
        choose_device("cuda")
    here = replace(context, encoder=replace(context.encoder, digest=hub.digest(encoder) if encoder else None))
    if differing := ", ".join(_differing(planned, here, versions)):
        raise InputError(f"{differing}: not what the driver has, install or share the same")
    return here


def _differing(planned: Planned, context: RunContext, versions: dict[str, str]) -> Iterator[str]:
    """What a run depends on, where it is not what the run was planned with."""
    had, now = planned.fingerprints, fingerprints(planned.run, context)
    if had.code != now.code:
        yield "the code of tasks or baselines"
    if had.encoder != now.encoder:
        yield "the encoder's files"
    if had.start != now.start:
        yield "the run it starts from"
    yield from (f"the corpus of {task}" for task, digest in had.corpora.items() if digest != now.corpora[task])
    yield from (f"{name} {version}" for name, version in _versions().items() if version != versions[name])


def _versions() -> dict[str, str]:
    """Of the libraries that a result's last bits depend on; builds for GPUs and for none count as the same."""
    here = environment()
    return {name: str(getattr(here, name)).partition("+")[0] for name in ("bench", "torch", "transformers", "numpy")}
