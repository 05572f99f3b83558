"""One file of a corpus, on disk or in an archive alike, read within bounds; what goes wrong is an InputError."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from tasks.core.errors import InputError

DOCUMENT_BYTES = 64 << 20
FILE_BYTES = 256 << 20
LINE_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file of a corpus. `path` is for people: `x.zip/inner/a.txt`.

    Where a pattern found it, `key` is what the pattern's groups captured and `folder` where its match begins.
    """

    path: str
    size: int
    opener: Callable[[], BinaryIO]
    key: tuple[str, ...] = ()
    folder: str = ""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    def wrong(self, line: int, what: str) -> InputError:
        """The error for what is wrong at a line."""
        return InputError(f"{self.path}, line {line}: {what}")

    def chunks(self) -> Iterator[bytes]:
        """Its bytes in pieces, for formats that are read as a stream."""
        total = 0
        with self._opened() as stream:
            while chunk := stream.read(1 << 20):
                total += len(chunk)
                self._refuse_above(total, FILE_BYTES)
                yield chunk

    def read(self) -> bytes:
        """All its bytes; InputError where there are more than a document can have."""
        with self._opened() as stream:
            data = stream.read(min(self.size, DOCUMENT_BYTES) + 1)  # what is asked for is reserved
            if len(data) > self.size:
                data += stream.read(DOCUMENT_BYTES)
        self._refuse_above(len(data), DOCUMENT_BYTES)
        if len(data) < self.size:
            raise InputError(f"{self.path}: it ends after {len(data)} of {self.size} bytes; download it again")
        return data

    def text(self) -> str:
        """Its text, every character as it stands: U+FEFF at the start counts in offsets."""
        return self._decoded(self.read(), 0)

    def lines(self) -> Iterator[tuple[int, str]]:
        r"""Its lines with their numbers from 1, as a stream; \n, \r and \r\n end one, U+2028 and its kind do not."""
        offset = 0
        for number, line in enumerate(self._byte_lines(), 1):
            if len(line) >= LINE_BYTES:
                raise self.wrong(number, f"it is longer than {LINE_BYTES >> 20} MiB; take it away")
            yield number, self._decoded(line, offset).rstrip("\r\n")
            offset += len(line)

    def same_bytes(self, other: CorpusFile) -> bool:
        """Whether both can be read and hold the same."""
        try:
            return self.size == other.size and all(a == b for a, b in zip(self.chunks(), other.chunks(), strict=True))
        except (InputError, ValueError):  # ValueError: one ends before the other.
            return False

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        """A stream of it; what a file on disk or in an archive may raise is the error that a user is meant to meet."""
        try:
            with self.opener() as stream:
                yield stream
        except OSError as error:
            raise InputError(f"{self.path}: it cannot be read ({error.strerror or type(error).__name__})") from error
        except (EOFError, RuntimeError, struct.error, zlib.error, zipfile.BadZipFile) as error:
            raise InputError(
                f"{self.path}: it cannot be read ({type(error).__name__}); "
                "is it truncated, locked by a password or protected?"
            ) from error

    def _byte_lines(self) -> Iterator[bytes]:
        rest = b""
        with self._opened() as stream:
            while chunk := stream.read(1 << 16):
                # The last line may go on in the next chunk; a \r at the end may be half of a \r\n.
                *complete, rest = (rest + chunk).splitlines(keepends=True)
                yield from complete
                if len(rest) >= LINE_BYTES:
                    break
        if rest:
            yield rest

    def _decoded(self, data: bytes, offset: int) -> str:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            position = offset + error.start
        raise InputError(
            f"{self.path}: byte {position} is not UTF-8; get the file as it was published, or convert it to UTF-8"
        )

    def _refuse_above(self, total: int, limit: int) -> None:
        if total > limit:
            raise InputError(f"{self.path}: it holds more than {limit >> 20} MiB, as no such file does; take it away")
