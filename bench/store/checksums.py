"""The checksums of a folder: its file SHA256SUMS, written last, which `sha256sum -c` takes as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from bench.store.bounds import RESULT_BYTES, read_bytes

CHECKSUMS = "SHA256SUMS"


def write_checksums(folder: Path, pattern: str = "*") -> None:
    """Write the digests of all files below a folder, or of those of one name."""
    lines = [f"{digest}  {name}\n" for name, digest in _digests(folder, pattern).items()]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def read_checksums(folder: Path) -> dict[str, str]:
    """File -> digest; ValueError where a folder has no checksums."""
    try:
        lines = read_bytes(folder / CHECKSUMS, RESULT_BYTES).decode().splitlines()
        return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    except ValueError as error:
        raise ValueError(f"its {CHECKSUMS} is damaged: {error}") from None


def require_checksum(checksums: Mapping[str, str], name: str, data: bytes) -> None:
    """ValueError unless these bytes of a file are those that were written."""
    if checksums.get(name) != hashlib.sha256(data).hexdigest():
        raise ValueError(f"it is not what was written, by {CHECKSUMS}")


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
