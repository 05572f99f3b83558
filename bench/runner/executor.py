"""The runs that are due, done in an order that keeps every worker busy, tried again once, and told as they go.

An executor does runs: in processes of this machine, on a cluster, or here and now. It is asked for room, given a run,
and tells its events; the scheduler knows nothing of where a run is done.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from bench.runner.events import Busy, Died, Event, Failed, Reached, Said, Stored, Tell
from bench.runner.plan import Planned
from bench.runner.progress import Progress, duration
from bench.runner.starts import Starts
from bench.store.runs import Result

WAIT_SECONDS = 1.0
"""A run that another command is at is looked after so often."""

ATTEMPTS = 2
"""So many processes of a run may die before it is left."""

MACHINES = 20
"""So many machines of a run may be lost before it is left: where it lasts, another command will have more luck."""

TRIED = 8
"""Where a run has no room, a shorter one may have: so many are asked for."""


class Executor(Protocol):
    """Where runs are done."""

    def has_room(self, planned: Planned, alone: bool) -> bool:
        """Whether a run may begin now; one that is to be alone begins when no other is under way, and no other then."""

    def is_busy(self) -> bool:
        """Whether a run is under way."""

    def begin(self, planned: Planned, alone: bool, tell: Tell) -> None:
        """Begin a run, whose events are told until one that ends it."""

    def wait(self, seconds: float) -> None:
        """Tell what has happened; return after the first event, or when the time is over."""

    def stop(self) -> None:
        """Ask all runs to keep their checkpoints and end."""

    def close(self) -> None:
        """End what is still under way, at once."""


class Scheduler:
    """Does the due runs of a command, of trainings the longest first."""

    def __init__(self, due: Sequence[Planned], starts: Starts, executor: Executor, progress: Progress) -> None:
        self.starts, self.executor, self.progress = starts, executor, progress
        # What takes no time is done at once.
        ordered = sorted(due, key=lambda planned: (planned.run.baseline.needs_encoder, -planned.cost))
        self.waiting = [planned for planned in ordered if starts.ready(planned)]
        self.blocked = [planned for planned in ordered if not starts.ready(planned)]  # By a run that they start from.
        self.deaths: Counter[Path] = Counter()
        self.losses: Counter[Path] = Counter()  # Of its machine, which says nothing against the run.
        self.alone: set[Path] = set()
        self.not_before: dict[Path, float] = {}  # For runs that another command is at.
        self.left: dict[str, str] = {}  # Title -> why the run could not be done.
        self.error: OSError | None = None  # Of the system: it concerns all runs.

    def run(self) -> dict[str, str]:
        """Do all runs; by title, why those that are left could not be done."""
        try:
            while self.waiting or self.executor.is_busy():
                self._begin()
                self.executor.wait(WAIT_SECONDS)
                if self.error:
                    raise self.error
        except (KeyboardInterrupt, OSError) as error:
            if self.executor.is_busy() and isinstance(error, KeyboardInterrupt):
                self.progress.say("stopping: each run keeps its checkpoint first; Ctrl-C again stops at once")
            self.executor.stop()
            while self.executor.is_busy():
                self.executor.wait(WAIT_SECONDS)
            raise
        finally:
            self.executor.close()
        return self.left

    def _begin(self) -> None:
        """Begin what there is room for."""
        now, refused = time.monotonic(), 0
        for planned in list(self.waiting):
            path = planned.name.path
            if self.not_before.get(path, 0.0) > now:
                continue
            if self.executor.has_room(planned, path in self.alone):
                self.waiting.remove(planned)
                self.executor.begin(planned, path in self.alone, partial(self._on, planned))
            elif (refused := refused + 1) == TRIED:
                break
        if self.not_before and not self.executor.is_busy():
            what = f"waiting for another process, which is at {len(self.waiting)} of these runs"
            self.progress.reached(0.0, 0.0, what)

    def _on(self, planned: Planned, event: Event) -> None:
        path, title = planned.name.path, planned.run.title
        if isinstance(event, Reached):
            self.progress.reached(planned.cost, event.fraction, f"{title} · {event.note}", path)
            return
        if isinstance(event, Said):
            self.progress.say(f"{title}: {event.line}")
            return
        if isinstance(event, Stored):
            self.progress.finished(planned.cost, _line(planned, event.result), path)
            self.starts.finished(planned)
            self.waiting += [other for other in self.blocked if other.name.start == planned.name]
            self.blocked = [other for other in self.blocked if other.name.start != planned.name]
            return
        self.progress.dropped(path)
        if isinstance(event, Busy):
            self.not_before[path] = time.monotonic() + WAIT_SECONDS
            self.waiting.append(planned)
        elif isinstance(event, Failed):
            self.error = event.system
            self._leave(planned, event.reason)
        elif isinstance(event, Died):
            self._died(planned, event)

    def _died(self, planned: Planned, event: Died) -> None:
        path = planned.name.path
        deaths, most = (self.losses, MACHINES) if event.blameless else (self.deaths, ATTEMPTS)
        deaths[path] += 1
        if deaths[path] >= most:
            self._leave(planned, f"{event.reason}, {most} times")
            return
        how = ""
        if event.alone:  # When no other run is left to begin, or all would wait for it.
            self.alone.add(path)
            how = ", with no other run beside it"
        self.progress.say(f"{planned.run.title}: {event.reason}: it is tried again from its checkpoint{how}")
        self.waiting.append(planned)

    def _leave(self, planned: Planned, reason: str) -> None:
        self.left[planned.run.title] = reason
        self.progress.finished(planned.cost, f"{planned.run.title} is left: {reason}")
        for other in [other for other in self.blocked if other.name.start == planned.name]:
            self.blocked.remove(other)
            self._leave(other, f"it starts from {planned.run.title}, which is left")


def _line(planned: Planned, result: Result) -> str:
    scores = []
    for task in result.tasks:
        value = result.scores[task].metrics[0].value
        scores.append(f"{task} {100 * value:.1f}" if math.isfinite(value) else f"{task} undefined")
    return f"{planned.run.title} ({duration(result.training.train_seconds)}): {', '.join(scores)}"
