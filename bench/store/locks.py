"""The lock of a run: it ends with its holder, however that ends, so that a killed process leaves none behind.

On a network file system it holds as far as that keeps locks; where it keeps none, every process gets the lock.
"""

from __future__ import annotations

import errno
import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_KEEPS_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@contextmanager
def lock(path: Path, blocking: bool = False) -> Iterator[bool]:
    """Whether this process gets the lock file at `path`, for which it may wait; the file is removed with the lock."""
    lock = FileLock(path, mode=0o600, blocking=blocking, fallback_to_soft=False)
    acquired = _acquire(lock, path)
    try:
        yield acquired
    finally:
        if acquired:
            path.unlink(missing_ok=True)
            lock.release()


def _acquire(lock: FileLock, path: Path) -> bool:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except FileNotFoundError:  # Who held it before has removed the empty folder meanwhile.
            continue
        except Timeout:
            return False
        except OSError as error:
            if error.errno not in _KEEPS_NO_LOCKS:
                raise
        return True


def flock(handle: int, operation: int) -> bool:
    """Whether what is open could be locked, for use together with others or alone; who is killed holds no lock."""
    try:
        fcntl.flock(handle, operation)
    except OSError as error:  # Any but BlockingIOError: a file system that keeps no locks.
        return not isinstance(error, BlockingIOError)
    return True


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is removed with the block."""
    with tempfile.TemporaryDirectory(prefix="mt-clinical-bench-") as folder:
        yield Path(folder)
