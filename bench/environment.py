"""Where a result was made: versions, platform, processor and device. Nothing personal: no host, user or folder."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from bench import __version__
from tasks.core.errors import InputError

_PROCESSOR = Path("/proc/cpuinfo")


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


def environment(device: str | None) -> Environment:
    """This machine now; `device` is cpu or cuda, or None for a run that used no torch."""
    name, threads = ("cpu", 1) if device is None else _torch_device(device)
    return Environment(
        python=platform.python_version(),
        torch=_version("torch"),
        transformers=_version("transformers"),
        numpy=_version("numpy"),
        platform=f"{platform.system()}-{platform.machine()}",
        processor=_processor(),
        device=name,
        threads=threads,
        bench=__version__,
    )


def choose_device(wanted: str) -> str:
    """cpu or cuda for what the user gave: auto, cpu or cuda."""
    if wanted == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise InputError("there is no CUDA device here that torch can use: give --device cpu")
    return "cpu"


def _torch_device(device: str) -> tuple[str, int]:
    import torch

    return (torch.cuda.get_device_name() if device == "cuda" else device), torch.get_num_threads()


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    lines = _PROCESSOR.read_text().splitlines() if _PROCESSOR.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
