"""Atomic writes of a folder: it is replaced whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.core.errors import about


@contextmanager
def atomic_write(folder: Path) -> Iterator[Path]:
    """A new folder to fill, which then replaces `folder`; an error leaves the old one as it was."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover(folder)
    new, old = _beside(folder)
    for left in (new, old):  # What a killed run has left.
        shutil.rmtree(left, ignore_errors=True)
    try:
        new.mkdir()
        with about(folder):
            yield new
        for path in (*new.rglob("*"), new):
            _sync(path)
        if folder.exists():
            folder.replace(old)
        else:
            new.replace(folder)
    finally:
        # No system call exchanges two folders everywhere: between the two renames only `new` and `old` are there.
        recover(folder)
        shutil.rmtree(new, ignore_errors=True)
    _sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def recover(folder: Path) -> None:
    """Complete an atomic write that was stopped after it moved the old folder away."""
    new, old = _beside(folder)
    if old.exists() and not folder.exists():
        try:
            (new if new.exists() else old).replace(folder)
        except OSError:
            if not folder.exists():  # Else another process has done it meanwhile.
                raise


class Listing:
    """The folders below a folder, each of whose parents is listed once: thousands are looked up at no cost for each."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[str, frozenset[str]] = {}

    def has(self, path: Path) -> bool:
        """Whether a folder is at this path below the root; an atomic write of it that was stopped is completed."""
        parent, _, name = path.as_posix().rpartition("/")
        if parent not in self._names:
            try:
                self._names[parent] = frozenset(entry.name for entry in (self._root / parent).iterdir())
            except (FileNotFoundError, NotADirectoryError):
                self._names[parent] = frozenset()
        if name in self._names[parent] or f".{name}.old" not in self._names[parent]:
            return name in self._names[parent]
        recover(self._root / path)
        return True


def recover_all(root: Path) -> None:
    """The same for every folder below `root`."""
    for above, folders, _ in os.walk(root):
        for name in folders:
            if name.startswith(".") and name.endswith(".old"):
                recover(Path(above, name[1:-4]))


def remove_empty(folder: Path, root: Path) -> None:
    """Remove a folder and its parents up to `root`, as far as they are empty."""
    with suppress(OSError):
        for empty in (folder, *folder.parents):
            empty.rmdir()
            if empty == root:
                return


def _beside(folder: Path) -> tuple[Path, Path]:
    """Where the new folder is filled, and where the old one lies until it is replaced."""
    return folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
