"""Energy of one training, where the hardware tells it: the GPU's own counter, or those of the processor packages.

Sources: NVML, nvmlDeviceGetTotalEnergyConsumption (millijoules, Volta and later); Linux powercap, intel-rapl:<package>,
energy_uj (microjoules, which start again at max_energy_range_uj, after minutes of full load). Both count whatever runs
there, not this process alone.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

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
