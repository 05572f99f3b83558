"""Trained models on disk: each a folder that is itself an encoder, with the heads and what they answer beside it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.core import hub
from baselines.core.baseline import TrainSpec
from baselines.core.settings import Settings
from bench import registry
from bench.store import strict_json
from bench.store.atomic import atomic_write, recover
from bench.store.bounds import RESULT_BYTES, read_bytes
from bench.store.checksums import require_checksums, write_checksums
from bench.store.names import RunName
from bench.store.runs import Fingerprints
from tasks.core.errors import InputError
from tasks.core.kinds import Task

if TYPE_CHECKING:
    from baselines.core.model import MultitaskModel

FORMAT = 3
MODELS = "models"
CARD, _ENCODER, _HEADS = "model.json", "model.safetensors", "heads.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a kept model is; `labels` by task."""

    format: int = FORMAT
    labels: dict[str, tuple[str, ...]]
    seed: int
    settings: Settings
    fingerprints: Fingerprints


def is_kept(results: Path, name: RunName, fingerprints: Fingerprints) -> bool:
    """Whether the model of just this run lies in a results folder."""
    folder = results / MODELS / name.path
    recover(folder)
    try:
        require_checksums(folder)
        return read_card(folder).fingerprints == fingerprints
    except (InputError, ValueError):
        return False


def keep(model: Any, spec: TrainSpec, name: RunName, fingerprints: Fingerprints, results: Path) -> Path:
    """Write a trained model atomically; the folder it lies in. It holds weights and no text of any note."""
    from safetensors.torch import save_file

    from baselines.core.model import MultitaskModel

    if not isinstance(model, MultitaskModel):
        raise InputError(f"a model of {name.arm} is of a kind that cannot be kept: leave out --keep-models")
    assert spec.encoder is not None
    labels = {task.name: task.labels for task in spec.tasks}
    card = Card(labels=labels, seed=spec.seed, settings=spec.settings, fingerprints=fingerprints)
    folder = results / MODELS / name.path
    with atomic_write(folder) as new:
        for path in hub.text_files(spec.encoder):
            shutil.copyfile(path, new / path.name)
        for module, file in ((model.encoder.model, _ENCODER), (model.heads, _HEADS)):
            tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
            save_file(tensors, new / file, metadata={"format": "pt"})
        (new / CARD).write_text(strict_json.dumps(card, indent=1) + "\n")
        write_checksums(new)
    return folder


def read_card(folder: Path) -> Card:
    """The card of a kept model; InputError where there is none that can be read."""
    try:
        return strict_json.loads(Card, read_bytes(folder / CARD, RESULT_BYTES))
    except strict_json.OtherFormat as error:
        raise InputError(f"{folder}: {error}: make it again with `run --keep-models`") from None
    except ValueError as error:
        raise _damaged(folder, str(error)) from None


def load(folder: Path, device: str = "cpu") -> MultitaskModel:
    """A kept model, for answers alone; it scores to the bit as it did when its run was finished."""
    from safetensors.torch import load_file

    card = read_card(folder)
    try:
        require_checksums(folder)
    except ValueError as error:
        raise _damaged(folder, str(error)) from None
    tasks = tuple(registry.task(name) for name in card.labels)
    for task in tasks:
        if task.labels != card.labels[task.name]:
            raise _damaged(folder, f"{task.name} has other labels now")
    model = untrained(folder, tasks, card.settings, device, card.seed)
    try:
        model.heads.load_state_dict(load_file(folder / _HEADS))
    except Exception as error:  # Of safetensors or torch, which have errors of their own for what is not as it should.
        raise _damaged(folder, f"{_HEADS} does not hold the weights of its heads") from error
    return model


def untrained(
    encoder: Path, tasks: tuple[Task[Any, Any], ...], settings: Settings, device: str, seed: int = 0
) -> MultitaskModel:
    """A model as it is before training, for answers alone."""
    from baselines.core.model import MultitaskModel

    spec = TrainSpec(
        tasks=tasks, examples=lambda task, split: (), seed=seed, settings=settings, encoder=encoder, device=device,
        checkpoints=encoder, checkpoint_seconds=0.0, progress=lambda fraction, note: None,
    )  # fmt: skip
    model = MultitaskModel(spec)
    model.freeze()
    return model


def _damaged(folder: Path, reason: str) -> InputError:
    return InputError(f"{folder} is no whole model ({reason}): make it again with `run --keep-models`")
