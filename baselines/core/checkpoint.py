"""The state of an unfinished training in one safetensors file: weights, best weights, optimiser and progress.

It is read back only as it was written: a digest of all that it holds stands in its header.
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

from baselines.core.baseline import TaskCounts, TrainStats
from tasks.core.errors import InputError

FILE = "state.safetensors"


@dataclass(kw_only=True)
class Progress:
    """How far a training has come: the round and the step in it that come next."""

    round: int = 0
    step: int = 0
    updates: int = 0
    record: TrainStats = field(default_factory=TrainStats)


@dataclass(frozen=True)
class Training:
    """What changes while a model is trained."""

    model: nn.Module
    optimiser: torch.optim.Optimizer
    best: dict[str, Tensor]
    progress: Progress

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor of the state, by name."""
        yield from ((f"model/{name}", tensor) for name, tensor in self.model.state_dict().items())
        yield from ((f"best/{name}", tensor) for name, tensor in self.best.items())
        for name, parameter in self.model.named_parameters():
            yield from (
                (f"optimiser/{part}/{name}", tensor) for part, tensor in self.optimiser.state[parameter].items()
            )


def save(folder: Path, training: Training) -> None:
    """Write the state whole or not at all; OSError where it cannot be written, as on a full disk."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{FILE}.part"
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in training.tensors()}
    progress = json.dumps(asdict(training.progress))
    try:
        save_file(tensors, unfinished, metadata={"progress": progress, "digest": _digest(tensors, progress)})
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(folder / FILE)
    except SafetensorError as error:
        raise _of_system(error, folder / FILE) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _of_system(error: SafetensorError, path: Path) -> Exception:
    """What safetensors says of an error of the system, "... (os error 28)", as the OSError that it is."""
    number = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1])), str(path)) if number else error


def _digest(tensors: Mapping[str, Tensor], progress: str) -> str:
    """The SHA-256 of a state, to the bit."""
    total = hashlib.sha256(progress.encode())
    for name, tensor in sorted(tensors.items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


def load(folder: Path, training: Training) -> bool:
    """Bring a training to the state that lies in a folder, if one does; False where it is not what was written."""
    for left in folder.glob(".tmp*"):  # What safetensors was writing when it was killed: as large as the state itself.
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
        # An error of the system passes, and is no damage.
        if isinstance(found := _of_system(error, folder / FILE), OSError):
            raise found from error
        return False
    except (KeyError, TypeError, ValueError):
        return False
    try:
        _restore(training, tensors, json.loads(stored["progress"]))
    except Exception as error:  # torch and json each have their own errors for what is of another form.
        what = type(error).__name__
        raise InputError(f"{folder / FILE} is of another training ({what}): delete it and run again") from error
    return True


def _restore(training: Training, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
    training.model.load_state_dict(_part(tensors, "model/"))
    training.best.update(_part(tensors, "best/"))
    for name, parameter in training.model.named_parameters():
        for part in ("step", "exp_avg", "exp_avg_sq"):
            stored = tensors.get(f"optimiser/{part}/{name}")
            if stored is not None:
                # The step count of a fused optimiser lies on the device of its parameter, as the moments do.
                training.optimiser.state[parameter][part] = stored.to(parameter.device)
    record = progress.pop("record")
    record["task_counts"] = {task: TaskCounts(**seen) for task, seen in record["task_counts"].items()}
    vars(training.progress).update(progress, record=TrainStats(**record))


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
