"""Fixtures that several test files share: an encoder small enough to be made in the test itself."""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path

import pytest

WORDS = [
    "the",
    "patient",
    "was",
    "seen",
    "in",
    "clinic",
    "denies",
    "chest",
    "pain",
    "aspirin",
    "mg",
    "daily",
    "x",
    "ray",
    "given",
]


def make_encoder(folder: Path, kind: str = "bert") -> Path:
    """Write a BERT-type encoder of two thin layers: random weights, a vocabulary of some words and all letters."""
    import torch
    from transformers import AutoConfig, AutoModel

    marks = list(string.ascii_lowercase + string.digits + string.punctuation)
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *WORDS,
        *marks,
        *("##" + c for c in string.ascii_lowercase + string.digits),
    ]
    vocabulary = list(dict.fromkeys(pieces))
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    config = AutoConfig.for_model(
        kind, vocab_size=len(vocabulary), max_position_embeddings=200, pad_token_id=0, **sizes
    )
    torch.manual_seed(0)
    AutoModel.from_config(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache of tokenised corpora of these tests: nobody's own is read or filled."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT in a folder."""
    return make_encoder(tmp_path_factory.mktemp("encoder"))
