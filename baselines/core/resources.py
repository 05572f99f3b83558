"""What a training costs beside time: its peak memory and its energy, where the system tells them.

Sources of energy: NVML, nvmlDeviceGetTotalEnergyConsumption (millijoules, Volta and later); Linux powercap,
intel-rapl:<package>, energy_uj (microjoules, which start again at max_energy_range_uj, after minutes of full load).
Both count all that runs there, not this process alone.
"""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

POWERCAP = Path("/sys/class/powercap")
_STATUS, _CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")

_libc: Any = ctypes.CDLL(None) if os.name == "posix" else None
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt(3) of glibc
_MAX_MMAP_THRESHOLD = 2**25


def keep_freed() -> None:
    """Let this process keep the memory that it frees, where the C library can.

    A step frees nearly all that it allocates. Given back, memory would come again in pages of 4 KiB with a fault for
    each, which is a tenth of the time of a small step.
    """
    if hasattr(_libc, "mallopt"):
        _libc.mallopt(_MMAP_THRESHOLD, _MAX_MMAP_THRESHOLD)
        _libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1)


def begin_peak(device: str) -> None:
    """Measure peak memory from here on; what ran before and was kept is given back, and does not count."""
    gc.collect()
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
    elif _CLEAR_REFS.exists():
        _CLEAR_REFS.write_text("5")  # Linux: resets the high-water mark of resident memory (proc(5)).


def peak_bytes(device: str) -> int | None:
    """The peak since then: of the GPU, or of the whole process on a CPU; None where it is not known."""
    if device != "cpu":
        return torch.cuda.max_memory_allocated()
    lines = _STATUS.read_text().splitlines() if _STATUS.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)


Counter = tuple[Callable[[], float], float]
"""What tells the joules so far, and at how many joules it starts again: inf where it never does."""


class EnergyMeter:
    """Joules since the last reading; to be read every minute or so, before a counter starts again twice."""

    def __init__(self, device: str) -> None:
        self._counters = _cpu_counters() if device == "cpu" else _gpu_counters()
        self._last = [joules() for joules, _ in self._counters]

    @property
    def known(self) -> bool:
        """Whether there is a counter that may be read."""
        return bool(self._counters)

    def lap_joules(self) -> float | None:
        """Joules since the last call, or since the meter was made; None where no counter tells them."""
        before, self._last = self._last, [joules() for joules, _ in self._counters]
        used = [now - then for now, then in zip(self._last, before, strict=True)]
        wraps = [wraps_joules for _, wraps_joules in self._counters]
        return sum(one if one >= 0 else one + at for one, at in zip(used, wraps, strict=True)) if self.known else None


def _cpu_counters() -> list[Counter]:
    """One counter for each processor package; none where they do not exist or only root may read them."""
    with suppress(OSError, ValueError):
        # `intel-rapl:0:0` is a part of package 0, whose energy counts it already.
        folders = [folder for folder in POWERCAP.glob("intel-rapl:[0-9]*") if folder.name.count(":") == 1]
        return [_package(folder) for folder in sorted(folders)]
    return []


def _package(folder: Path) -> Counter:
    def joules() -> float:
        return int((folder / "energy_uj").read_text()) / 1e6

    joules()  # An error if it may not be read.
    return joules, int((folder / "max_energy_range_uj").read_text()) / 1e6


def _gpu_counters() -> list[Counter]:
    """The counter of the GPU that torch trains on; none without NVML, or on a GPU that does not count."""
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return []
    handle = ctypes.c_void_p()
    name = f"GPU-{torch.cuda.get_device_properties(torch.cuda.current_device()).uuid}"
    if nvml.nvmlInit_v2() or nvml.nvmlDeviceGetHandleByUUID(name.encode(), ctypes.byref(handle)):
        return []

    def joules() -> float:
        millijoules = ctypes.c_ulonglong()
        # A status that is not 0 is an error, and an unknown energy must not add up to a number.
        failed = nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules))
        return float("nan") if failed else millijoules.value / 1e3

    return [(joules, float("inf"))] if joules() >= 0 else []
