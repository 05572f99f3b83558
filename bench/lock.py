"""Locks that end with their holder, however it ends: a killed process leaves none behind.

They are `flock`s. On a network file system they hold as far as it keeps locks; where it keeps none, every process is
told that it is alone.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


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
    """Marks a folder as in use, for `abandoned` to tell."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        _locked(handle)
        yield
    finally:
        os.close(handle)


def abandoned(folder: Path) -> bool:
    """Whether no living process has marked the folder as in use; OSError where it is no folder of ours."""
    handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        return _locked(handle)
    finally:
        os.close(handle)


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
