"""How many runs at once: one for each core of a processor, one for each GPU or more where their memory leaves room."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from pathlib import Path

CUDA_BYTES = 600 * 2**20
"""What a process takes of a GPU before its first tensor: the CUDA context and the kernels of cuBLAS."""

PEAK_MARGIN = 1.2
"""Another seed may take so many times the measured peak: the allocator keeps blocks that it has freed."""

WEIGHTS_IN_TRAINING = 6
"""Weights, gradients, two moments, the best epoch and a checkpoint on its way: what a training holds of its encoder."""

PROCESS_BYTES = 2**30
"""What a training takes besides: libraries, windows, the hidden units of a batch."""


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def shared_out(trainings: int, weights_bytes: int, jobs: int | None, threads: int | None) -> tuple[int, int]:
    """How many runs at once on a processor, and how many threads each has, where one or both were not asked for.

    One thread a run is fastest: small batches leave a second one waiting. What a resumed command is given must be what
    it was given first, so both follow from the machine and the grid, and not from what is done or free.
    """
    usual = int(limit) if (limit := os.environ.get("OMP_NUM_THREADS", "")).isdigit() and int(limit) else None
    if jobs is None:
        most = cores() // (threads or usual or 1)
        fitting = int(0.8 * _memory_bytes() // (PROCESS_BYTES + WEIGHTS_IN_TRAINING * weights_bytes))
        jobs = max(1, min(most, trainings or most, fitting))
    return jobs, threads or usual or max(1, cores() // jobs)


def _memory_bytes() -> int:
    """The memory of this machine, or of the part of it that a container or a job has."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        if Path(file).is_file() and (limit := Path(file).read_text().strip()).isdigit():
            found.append(int(limit))
    return min(found)


class Slots:
    """Which runs are under way on which device: a processor counts as one device, of `jobs` equal shares."""

    def __init__(self, jobs: int | None, gpu_bytes: Sequence[int] = ()) -> None:
        self.gpu_bytes = gpu_bytes
        # A number that was asked for is spread evenly; else a run whose peak is not known has a GPU to itself.
        self.share = max(len(gpu_bytes), 1) / jobs if jobs else None
        self.taken: dict[Hashable, tuple[int, float]] = {}

    def device(self, peak_bytes: int | None, alone: bool) -> int | None:
        """The number of a device that has room for a run; None where none has."""
        if self.taken and (alone or any(part > 1 for _, part in self.taken.values())):
            return None
        needed = [self._needed(number, peak_bytes) for number in range(max(len(self.gpu_bytes), 1))]
        free = [1.0 - sum(part for at, part in self.taken.values() if at == number) for number in range(len(needed))]
        # A little more than nothing: 1 - 2 * (1 / 3) is less than 1 / 3.
        fitting = [number for number, part in enumerate(needed) if part <= free[number] + 1e-6]
        return max(fitting, key=lambda number: free[number], default=None)

    def take(self, run: Hashable, device: int, peak_bytes: int | None, alone: bool) -> None:
        """A run begins on a device; one that is alone takes more than there is of any."""
        self.taken[run] = device, 2.0 if alone else self._needed(device, peak_bytes)

    def leave(self, run: Hashable) -> None:
        """A run has ended."""
        del self.taken[run]

    def _needed(self, device: int, peak_bytes: int | None) -> float:
        if self.share is not None:
            return min(self.share, 1.0)
        if peak_bytes is None or not self.gpu_bytes:
            return 1.0
        return min(1.0, (PEAK_MARGIN * peak_bytes + CUDA_BYTES) / self.gpu_bytes[device])
