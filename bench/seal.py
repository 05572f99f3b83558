"""The seal of a folder: its file SHA256SUMS, written last, which `sha256sum -c` takes as it is."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bench.untrusted import RESULT_BYTES, read_bytes

SEAL = "SHA256SUMS"


def seal(folder: Path, pattern: str = "*") -> None:
    """Write the digests of all files below a folder, or of those of one name; the same files make the same seal."""
    paths = sorted(path for path in folder.rglob(pattern) if path.is_file() and path != folder / SEAL)
    lines = [f"{_digest(path.read_bytes())}  {path.relative_to(folder).as_posix()}\n" for path in paths]
    (folder / SEAL).write_text("".join(lines))


def sums(folder: Path) -> dict[str, str]:
    """File -> digest, as the seal of a folder has them; ValueError where it has none."""
    try:
        lines = read_bytes(folder / SEAL, RESULT_BYTES).decode("ascii").splitlines()
        return {name: digest for digest, name in (line.split("  ") for line in lines)}
    except ValueError as error:
        raise ValueError(f"its {SEAL} is damaged: {error}") from None


def require_sealed(folder: Path, name: str, data: bytes) -> None:
    """ValueError unless a file of a folder holds what it held when the folder was sealed."""
    if sums(folder).get(name) != _digest(data):
        raise ValueError(f"it is not what was written, by {SEAL}")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
