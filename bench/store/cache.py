"""The cache of corpora made ready for training: their censuses, the windows of their training and development splits.

It is a folder apart and for its owner alone, since sub-words are text in effect and development examples are text. It
also knows in which folders encoders and corpora lay when they were last used, which no result tells.

It lies at BENCH_CACHE, else in mt-clinical-bench below XDG_CACHE_HOME or ~/.cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.store.locks import in_use, unused
from tasks.core.errors import InputError
from tasks.core.private import private

_WINDOWS = "windows"


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
    """The folder of tokenised corpora, which `clear` leaves alone meanwhile; InputError where it cannot be made."""
    place = folder() / _WINDOWS
    with ExitStack() as held:
        try:
            with private():
                place.parent.mkdir(parents=True, exist_ok=True)
                held.enter_context(in_use(place.parent))
                place.mkdir(exist_ok=True)
            place.chmod(0o700)
        except OSError as error:
            raise InputError(
                f"the cache {place} cannot be made ({error.strerror}): "
                "set BENCH_CACHE to another folder or give --no-cache"
            ) from error
        yield place


def remember(place: Path | None, label: str, digest: str | None, name: str) -> None:
    """Keep what the user calls the encoder or corpus that results know by this label and digest: a folder or hub id."""
    if place is not None:
        with private():
            whole = Path(name).absolute() if Path(name).is_dir() else name
            _names(place, label, digest).write_bytes(os.fsencode(whole))


def remembered(label: str, digest: str | None) -> str | None:
    """What was kept last; None where nothing was, or where a user without home has no cache."""
    try:
        return os.fsdecode(_names(folder() / _WINDOWS, label, digest).read_bytes())
    except (OSError, RuntimeError, InputError):
        return None


def _names(place: Path, label: str, digest: str | None) -> Path:
    return place / f"{hashlib.sha256(f'{label} {digest}'.encode()).hexdigest()[:32]}.name"


def clear() -> tuple[int, int]:
    """Remove all that is kept; how many files there were, and their bytes together. InputError while it is in use."""
    place = folder() / _WINDOWS
    if not place.is_dir():
        return 0, 0
    with unused(place.parent.resolve()) as mine:
        if not mine:
            raise InputError(f"a command that is at work uses the cache {place}: give this one again after it")
        sizes = [path.stat().st_size for path in place.iterdir()]
        shutil.rmtree(place)
    return len(sizes), sum(sizes)
