"""Where a result was made: versions, platform, processor and device. Nothing personal: no host, user or folder."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from bench import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The machine and the libraries of a run; None is not installed."""

    python: str
    torch: str | None
    transformers: str | None
    numpy: str | None
    platform: str
    processor: str
    device: str
    threads: int
    bench: str


def environment(device: str = "cpu", threads: int = 1) -> Environment:
    """This machine now, with the name of the device that was trained on and the threads that torch had."""
    return Environment(
        python=platform.python_version(),
        torch=_version("torch"),
        transformers=_version("transformers"),
        numpy=_version("numpy"),
        platform=f"{platform.system()}-{platform.machine()}",
        processor=_processor(),
        device=device,
        threads=threads,
        bench=__version__,
    )


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    for line in file.read_text().splitlines() if file.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
