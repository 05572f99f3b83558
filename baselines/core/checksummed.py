"""Checksummed files: each ends with the SHA-256 of its content, and is read only if the two agree."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tasks.core.errors import about
from tasks.core.private import private

_CHUNK_BYTES = 1 << 16
_DIGEST_BYTES = hashlib.sha256().digest_size


@contextmanager
def write(file: Path) -> Iterator[Path]:
    """An atomic write: gives the path to write the content to. The file is for its owner alone."""
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.part")
    with private(), about(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield unfinished
            with unfinished.open("rb+") as content:
                content.write(_digest(content, unfinished.stat().st_size))
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)


def is_valid(file: Path) -> bool:
    """Whether a file exists and is what was written: no full disk, power cut or editor has changed a bit of it."""
    try:
        size = file.stat().st_size - _DIGEST_BYTES
        with file.open("rb") as content:
            return size > 0 and _digest(content, size) == content.read()
    except FileNotFoundError:  # Any other error of the system says nothing about the file.
        return False


def read(file: Path) -> bytes | None:
    """The content of a small file; None where it is not valid."""
    return file.read_bytes()[:-_DIGEST_BYTES] if is_valid(file) else None


def _digest(file: BinaryIO, size: int) -> bytes:
    """The SHA-256 of the next `size` bytes."""
    total = hashlib.sha256()
    while size > 0 and (chunk := file.read(min(size, _CHUNK_BYTES))):
        total.update(chunk)
        size -= len(chunk)
    return total.digest()
