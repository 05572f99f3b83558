"""Memory of one training: its peak, where the system can tell it, and that it is not fetched anew at every step."""

from __future__ import annotations

import ctypes
import gc
import os
from pathlib import Path
from typing import Any

import torch

_STATUS = Path("/proc/self/status")
_FORGET = Path("/proc/self/clear_refs")

_library: Any = ctypes.CDLL(None) if os.name == "posix" else None
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt(3) of glibc
_LARGEST_KEPT = 2**25  # The most that glibc takes.


def keep_freed() -> None:
    """Let this process keep the memory that it frees, where the C library can.

    A step frees nearly all that it has asked for. Given back, it would come again in pages of 4 KiB with a fault for
    each, which is a tenth of the time of a small step.
    """
    if hasattr(_library, "mallopt"):
        _library.mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT)
        _library.mallopt(_TRIM_THRESHOLD, 2**31 - 1)


def begin_peak(device: str) -> None:
    """Forget earlier peaks, and give back what was kept: of what ran before, nothing counts as this training's."""
    gc.collect()
    if hasattr(_library, "malloc_trim"):
        _library.malloc_trim(0)
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
    elif _FORGET.exists():
        _FORGET.write_text("5")  # Linux: resets the high-water mark of resident memory (proc(5)).


def peak_bytes(device: str) -> int | None:
    """The most memory held since then: of the GPU, or of the whole process on a CPU; None where it is not known."""
    if device != "cpu":
        return torch.cuda.max_memory_allocated()
    if not _STATUS.exists():
        return None
    lines = [line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) * 1024 if lines else None
