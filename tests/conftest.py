"""Fixtures that several test files share: a small encoder, a small bench, and what a report of made-up results says."""

from __future__ import annotations

import shutil
import string
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from baselines.core.settings import PAPER
from bench.cli import report as command
from made_up_results import KINDS, Maker
from small_bench import bench, plugins

__all__ = ["bench", "plugins"]

WORDS = "the patient was seen in clinic denies chest pain aspirin mg daily x ray given".split()


def make_encoder(folder: Path, kind: str = "bert", **changes: Any) -> Path:
    """Write a BERT-type encoder of two thin layers: random weights, a vocabulary of some words and all letters."""
    import torch
    from transformers import AutoConfig, AutoModel

    marks = list(string.ascii_lowercase + string.digits + string.punctuation)
    parts = ("##" + character for character in string.ascii_lowercase + string.digits)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *marks, *parts]
    vocabulary = list(dict.fromkeys(pieces))
    sizes: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
    }
    sizes |= {"vocab_size": len(vocabulary), "max_position_embeddings": 200, "pad_token_id": 0} | changes
    config = AutoConfig.for_model(kind, **sizes)
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


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every run of a comparison of three seeds, and one of another schedule."""
    maker = Maker(root=tmp_path_factory.mktemp("whole"))
    maker.everything()
    maker.run("multitask-round_robin", tuple(KINDS), 0, skill=0.6)
    return maker.root


@pytest.fixture(scope="session")
def holed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Official corpora, one seed of mednli and all of quaero_2014 missing, with settings of its own."""
    settings = replace(PAPER, epochs_of=(("mednli", 3),), span_batch=7)
    maker = Maker(root=tmp_path_factory.mktemp("holed"), corpus="official", settings=settings)
    maker.everything((0, 1))
    single = maker.root / "runs" / "official-minilm" / "single_task"
    shutil.rmtree(single / "quaero_2014")
    shutil.rmtree(single / "mednli" / "seed-1")
    return maker.root


Report = Callable[..., str]


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """What `python -m bench report` prints of a results folder, with these options."""

    def report(results: Path, *options: str) -> str:
        parser = ArgumentParser()
        command.add_arguments(parser)
        assert command.main(parser.parse_args(["--results", str(results), *options])) == 0
        return capsys.readouterr().out

    return report
