"""The encoder and the results folder of a command: checked, found or fetched before anything is trained."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from baselines.core import hub
from bench.store import runs as store
from bench.store.bounds import refuse_links
from bench.store.sanitise import sanitise
from tasks.core.errors import InputError


@dataclass(frozen=True)
class EncoderFiles:
    """An encoder by the name results give it; folder and digest are None where its files were not looked at."""

    name: str
    folder: Path | None = None
    digest: str | None = None

    @property
    def weights_bytes(self) -> int:
        """The size of its weights, which may lie there in two forms; 0 where its files were not looked at."""
        files = [[*self.folder.glob(one)] for one in ("*.safetensors", "*.bin")] if self.folder else [[]]
        return max(sum(file.stat().st_size for file in form) for form in files)


def encoder_files(encoder: str, fetch: bool) -> EncoderFiles:
    """The files of an encoder; without `fetch` nothing is downloaded, and one that is not here yet is only named."""
    # No network at all unless an encoder of a hub is named: said before its client is imported.
    if hub.is_local(encoder) or not fetch:
        os.environ["HF_HUB_OFFLINE"] = "1"
        # Bars of others, for loading weights, would break into ours; a download may show how far it is.
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    try:
        folder = hub.resolve(encoder)
    except InputError:
        if fetch or not _of_hub(encoder):
            raise
        return EncoderFiles(encoder)
    digest = hub.digest(folder)
    name = hub.name_in_results(encoder, digest)
    if not hub.packs(folder):
        sys.stderr.write(f"{sanitise(name)} is of a model type that cannot be packed: its batches are padded\n")
    return EncoderFiles(name, folder, digest)


def require_known(encoder: str) -> None:
    """InputError for an encoder that is neither here nor one of a hub."""
    if not _of_hub(encoder):
        hub.resolve(encoder)


def _of_hub(encoder: str) -> bool:
    named = re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", encoder) or any(encoder == one.name for one in hub.ENCODERS)
    return bool(named) and not hub.is_local(encoder)


def require_writable(results: Path) -> None:
    """InputError where results could not be stored, before anything is trained."""
    try:
        for part in (store.RUNS, store.UNFINISHED):
            refuse_links(results / part)
        (results / store.RUNS).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=results / store.RUNS):
            pass
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"results cannot be written to {results} ({reason}): give another with --results") from error
