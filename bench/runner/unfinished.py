"""The folder of unfinished runs: their locks, their checkpoints, and what is left of those that nobody goes on with."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.store import runs as store
from bench.store import strict_json
from bench.store.atomic import remove_empty
from bench.store.locks import lock
from bench.store.model_cards import MODELS, STARTS
from bench.store.names import RunName
from bench.store.runs import Fingerprints
from tasks.core.errors import InputError, about

STAMP = "run.json"
EVERY_RUN, HALF_WRITTEN = "*/*/*/seed-*", "*/*/*/.seed-*"


@contextmanager
def lock_run(results: Path, run: Path) -> Iterator[bool]:
    """Whether this process gets the run that lies at this path below `runs`; another may be at it."""
    unfinished = results / store.UNFINISHED
    file = unfinished / run.with_name(f"{run.name}.lock")
    with lock(file) as acquired:
        yield acquired
    remove_empty(file.parent, unfinished)


def claim_checkpoints(
    folder: Path, name: RunName, fingerprints: Fingerprints, threads: int, asked: bool
) -> tuple[int, bool]:
    """Stamp a folder of checkpoints as this run's: its threads, and whether those of another run had to be removed.

    The last bits of a training depend on its threads: it goes on with those that it began with, unless the user asked
    for others.
    """
    file, stamp = folder / STAMP, _stamp(name, fingerprints)
    if file.is_file():
        had, _, begun_with = file.read_bytes().partition(b"\n")
        if had == stamp and begun_with.isdigit() and (int(begun_with) == threads or not asked):
            return int(begun_with), False
    other = folder.is_dir() and any(folder.iterdir())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with about(file):
        file.write_bytes(b"%s\n%d" % (stamp, threads))
    return threads, other


def _stamp(name: RunName, fingerprints: Fingerprints) -> bytes:
    return strict_json.dumps([name, fingerprints]).encode()


def remove_abandoned(results: Path, due: Collection[Path]) -> None:
    """Remove what killed processes have left of finished runs; not of those that are due, or under way elsewhere."""
    unfinished = results / store.UNFINISHED
    # Of a run there may be a folder of checkpoints, a lock file beside it, or both.
    for run in sorted({path.with_suffix("").relative_to(unfinished) for path in unfinished.glob(EVERY_RUN)}):
        with lock_run(results, run) as acquired:
            if acquired and run not in due and _is_stored(results / store.RUNS, run, unfinished / run / STAMP):
                shutil.rmtree(unfinished / run)
            elif acquired and run not in due:  # Of a driver that was killed before its run began.
                remove_empty(unfinished / run, unfinished)
    for part in (results / store.RUNS, results / MODELS, results / STARTS):
        for left in sorted(part.glob(HALF_WRITTEN)):
            folder = left.with_name(left.stem[1:])
            old = left.with_suffix(".old")
            with lock_run(results, folder.relative_to(part)) as acquired:
                if acquired and (folder.exists() or not old.exists()):  # Else `old` is all that there is of it.
                    shutil.rmtree(left, ignore_errors=True)


def _is_stored(runs: Path, run: Path, stamp: Path) -> bool:
    """Whether the result that checkpoints would lead to is there."""
    with suppress(InputError, FileNotFoundError):
        result = store.read(runs, run)
        return _stamp(result.name, result.fingerprints) == stamp.read_bytes().partition(b"\n")[0]
    return False
