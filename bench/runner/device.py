"""What torch trains on: a GPU where there is one, or the processor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from bench.store.environment import Environment, environment
from tasks.core.errors import InputError


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


def gpu_bytes() -> list[int]:
    """The free memory of each GPU that torch sees."""
    import torch

    return [torch.cuda.mem_get_info(number)[0] for number in range(torch.cuda.device_count())]


def torch_environment(device: str) -> Environment:
    """This machine with its device, cpu or cuda, by the name that torch knows it by."""
    import torch

    return environment(torch.cuda.get_device_name() if device == "cuda" else device, torch.get_num_threads())


class OutOfMemory(InputError):
    """A GPU, or the machine, has less memory left than a run takes."""


@contextmanager
def memory_suffices() -> Iterator[None]:
    """OutOfMemory where the block takes more memory than the GPU, or the machine, has left."""
    try:
        yield
    except (RuntimeError, MemoryError, InputError) as error:
        # One that was taken for a damaged file has it as its cause.
        if (short := _short_memory(error.__cause__ or error)) is None:
            raise
        raise OutOfMemory(
            f"the memory of {short}: end what else uses it, lower the batches or the windows, give a smaller encoder"
            + (" or --device cpu" if short.startswith("the GPU") else "")
        ) from None


def _short_memory(error: BaseException) -> str | None:
    """Which memory is too small, and by how much as far as that is known; None for an error of another kind."""
    import torch

    if isinstance(error, torch.OutOfMemoryError):
        taken, total = torch.cuda.max_memory_allocated() / 2**30, torch.cuda.mem_get_info()[1] / 2**30
        return f"the GPU is too small ({total:.1f} GiB; {taken:.1f} taken here)"
    # torch has no class of its own for a processor's; oneDNN and the C++ library have words of theirs.
    words = ("DefaultCPUAllocator", "bad_alloc", "could not create a primitive", "could not create a memory")
    if not isinstance(error, MemoryError) and not any(word in str(error) for word in words):
        return None
    asked = re.search(r"tried to allocate (\d+) bytes", str(error))
    return "this machine is too small" + (f" ({int(asked[1]) / 2**20:,.0f} MiB more were needed)" if asked else "")
