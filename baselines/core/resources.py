"""What a training costs beside time: its peak memory and its energy, where the system tells them.

Sources of energy: NVML, nvmlDeviceGetTotalEnergyConsumption (millijoules, Volta and later); Linux powercap,
intel-rapl:<package>, energy_uj (microjoules, which start again at max_energy_range_uj, after minutes of full load).
Both count whatever runs there, not this process alone.
"""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
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


POWERCAP = Path("/sys/class/powercap")
_NVML = "libnvidia-ml.so.1"


@dataclass(frozen=True)
class Counter:
    """Something that counts joules; `wraps_joules` is where it starts again, inf where it never does."""

    joules: Callable[[], float]
    wraps_joules: float


class EnergyMeter:
    """Joules since the last reading; to be read every minute or so, before a counter has started again twice."""

    def __init__(self, device: str) -> None:
        self._counters = _packages(POWERCAP) if device == "cpu" else _gpu()
        self._last = [counter.joules() for counter in self._counters]

    @property
    def known(self) -> bool:
        """Whether there is a counter that may be read."""
        return bool(self._counters)

    def lap_joules(self) -> float | None:
        """What was used since the last call, or since the meter was made; None where no counter tells it."""
        now = [counter.joules() for counter in self._counters]
        used = [
            after - before if after >= before else after - before + counter.wraps_joules
            for counter, before, after in zip(self._counters, self._last, now, strict=True)
        ]
        self._last = now
        return sum(used) if self.known else None


def _packages(powercap: Path) -> list[Counter]:
    """One counter a processor package; none where they are not there or only root may read them."""
    with suppress(OSError, ValueError):
        return [
            _package(folder) for folder in sorted(powercap.glob("intel-rapl:[0-9]*")) if folder.name.count(":") == 1
        ]
    return []


def _package(folder: Path) -> Counter:
    def joules() -> float:
        return int((folder / "energy_uj").read_text()) / 1e6

    joules()
    return Counter(joules, int((folder / "max_energy_range_uj").read_text()) / 1e6)


def _gpu() -> list[Counter]:
    """The counter of the GPU that torch trains on; none without NVML, or on a GPU that does not count."""
    import torch

    try:
        nvml = ctypes.CDLL(_NVML)
    except OSError:
        return []
    handle = ctypes.c_void_p()
    name = f"GPU-{torch.cuda.get_device_properties(torch.cuda.current_device()).uuid}"
    if nvml.nvmlInit_v2() or nvml.nvmlDeviceGetHandleByUUID(name.encode(), ctypes.byref(handle)):
        return []

    def joules() -> float:
        millijoules = ctypes.c_ulonglong()
        if nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules)):
            return float("nan")
        return millijoules.value / 1e3

    # A status that is not 0 is an error, and an unknown energy is no number that could be added up.
    return [Counter(joules, float("inf"))] if joules() >= 0 else []
