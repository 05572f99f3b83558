"""The card of a kept model: what it answers, and which run it is of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from baselines.core.settings import Settings
from bench.store import strict_json
from bench.store.atomic import recover
from bench.store.bounds import RESULT_BYTES, read_bytes
from bench.store.checksums import require_checksums
from bench.store.names import RunName
from bench.store.runs import UNFINISHED, Fingerprints
from tasks.core.errors import InputError

FORMAT = 4
MODELS, STARTS, CARD = "models", f"{UNFINISHED}/starts", "model.json"
"""Where models are kept for good, and where while runs that start from them are due; what says whose one is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a kept model is; `labels` by task."""

    format: int = FORMAT
    labels: dict[str, tuple[str, ...]]
    seed: int
    settings: Settings
    fingerprints: Fingerprints


def kept_folder(results: Path, name: RunName, fingerprints: Fingerprints) -> Path | None:
    """The folder of the model of just this run, kept for good or for runs that start from it; None if it is neither."""
    roots = (results / MODELS, results / STARTS)
    return next((root / name.path for root in roots if is_kept(root, name, fingerprints)), None)


def is_kept(models: Path, name: RunName, fingerprints: Fingerprints) -> bool:
    """Whether the model of just this run lies in a folder of kept models."""
    folder = models / name.path
    recover(folder)
    try:
        require_checksums(folder)
        return read_card(folder).fingerprints == fingerprints
    except (InputError, ValueError):
        return False


def read_card(folder: Path) -> Card:
    """The card of a kept model; InputError where there is none that can be read."""
    try:
        return strict_json.loads(Card, read_bytes(folder / CARD, RESULT_BYTES))
    except strict_json.OtherFormat as error:
        raise InputError(f"{folder}: {error}: make it again with `run --keep-models`") from None
    except ValueError as error:
        raise damaged(folder, str(error)) from None


def damaged(folder: Path, reason: str) -> InputError:
    """The error for a kept model that is not what was written."""
    return InputError(f"{folder} is no whole model ({reason}): make it again with `run --keep-models`")
