"""Results may have been sent by anyone: they are read within bounds, from their own folder, and never as code.

B examples, K columns of evidence. Every complaint is a ValueError or an OSError.
"""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.errors import InputError
from tasks.core.formulas import FORMULAS

RESULT_BYTES = 16 << 20
"""A result of eight tasks has a hundred kilobytes or so."""

EVIDENCE_BYTES = 512 << 20
"""A hundred thousand documents with six metrics of a hundred columns each."""


def read_bytes(path: Path, limit: int) -> bytes:
    """The bytes of an ordinary file that is no larger than `limit`."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError("it is a link, a folder or a device")
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"it holds more than {limit >> 20} MiB")
    return data


def reason(error: OSError | ValueError) -> str:
    """What a complaint says, without the path that an OSError repeats."""
    return str(error.strerror if isinstance(error, OSError) else error)


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Arrays of an .npz file by name, none of objects; what they unpack to is bounded before it is unpacked."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError("it is a link, a folder or a device")
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked_bytes = sum(member.file_size for member in archive.infolist())
        if unpacked_bytes > EVIDENCE_BYTES:
            raise ValueError(f"it unpacks to more than {EVIDENCE_BYTES >> 20} MiB")
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in names}
    except ValueError:
        raise
    except Exception as error:  # zipfile, zlib and numpy each have errors of their own, out of memory among them.
        raise ValueError(type(error).__name__) from None
    if not all(isinstance(one, np.ndarray) for one in found.values()):  # What is no array comes as its bytes.
        raise ValueError("what it holds are no arrays")
    return found


def check_formula(formula: str, columns: Sequence[str]) -> None:
    """Whether a score can be worked out by this formula from evidence with these columns."""
    if formula not in FORMULAS:
        raise ValueError(f"it has the unknown formula {formula!r}")
    try:
        FORMULAS[formula](np.zeros(len(columns)), tuple(columns))
    except Exception:  # Each formula meets columns that are not its own in a way of its own.
        raise ValueError(f"its columns are not those of {formula}") from None


def refuse_links(folder: Path) -> None:
    """InputError where a folder is a link or holds one: what is written there would go elsewhere."""
    inside = (Path(above, name) for above, below, names in os.walk(folder) for name in (*below, *names))
    for path in (folder, *inside):
        if path.is_symlink():
            raise InputError(f"{path} is a link, which may lead anywhere: put what it leads to in its place")
