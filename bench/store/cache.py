"""The cache of corpora made ready for training: their statistics, the windows of their training and dev sets, the demo.

It is a folder apart and for its owner alone, since tokens are text in effect and dev examples are text. It also knows
in which folders encoders and corpora lay when they were last used, which no result tells.

It lies at BENCH_CACHE, else in mt-clinical-bench below XDG_CACHE_HOME or ~/.cache.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.store.locks import flock
from tasks.core.errors import InputError
from tasks.core.private import private

_KEPT = "windows"


def folder() -> Path:
    """Where the cache lies, whether it is there or not; InputError for a user who has no home and names none."""
    if named := os.environ.get("BENCH_CACHE"):
        return Path(named)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mt-clinical-bench"
    except RuntimeError:
        raise InputError("this user has no home folder: set BENCH_CACHE to a folder, or give --no-cache") from None


@contextmanager
def opened() -> Iterator[Path]:
    """The folder of what is cached, which `clear` leaves alone meanwhile; InputError where it cannot be made."""
    kept = folder() / _KEPT
    with ExitStack() as held:
        try:
            with private():
                kept.parent.mkdir(parents=True, exist_ok=True)
                held.enter_context(_locked(kept.parent, fcntl.LOCK_SH))
                kept.mkdir(exist_ok=True)
            kept.chmod(0o700)
        except OSError as error:
            raise InputError(
                f"the cache {kept} cannot be made ({error.strerror}): "
                "set BENCH_CACHE to another folder or give --no-cache"
            ) from error
        yield kept


def remember(cache: Path | None, label: str, digest: str | None, name: str) -> None:
    """Keep what the user calls the encoder or corpus that results know by this label and digest: a folder or hub id."""
    if cache is not None:
        with private():
            full = Path(name).absolute() if Path(name).is_dir() else name
            _name_file(cache, label, digest).write_bytes(os.fsencode(full))


def remembered(label: str, digest: str | None) -> str | None:
    """What was kept last; None where nothing was, or where a user without home has no cache."""
    try:
        return os.fsdecode(_name_file(folder() / _KEPT, label, digest).read_bytes())
    except (OSError, RuntimeError, InputError):
        return None


def _name_file(cache: Path, label: str, digest: str | None) -> Path:
    return cache / f"{hashlib.sha256(f'{label} {digest}'.encode()).hexdigest()[:32]}.name"


def clear() -> tuple[int, int]:
    """Remove all that is kept; how many files there were, and their bytes together. InputError while it is in use."""
    kept = folder() / _KEPT
    if not kept.is_dir():
        return 0, 0
    with _locked(kept.parent, fcntl.LOCK_EX | fcntl.LOCK_NB) as unused:
        if not unused:
            raise InputError(f"a command that is at work uses the cache {kept}: give this one again after it")
        sizes = [path.stat().st_size for path in kept.rglob("*") if path.is_file()]
        shutil.rmtree(kept)
    return len(sizes), sum(sizes)


# filelock's lock for readers and writers is an SQLite database that stays beside what it locks; a flock leaves no file.
@contextmanager
def _locked(folder: Path, operation: int) -> Iterator[bool]:
    """Whether a folder could be locked, for use together with others or alone; who is killed holds no lock."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield flock(handle, operation)
    finally:
        os.close(handle)
