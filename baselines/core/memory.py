"""Peak memory of one training, where the system can tell it."""

from __future__ import annotations

from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")
_FORGET = Path("/proc/self/clear_refs")


def begin_peak(device: str) -> None:
    """Forget earlier peaks."""
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
