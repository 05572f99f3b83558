"""Locks that end with their holder, however it ends: a killed process leaves none behind.

They are `flock`s. On a network file system they hold as far as it keeps locks; where it keeps none, every process is
told that it is alone.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TEMPORARY = "mt-clinical-bench-"


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Whether this process has the lock file at `path` to itself; the file goes when the lock does."""
    handle, mine = _opened(path)
    try:
        yield mine
    finally:
        if mine:
            path.unlink(missing_ok=True)
        os.close(handle)


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """Marks a folder as in use by this process, as others may mark it too; waits while one has it `unused`."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # A file system that keeps no locks.
            fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


@contextmanager
def unused(folder: Path) -> Iterator[bool]:
    """Whether no living process has marked the folder as in use, nor can meanwhile; OSError where it is no folder."""
    handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        yield _locked(handle)
    finally:
        os.close(handle)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that goes with the block; those of processes that were killed go first."""
    for left in Path(tempfile.gettempdir()).glob(f"{_TEMPORARY}*"):
        with suppress(OSError):  # It is another user's, or gone by now.
            # One that is young and empty may be just begun, and not marked yet.
            if any(left.iterdir()) or time.time() - left.stat().st_mtime > 60:
                with unused(left) as mine:
                    if mine:
                        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_TEMPORARY) as folder, in_use(Path(folder)):
        yield Path(folder)


def _opened(path: Path) -> tuple[int, bool]:
    """The lock file, and whether it is locked; who held it before takes it away, and empty folders above it."""
    while True:
        with suppress(FileNotFoundError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            mine = _locked(handle)
            if not mine or _is_at(handle, path):
                return handle, mine
            os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(handle), path.stat())
    return False


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return not isinstance(error, BlockingIOError)  # Any other: a file system that keeps no locks.
    return True
