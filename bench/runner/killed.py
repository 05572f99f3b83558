"""What killed processes have left in a results folder: locks, checkpoints of finished runs, half of a write."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bench.runner import kept_models as models
from bench.runner.context import RunContext
from bench.runner.plan import DONE, Planned
from bench.runner.run import STAMP, stamp
from bench.store import runs as store
from bench.store.atomic import remove_empty
from bench.store.locks import alone
from tasks.core.errors import InputError


def clear_killed(planned: Sequence[Planned], where: RunContext) -> None:
    """Remove what processes that were killed have left of finished runs; not of those still to be done or under way."""
    unfinished, due = where.results / store.UNFINISHED, {one.name.path for one in planned if one.state != DONE}
    for run in _left(unfinished, "seed-", ".lock"):
        with alone(unfinished / f"{run}.lock") as mine:
            if mine and run not in due and _is_stored(where.results / store.RUNS, run, unfinished / run / STAMP):
                shutil.rmtree(unfinished / run)
        remove_empty((unfinished / run).parent, unfinished)
    for part in (where.results / store.RUNS, where.results / models.MODELS):
        for run in _left(part, ".seed-", ".new", ".old"):
            new, old = (part / run.with_name(f"{run.name}{word}") for word in (".new", ".old"))
            folder = part / run.with_name(run.name[1:])
            with alone(unfinished / f"{folder.relative_to(part)}.lock") as mine:
                if mine and (folder.exists() or not old.exists()):  # Else the folder is there under these names alone.
                    shutil.rmtree(new, ignore_errors=True)
                    shutil.rmtree(old, ignore_errors=True)
            remove_empty((unfinished / run).parent, unfinished)


def _left(root: Path, begins: str, *ends: str) -> list[Path]:
    """What lies below a folder and is called so, its end left out."""
    found = (Path(folder, name) for folder, below, files in os.walk(root) for name in (*below, *files))
    named = (path.with_suffix("") if path.suffix in ends else path for path in found if path.name.startswith(begins))
    return sorted({path.relative_to(root) for path in named})


def _is_stored(runs: Path, run: Path, stamped: Path) -> bool:
    """Whether the result that checkpoints would lead to is there."""
    with suppress(InputError, FileNotFoundError):
        return stamp(store.read(runs, run)) == stamped.read_bytes()
    return False
