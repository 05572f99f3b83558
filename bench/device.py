"""What torch trains on: a GPU where there is one, or the processor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench.environment import Environment, environment
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


@contextmanager
def memory_suffices() -> Iterator[None]:
    """InputError where what is done in the block takes more memory than the GPU has left."""
    try:
        yield
    except RuntimeError as error:
        import torch

        if not isinstance(error, torch.OutOfMemoryError):
            raise
        taken, whole = torch.cuda.max_memory_allocated() / 2**30, torch.cuda.mem_get_info()[1] / 2**30
        raise InputError(
            f"the memory of the GPU is too small ({whole:.1f} GiB; {taken:.1f} taken here): end what else uses it, "
            "lower the batches or the windows, give a smaller encoder or --device cpu"
        ) from None


def torch_environment(device: str) -> Environment:
    """This machine with its device, cpu or cuda, by the name that torch knows it by."""
    import torch

    return environment(torch.cuda.get_device_name() if device == "cuda" else device, torch.get_num_threads())
