"""Archives looked into where they lie: their members listed once and read at any offset, nothing written to disk."""

from __future__ import annotations

import errno
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from tasks.core.errors import InputError

SUFFIXES = (".zip", ".tar.gz", ".tgz", ".tar")
OTHERS = (".gz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".7z", ".rar")
RATIO = 200  # text packs to a tenth or so; nothing honest packs to less than a two-hundredth
RATIO_FROM_BYTES = 64 << 20
BLOCK_BYTES = 1 << 19
BLOCKS_KEPT = 64
INPUT_BYTES = 1 << 12  # a kept state keeps what it has not yet unpacked of its last input
MEMBERS = 1_000_000

Opener = Callable[[], BinaryIO]
Bytes = Callable[[int, int], bytes]  # (offset, size) -> at most size bytes, at least one before the end


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive. `refused` says why it is not looked at; `open` gives a new stream of it."""

    name: str
    size: int
    open: Opener
    refused: str = ""


class Slice(io.RawIOBase):
    """A part of a larger file as a file of its own, with its own position."""

    def __init__(self, source: Bytes, start: int, size: int) -> None:
        self._source, self._start, self._size, self._at = source, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the end is not known")
        self._at = offset + (self._at if whence == io.SEEK_CUR else 0)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        wanted = max(0, min(len(buffer), self._size - self._at))
        data = self._source(self._start + self._at, wanted) if wanted else b""
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def plain_bytes(path: Path, offset: int, size: int) -> bytes:
    """The bytes of an uncompressed file."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(size)


class GzipBytes:
    """The uncompressed bytes of a gzip file at any offset.

    The decompressor's state is kept for the start of each block, so that a read costs at most a block and a
    thousand members in any order cost no thousand passes; memory is 32 MiB at most and 7 % of what is unpacked.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._states = [(0, zlib.decompressobj(wbits=31))]
        self._recent: OrderedDict[int, bytes] = OrderedDict()

    def __call__(self, offset: int, size: int) -> bytes:
        index, within = divmod(offset, BLOCK_BYTES)
        return self._block(index)[within : within + size]

    def _block(self, index: int) -> bytes:
        while index >= len(self._states):
            known = len(self._states)
            self._decode(known - 1)
            if len(self._states) == known:
                return b""
        block = self._recent.pop(index, None)
        self._recent[index] = self._decode(index) if block is None else block
        if len(self._recent) > BLOCKS_KEPT:
            self._recent.popitem(last=False)
        return self._recent[index]

    def _decode(self, index: int) -> bytes:
        position, machine = self._states[index]
        machine = machine.copy()
        block = bytearray()
        with self._path.open("rb") as file:
            file.seek(position)
            pending = b""
            while len(block) < BLOCK_BYTES:
                pending = pending or file.read(INPUT_BYTES)
                if machine.eof:
                    pending = pending.lstrip(b"\0")  # some tapes are padded with zeros
                    if pending:
                        machine = zlib.decompressobj(wbits=31)
                    elif not (pending := file.read(INPUT_BYTES)):
                        break
                    continue
                data = machine.decompress(pending, BLOCK_BYTES - len(block))
                if not data and not pending and not machine.eof:
                    raise EOFError("it ends too early")
                block += data
                pending = machine.unused_data if machine.eof else machine.unconsumed_tail
            position = file.tell() - len(pending)
        _refuse_bomb(self._path, (index + 1) * BLOCK_BYTES, position)
        if len(block) == BLOCK_BYTES and len(self._states) == index + 1:
            self._states.append((position, machine))
        return bytes(block)


def _refuse_bomb(path: Path, unpacked: int, packed: int) -> None:
    if unpacked > RATIO_FROM_BYTES and unpacked > RATIO * packed:
        raise InputError(f"{path}: it unpacks to more than {RATIO} times its size; take it away")


_BROKEN = (
    OSError, EOFError, ValueError, OverflowError, RuntimeError, MemoryError,
    struct.error, zlib.error, zipfile.BadZipFile, tarfile.TarError,
)  # fmt: skip

_OF_SYSTEM = (errno.EMFILE, errno.ENFILE, errno.EIO, errno.ENOMEM, errno.ESTALE)  # They say nothing of the archive.


def _refusal(name: str, is_file: bool) -> str:
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or ":" in parts[0]:
        return "path leaves the archive"
    return "" if is_file else "link or device in an archive"


def _zip_members(path: Path) -> Iterator[Member]:
    archive = zipfile.ZipFile(path)
    infos = archive.infolist()
    _refuse_bomb(path, sum(info.file_size for info in infos), path.stat().st_size)
    for info in infos:
        name = info.filename.replace("\\", "/")
        if name and not name.endswith("/"):
            refused = _refusal(name, stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG))
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                refused = refused or "packed by a method that is not read"
            yield Member(name, info.file_size, cast(Opener, partial(archive.open, info)), refused)


def _tar_members(path: Path) -> Iterator[Member]:
    source: Bytes = partial(plain_bytes, path) if path.name.lower().endswith(".tar") else GzipBytes(path)

    def stream(start: int, size: int) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(Slice(source, start, size), 1 << 16))

    with tarfile.open(fileobj=stream(0, 1 << 62), mode="r:") as archive:
        before = -1
        while info := archive.next():
            archive.members.clear()  # type: ignore[attr-defined]  # They would weigh more than the list of files.
            if info.offset <= before or info.size < 0:  # a negative size leads round in a circle
                raise tarfile.ReadError("members out of order")
            before = info.offset
            if not info.isdir():
                refused = _refusal(info.name, info.isreg() and not info.issparse())
                yield Member(info.name, info.size, partial(stream, info.offset_data, info.size), refused)
        if source(archive.offset, 512) != bytes(512):  # tarfile itself takes a cut between two members for the end
            raise EOFError("it ends too early")


def members(path: Path) -> list[Member]:
    """Every file an archive holds; InputError where it is broken, hostile or too large to list."""
    found: list[Member] = []
    try:
        for member in _zip_members(path) if path.name.lower().endswith(".zip") else _tar_members(path):
            found.append(member)
            if len(found) > MEMBERS:
                raise InputError(f"{path}: more than {MEMBERS:,} files in it; unpack what is needed and take it away")
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno in _OF_SYSTEM:
            raise
        what = f"no readable archive ({type(error).__name__}); download it again or take it away"
        raise InputError(f"{path}: {what}") from error
    return found
