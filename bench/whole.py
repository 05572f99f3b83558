"""A folder that is written whole or not at all, and folders that are no longer needed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.core.errors import about


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """A new folder to be filled, which then takes the place of `folder`; what fails leaves that as it was."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new, old = (folder.with_name(f".{folder.name}.{word}") for word in ("new", "old"))
    for left in (new, old):  # What a run that was killed here has left.
        shutil.rmtree(left, ignore_errors=True)
    try:
        new.mkdir()
        with about(folder):
            yield new
        for path in (*new.rglob("*"), new):
            _sync(path)
        if folder.exists():
            folder.replace(old)
        new.replace(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def remove_empty(folder: Path, root: Path) -> None:
    """Remove a folder and those above it up to `root`, as far as they are empty."""
    with suppress(OSError):
        for empty in (folder, *folder.parents):
            empty.rmdir()
            if empty == root:
                return


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
