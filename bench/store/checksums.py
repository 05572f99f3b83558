"""The seal of a folder: its file SHA256SUMS, written last, which `sha256sum -c` takes as it is."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bench.store.bounds import RESULT_BYTES, read_bytes

SEAL = "SHA256SUMS"


def seal(folder: Path, pattern: str = "*") -> None:
    """Write the digests of all files below a folder, or of those of one name; the same files make the same seal."""
    lines = [f"{digest}  {name}\n" for name, digest in _digests(folder, pattern).items()]
    (folder / SEAL).write_text("".join(lines), encoding="utf-8")


def sums(folder: Path) -> dict[str, str]:
    """File -> digest, as the seal of a folder has them; ValueError where it has none."""
    try:
        lines = read_bytes(folder / SEAL, RESULT_BYTES).decode().splitlines()
        return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    except ValueError as error:
        raise ValueError(f"its {SEAL} is damaged: {error}") from None


def require_sealed(folder: Path, name: str, data: bytes) -> None:
    """ValueError unless a file of a folder holds what it held when the folder was sealed."""
    if sums(folder).get(name) != hashlib.sha256(data).hexdigest():
        raise ValueError(f"it is not what was written, by {SEAL}")


def require_all_sealed(folder: Path) -> None:
    """ValueError unless a folder holds just the files that it was sealed with, as they were."""
    if _digests(folder) != sums(folder):
        raise ValueError("its files are not those that were written")


def _digests(folder: Path, pattern: str = "*") -> dict[str, str]:
    """File -> digest, of what lies below a folder now."""
    paths = sorted(path for path in folder.rglob(pattern) if path.is_file() and path != folder / SEAL)
    return {path.relative_to(folder).as_posix(): _digest_of(path) for path in paths}


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
