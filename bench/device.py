"""What torch trains on: a GPU where there is one, or the processor."""

from __future__ import annotations

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


def torch_environment(device: str) -> Environment:
    """This machine with its device, cpu or cuda, by the name that torch knows it by."""
    import torch

    return environment(torch.cuda.get_device_name() if device == "cuda" else device, torch.get_num_threads())
