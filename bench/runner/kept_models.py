"""Trained models on disk: each a folder that is itself an encoder, with the heads and what they answer beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.core import hub
from baselines.core.baseline import TrainSpec
from baselines.core.settings import Settings
from bench import registry
from bench.store import strict_json
from bench.store.atomic import atomic_write
from bench.store.checksums import require_checksums, write_checksums
from bench.store.model_cards import CARD, Card, damaged, read_card
from bench.store.names import RunName
from bench.store.runs import Fingerprints
from tasks.core.errors import InputError
from tasks.core.kinds import Task

if TYPE_CHECKING:
    from baselines.core.model import MultitaskModel

_ENCODER, HEADS = "model.safetensors", "heads.safetensors"


def keep(model: Any, spec: TrainSpec, name: RunName, fingerprints: Fingerprints, models: Path) -> Path:
    """Write a trained model below `models` atomically; its folder. It holds weights and no text of any note."""
    from safetensors.torch import save_file

    from baselines.core.model import MultitaskModel

    if not isinstance(model, MultitaskModel):
        raise InputError(
            f"a model of {name.arm} is of a kind that cannot be kept: leave out --keep-models, and what starts from it"
        )
    assert spec.encoder is not None
    labels = {task.name: task.labels for task in spec.tasks}
    card = Card(labels=labels, seed=spec.seed, settings=spec.settings, fingerprints=fingerprints)
    folder = models / name.path
    with atomic_write(folder) as new:
        for path in hub.text_files(spec.encoder):
            shutil.copyfile(path, new / path.name)
        for module, file in ((model.encoder.model, _ENCODER), (model.heads, HEADS)):
            tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
            save_file(tensors, new / file, metadata={"format": "pt"})
        (new / CARD).write_text(strict_json.dumps(card, indent=1) + "\n")
        write_checksums(new)
    return folder


def load(folder: Path, device: str = "cpu") -> MultitaskModel:
    """A kept model, for answers alone; it scores to the bit as it did when its run was finished."""
    from safetensors.torch import load_file

    card = read_card(folder)
    try:
        require_checksums(folder)
    except ValueError as error:
        raise damaged(folder, str(error)) from None
    tasks = tuple(registry.task(name) for name in card.labels)
    for task in tasks:
        if task.labels != card.labels[task.name]:
            raise damaged(folder, f"{task.name} has other labels now")
    model = untrained(folder, tasks, card.settings, device, card.seed)
    try:
        model.heads.load_state_dict(load_file(folder / HEADS))
    except Exception as error:  # Of safetensors or torch, which have errors of their own for what is not as it should.
        raise damaged(folder, f"{HEADS} does not hold the weights of its heads") from error
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
