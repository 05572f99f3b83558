"""Results may have been sent by anyone: they are read within bounds, from their own folder, and never as code.

Every complaint about what they hold is a ValueError. An OSError or MemoryError is none: it passes, and they are whole.
"""

from __future__ import annotations

import io
import math
import os
import stat
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.errors import InputError

RESULT_BYTES = 16 << 20
"""A result of eight tasks has a hundred kilobytes or so."""

EVIDENCE_BYTES = 512 << 20
"""A hundred thousand documents with six metrics of a hundred columns each."""


def read_bytes(path: Path, limit: int) -> bytes:
    """The bytes of an ordinary file that is no larger than `limit`."""
    try:
        there = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError("it is missing") from None
    if not stat.S_ISREG(there.st_mode):
        raise ValueError("it is a link, a folder or a device")
    with path.open("rb") as file:
        # Room for what is asked for is made at once: no more than there is.
        data = file.read(min(limit, there.st_size) + 1)
    if len(data) > limit:
        raise ValueError(f"it holds more than {limit >> 20} MiB")
    return data


def arrays(data: bytes, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Arrays of an .npz file by name, none of objects; what they unpack to is bounded before it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > EVIDENCE_BYTES:
                raise ValueError(f"it unpacks to more than {EVIDENCE_BYTES >> 20} MiB")
            return {name: _array(archive.read(f"{name}.npy")) for name in names}
    except (ValueError, MemoryError):
        raise
    except Exception as error:  # zipfile, zlib and numpy each have errors of their own.
        raise ValueError(type(error).__name__) from None


def _array(data: bytes) -> NDArray[Any]:
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(file)
    # Whoever wrote the header can say anything: what is not there is no lack of memory.
    if math.prod(shape) * dtype.itemsize > len(data):
        raise ValueError("an array is larger than its file")
    return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)


def refuse_links(folder: Path) -> None:
    """InputError where a folder is a link or holds one: what is written there would go elsewhere."""
    everything = os.walk(folder, onerror=_raise_unless_gone)
    inside = (Path(above, name) for above, below, names in everything for name in (*below, *names))
    for path in (folder, *inside):
        if path.is_symlink():
            raise InputError(f"{path} is a link, which may lead anywhere: put what it leads to in its place")


def _raise_unless_gone(error: OSError) -> None:
    # A folder that may not be read would be passed over, and with it what lies there.
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error
