"""Results may have been sent by anyone: they are read within bounds, from their own folder, and never as code.

Every complaint about what they hold is a ValueError. An OSError or MemoryError is none: it passes, and they are whole.
"""

from __future__ import annotations

import io
import itertools
import math
import os
import stat
import struct
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
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
            unpacked: dict[bytes, NDArray[Any]] = {}
            return {name: _member(archive, f"{name}.npy", data, unpacked) for name in names}
    except (ValueError, MemoryError):
        raise
    except Exception as error:  # zipfile, zlib and numpy each have errors of their own.
        raise ValueError(type(error).__name__) from None


def _member(archive: zipfile.ZipFile, name: str, data: bytes, unpacked: dict[bytes, NDArray[Any]]) -> NDArray[Any]:
    """A member of an archive that lies in these bytes; one that is packed in the same bytes as another is that array.

    Precision, recall and F1 have the same evidence: of a file as of its metrics, it is more than half.
    """
    member = archive.getinfo(name)
    # A local header has thirty bytes, of which the last four are the lengths of a name and of what is added to it.
    lengths = member.header_offset + 26
    begin = lengths + 4 + sum(struct.unpack_from("<HH", data, lengths))
    packed = data[begin : begin + member.compress_size]
    if packed not in unpacked:
        unpacked[packed] = _array(archive.read(name))
    return unpacked[packed]


def _array(data: bytes) -> NDArray[Any]:
    """An array that lies in these bytes: it may be read, not written."""
    # The header is no longer than its own length says: two or four bytes behind eight of magic.
    begin = 10 if data[6:7] == b"\1" else 12
    start = begin + int.from_bytes(data[8:begin], "little")
    shape, in_columns, dtype = _header(data[:start])
    count = math.prod(shape)
    # Whoever wrote the header can say anything: what is not there is no lack of memory.
    if dtype.hasobject or count * dtype.itemsize > len(data) - start:
        raise ValueError("an array is larger than its file, or of objects")
    return np.frombuffer(data, dtype, count, start).reshape(shape, order="F" if in_columns else "C")


@lru_cache(maxsize=4096)
def _header(data: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns come first, and type: thousands of results have the same header, slow to parse."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(file)


def refuse_links(folder: Path) -> None:
    """InputError where a folder is a link or holds one: what is written there would go elsewhere."""
    for path in itertools.chain([folder] if folder.is_symlink() else (), _links(folder)):
        raise InputError(f"{path} is a link, which may lead anywhere: put what it leads to in its place")


def _links(folder: Path) -> Iterator[Path]:
    """The links below a folder, each told by the listing it is in."""
    # Any other error is raised: a folder that may not be read would be passed over, and with it what lies there.
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                yield Path(entry.path)
            elif entry.is_dir():
                yield from _links(Path(entry.path))
