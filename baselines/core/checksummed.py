"""Files that are read back only as they were written: each ends with a digest of what stands before it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.core.errors import about
from tasks.core.private import private

_CHUNK_BYTES = 1 << 16
_SEAL_BYTES = hashlib.sha256().digest_size


@contextmanager
def written(file: Path) -> Iterator[Path]:
    """Where to write what becomes `file`, whole or not at all, for its owner alone."""
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.part")
    with private(), about(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield unfinished
            seal = _digest(unfinished, unfinished.stat().st_size)
            with unfinished.open("ab") as end:
                end.write(seal)
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)


def is_whole(file: Path) -> bool:
    """Whether a file is there and is what was written, to the bit: no full disk, power cut or hand has changed it."""
    try:
        content = file.stat().st_size - _SEAL_BYTES
        with file.open("rb") as end:
            end.seek(max(content, 0))
            return content > 0 and end.read() == _digest(file, content)
    except FileNotFoundError:  # Any other error of the system says nothing of the file.
        return False


def read(file: Path) -> bytes | None:
    """What was written to a small file; None where it is not whole."""
    return file.read_bytes()[:-_SEAL_BYTES] if is_whole(file) else None


def _digest(file: Path, size: int) -> bytes:
    """The SHA-256 of the first `size` bytes."""
    total = hashlib.sha256()
    with file.open("rb") as content:
        while size > 0 and (chunk := content.read(min(size, _CHUNK_BYTES))):
            total.update(chunk)
            size -= len(chunk)
    return total.digest()
