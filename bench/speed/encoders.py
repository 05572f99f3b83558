"""The encoder of a measurement: a known one, or one of BERT-base's size that needs no download."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from baselines.core import hub
from bench.runner.encoder_files import EncoderFiles, encoder_files
from bench.store.locks import temporary_folder

RANDOM = "bert-base-random"
"""The name of an encoder of BERT-base's size whose weights are as drawn: how fast it is does not depend on them."""


@contextmanager
def named(encoder: str | None, data: Path | None) -> Iterator[EncoderFiles]:
    """The files of an encoder, which last as long as the block; without a name that of `run`."""
    if encoder == RANDOM:
        with temporary_folder() as folder:
            yield _drawn(folder)
    else:
        yield encoder_files(encoder or (hub.DEMO if data is None else hub.CLINICAL), fetch=True)


def _drawn(folder: Path) -> EncoderFiles:
    """An encoder of BERT-base's size (12 layers, 768 units) with weights as drawn and the demo encoder's tokenizer."""
    demo = encoder_files(hub.DEMO, fetch=False).folder
    import torch
    from transformers import BertConfig, BertModel

    assert demo is not None
    for path in hub.text_files(demo):
        shutil.copyfile(path, folder / path.name)
    torch.manual_seed(0)
    BertModel(BertConfig()).save_pretrained(folder)
    return EncoderFiles(RANDOM, folder, hub.digest(folder))
