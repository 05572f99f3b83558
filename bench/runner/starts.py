"""Runs that start from another: the graph of a plan, and the models that are kept for as long as a run needs them."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from bench.runner.plan import CHANGED, DONE, Planned, Run, RunContext, plan
from bench.store import runs as store
from bench.store.atomic import Listing, remove_empty
from bench.store.locks import flock
from bench.store.model_cards import STARTS, kept_folder
from bench.store.names import RunName


def closed_plan(runs: Iterable[Run], context: RunContext) -> list[Planned]:
    """The states of runs and of the starts that those which are due need; each stands behind its start.

    A finished start is due again where its model is needed and kept nowhere.
    """
    stored = Listing(context.results / store.RUNS)  # Most of a large grid is not there.
    found = {planned.name: planned for planned in (plan(run, context, stored) for run in runs)}
    needed: Counter[RunName] = Counter()
    waiting = [planned for planned in found.values() if planned.state != DONE]
    while waiting:
        planned = waiting.pop()
        run, name = planned.run.start, planned.name.start
        if run is None or name is None:
            continue
        needed[name] += 1
        if needed[name] == 1:
            start, asked = found.get(name) or plan(run, context, stored), name in found
            lacking = start.state == DONE and kept_folder(context.results, start.name, start.fingerprints) is None
            found[name] = replace(start, state=CHANGED) if lacking else start
            if lacking or (not asked and start.state != DONE):  # What was due before is waiting already.
                waiting.append(found[name])
    for name, count in needed.items():
        lacking = found[name].state == CHANGED and not found[name].why
        why = f"its model is needed by {count} run{'s' * (count != 1)} and was not kept" if lacking else found[name].why
        found[name] = replace(found[name], needed_by=count, why=why)
    ordered: dict[RunName, Planned] = {}
    for planned in found.values():
        _add_behind_start(planned, found, ordered)
    return list(ordered.values())


def _add_behind_start(planned: Planned, found: dict[RunName, Planned], ordered: dict[RunName, Planned]) -> None:
    # A start stands right before the first that needs it, so that few models are kept at a time.
    if planned.name not in ordered and planned.name.start in found:
        _add_behind_start(found[planned.name.start], found, ordered)
    ordered.setdefault(planned.name, planned)


class Starts:
    """The models that the runs of a command start from: each is kept until the last run that needs it is finished.

    Other commands may need it too. Whoever does holds a shared lock, which ends with its holder; the last removes it.
    """

    def __init__(self, runs: Iterable[Planned], context: RunContext) -> None:
        self._root = context.results / STARTS
        self._due: set[RunName] = set()
        self._needed: Counter[RunName] = Counter()
        self._locks: dict[RunName, int] = {}
        for planned in runs:
            if planned.name.start is not None:
                self._needed[planned.name.start] += planned.state != DONE
            if planned.state != DONE:
                self._due.add(planned.name)

    def __enter__(self) -> Starts:
        for name, count in self._needed.items():
            if count:
                self._locks[name] = self._lock(name)
            elif (self._root / name.path).exists():  # A command was killed before it removed it.
                self._remove_if_last(name, self._lock(name))
        return self

    def __exit__(self, *error: object) -> None:
        for lock in self._locks.values():
            os.close(lock)

    def ready(self, planned: Planned) -> bool:
        """Whether a run can begin: it starts from the encoder, or from a run that is finished."""
        return planned.name.start not in self._due

    def finished(self, planned: Planned) -> None:
        """A run is stored: what starts from it can begin; what it started from goes if no other needs it."""
        self._due.discard(planned.name)
        if (start := planned.name.start) is not None:
            self._needed[start] -= 1
            if not self._needed[start]:
                self._remove_if_last(start, self._locks.pop(start))

    def _lock(self, name: RunName) -> int:
        """The handle of a shared lock on a start."""
        file = self._root / f"{name.path}.users"
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        flock(handle, fcntl.LOCK_SH)
        return handle

    def _remove_if_last(self, name: RunName, handle: int) -> None:
        if flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
            folder = self._root / name.path
            shutil.rmtree(folder, ignore_errors=True)
            folder.with_name(f"{folder.name}.users").unlink(missing_ok=True)
            remove_empty(folder.parent, self._root.parent)
        os.close(handle)
