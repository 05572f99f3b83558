"""The state of an unfinished training in one safetensors file: weights, best weights, optimiser and progress.

A digest of all of it stands in the file's header: a state is read back only to the bit as it was written.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from baselines.core.stats import TaskCounts, TrainStats
from tasks.core.errors import InputError

FILE = "state.safetensors"


@dataclass(kw_only=True)
class TrainProgress:
    """How far a training is: the epoch, and the step in it, that come next, from 0."""

    epoch: int = 0
    step: int = 0
    updates: int = 0
    stats: TrainStats = field(default_factory=TrainStats)


@dataclass(frozen=True)
class TrainState:
    """All that changes in a training. Random streams are no part of it: each step begins its own by name."""

    model: nn.Module
    optimiser: torch.optim.Optimizer
    best: dict[str, Tensor]
    progress: TrainProgress

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor of the state, by name."""
        yield from ((f"model/{name}", tensor) for name, tensor in self.model.state_dict().items())
        yield from ((f"best/{name}", tensor) for name, tensor in self.best.items())
        for name, parameter in self.model.named_parameters():
            for part, tensor in self.optimiser.state[parameter].items():
                yield f"optimiser/{part}/{name}", tensor


def save(folder: Path, state: TrainState) -> None:
    """Write the state whole or not at all; OSError where it cannot be written, as on a full disk."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{FILE}.part"
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.tensors()}
    progress = json.dumps(asdict(state.progress))
    try:
        save_file(tensors, unfinished, metadata={"progress": progress, "digest": _digest(tensors, progress)})
        # Without it a power cut could leave the new name with none of the content.
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(folder / FILE)
    except SafetensorError as error:
        raise _system_error(error, folder / FILE) from error
    finally:
        unfinished.unlink(missing_ok=True)


def load(folder: Path, state: TrainState) -> bool:
    """Bring a training to the state in a folder, if there is one; False where it is not what was written."""
    for left in folder.glob(".tmp*"):  # safetensors was killed while it wrote: as large as the state itself.
        left.unlink()
    if not (folder / FILE).exists():
        return True
    try:
        with safe_open(folder / FILE, framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
            stored = file.metadata()
        if stored["digest"] != _digest(tensors, stored["progress"]):
            return False
    except SafetensorError as error:
        # An error of the system, such as too many open files, says nothing about the content.
        if isinstance(system := _system_error(error, folder / FILE), OSError):
            raise system from error
        return False
    except (KeyError, TypeError, ValueError):
        return False
    try:
        _restore(state, tensors, json.loads(stored["progress"]))
    except Exception as error:  # torch and json each have their own errors for what is of another form.
        what = type(error).__name__
        raise InputError(f"{folder / FILE} is of another training ({what}): delete it and run again") from error
    return True


def _restore(state: TrainState, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
    def part(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}

    state.model.load_state_dict(part("model/"))
    state.best.update(part("best/"))
    for name, parameter in state.model.named_parameters():
        for moment in ("step", "exp_avg", "exp_avg_sq"):
            # A parameter that had no gradient yet, as of a head whose task is still to come, has none of them.
            if (stored := tensors.get(f"optimiser/{moment}/{name}")) is not None:
                # A fused optimiser wants its step count on the device of the parameter too.
                state.optimiser.state[parameter][moment] = stored.to(parameter.device)
    stats = progress.pop("stats")
    stats["task_counts"] = {task: TaskCounts(**counts) for task, counts in stats["task_counts"].items()}
    vars(state.progress).update(progress, stats=TrainStats(**stats))


def _system_error(error: SafetensorError, path: Path) -> Exception:
    """The OSError that safetensors reports as "... (os error 28)"; the error itself where it is none."""
    number = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1])), str(path)) if number else error


def _digest(tensors: Mapping[str, Tensor], progress: str) -> str:
    """The SHA-256 of a state, to the bit."""
    total = hashlib.sha256(progress.encode())
    for name, tensor in sorted(tensors.items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
