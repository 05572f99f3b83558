"""The checksums of a folder: its file SHA256SUMS, written last, which `sha256sum -c` takes as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.store import strict_json
from bench.store.bounds import EVIDENCE_BYTES, RESULT_BYTES, read_bytes
from tasks.core.errors import InputError

CHECKSUMS = "SHA256SUMS"
_WRITTEN = "as it was written"


def write_checksums(folder: Path, pattern: str = "*") -> None:
    """Write the digests of all files below a folder, or of those of one name."""
    lines = [f"{digest}  {name}\n" for name, digest in _digests(folder, pattern).items()]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def read_checksums(folder: Path) -> dict[str, str]:
    """File -> digest; ValueError where a folder has no checksums."""
    try:
        *lines, rest = read_bytes(folder / CHECKSUMS, RESULT_BYTES).decode().split("\n")
        if rest:
            raise ValueError("its last line has no end")
        return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    except ValueError as error:
        raise ValueError(f"its {CHECKSUMS} is damaged: {error}") from None


def require_checksum(checksums: Mapping[str, str], name: str, data: bytes) -> None:
    """ValueError unless these bytes of a file are those that were written."""
    if checksums.get(name) != hashlib.sha256(data).hexdigest():
        raise ValueError(f"it is not what was written, by {CHECKSUMS}")


@contextmanager
def checksummed_file(folder: Path, name: str, what: str = _WRITTEN, limit: int = EVIDENCE_BYTES) -> Iterator[bytes]:
    """The bytes of a run's file, to be parsed; InputError with what to do where they are not what was written."""
    with damage_told(folder / name, what):
        data = read_bytes(folder / name, limit)
        try:
            yield data
        except strict_json.OtherFormat as error:
            if (folder / CHECKSUMS).exists():  # Results of format 1 had none.
                require_checksum(read_checksums(folder), name, data)
            raise InputError(f"{folder / name}: {error}: run the same command again to make it anew") from None
        require_checksum(read_checksums(folder), name, data)


@contextmanager
def damage_told(path: Path, what: str = _WRITTEN) -> Iterator[None]:
    """InputError with what to do where a file of a run is found damaged meanwhile."""
    try:
        yield
    except ValueError as error:
        todo = "give the command that made it again, or delete its run's folder"
        raise InputError(f"{path} is not {what} ({error}): {todo}") from None


def require_checksums(folder: Path) -> None:
    """ValueError unless a folder holds just the files that were written, as they were."""
    if _digests(folder, "*") != read_checksums(folder):
        raise ValueError("its files are not those that were written")


def _digests(folder: Path, pattern: str) -> dict[str, str]:
    digests = {}
    for path in sorted(path for path in folder.rglob(pattern) if path.is_file() and path != folder / CHECKSUMS):
        with path.open("rb") as file:
            digests[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests
