"""The shared encoder: any BERT-type model, run on packed sequences, or padded where it cannot be packed.

B sequences, T sub-words of all, L sub-words of the longest, H hidden units, R places read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel
from transformers.utils import logging

from baselines.core.attention import ATTENTION, unpad_input
from baselines.core.batches import Batch, Few
from baselines.core.hub import packs
from baselines.core.rng import DropoutRng, use_rng
from tasks.core.errors import InputError

LAYERED = ("bert", "roberta", "camembert", "xlm-roberta", "electra")
"""Model types built as BERT is, each layer's weights its own: the last can leave out what is not read."""

LARGEST, MOST_LAYERS = 10**7, 1000
"""No encoder is larger: what says it is would be built for hours before its weights are found not to fit."""


class SharedEncoder(nn.Module):
    """A pretrained encoder that reads packed windows."""

    def __init__(self, folder: Path, dropout: float, source: DropoutRng, pretrained: bool = True) -> None:
        super().__init__()
        config = _config(folder)
        self.packs = packs(folder)
        if self.packs:
            config._attn_implementation = ATTENTION
        self.name = f"{folder.name} (model type {config.model_type})"
        self.hidden: int = config.hidden_size
        self.longest = _longest(config)
        self.segmented: bool = getattr(config, "type_vocab_size", 0) > 1
        self.model: Any = _weights(folder, config) if pretrained else AutoModel.from_config(config)
        self.model.pooler = nn.Identity()  # Some types call it unasked.
        self.first_position = self._first_position()
        self.source = source
        self._narrowed = Narrowed(source) if self.packs and config.model_type in LAYERED else None
        if self._narrowed is not None:
            last = self.model.get_submodule(f"encoder.layer.{config.num_hidden_layers - 1}.attention.output")
            last.register_forward_pre_hook(self._narrowed)
        use_rng(self.model, dropout, source)
        norms = [module for module in self.model.modules() if isinstance(module, nn.LayerNorm)]
        for module in (*norms, *filter(None, [getattr(self.model, "embeddings", None)])):
            module.register_forward_hook(_at_the_precision_of_autocast)

    def forward(self, batch: Batch) -> Tensor:
        """The hidden states at the places a head reads, [R, H]."""
        return self._packed(batch) if self.packs else self._padded(batch)[batch.read_positions]

    def restrict_vocabulary(self, read: np.ndarray) -> None:
        """From here on, train the embeddings of no sub-words but these ids [K]."""
        self.model.set_input_embeddings(TrainableRows(self.model.get_input_embeddings(), read))

    def freeze_words(self) -> None:
        """From here on, train the embeddings of no sub-words: the rows that differ afterwards would tell which were
        read."""
        self.model.get_input_embeddings().requires_grad_(False)

    def trained(self) -> None:
        """Put the embeddings back in one piece."""
        embeddings = self.model.get_input_embeddings()
        if isinstance(embeddings, TrainableRows):
            self.model.set_input_embeddings(embeddings.merged())

    def _first_position(self) -> int:
        """RoBERTa and its kin number positions from behind the padding id."""
        embeddings: Any = getattr(self.model, "embeddings", None)
        if not (hasattr(embeddings, "position_embeddings") and hasattr(embeddings, "padding_idx")):
            return 0
        if embeddings.padding_idx is None:
            raise InputError(f"the config.json of encoder {self.name} names no pad_token_id: fetch it anew")
        return int(embeddings.padding_idx) + 1

    def _packed(self, batch: Batch) -> Tensor:
        inputs = self._segments(batch.token_type_ids)
        few = None
        if self._narrowed is not None:
            few = self._narrowed.few = batch.few
        self.source.n_pad = batch.lengths.n_pad
        out = self.model(input_ids=batch.input_ids, position_ids=batch.position_ids, packed=batch.lengths, **inputs)
        self.source.n_pad = 0
        hidden: Tensor = out.last_hidden_state.squeeze(0)
        return hidden[batch.read_positions] if few is None else hidden[: len(batch.read_positions)]

    def _padded(self, batch: Batch) -> Tensor:
        """The same by the model's own attention: sequences of like length padded together."""
        groups = batch.lengths.groups()
        ids, token_type_ids = batch.input_ids[0][groups.rows], batch.token_type_ids[0][groups.rows]
        real = torch.ones_like(ids) if groups.real is None else groups.real[:, 0].long()
        ids = torch.where(real > 0, ids, self.model.config.pad_token_id or 0)
        sizes = [group.size[0] * group.size[1] for group in groups.each]
        split, outs = [torch.split(part, sizes) for part in (ids, token_type_ids, real)], []
        for group, *parts in zip(groups.each, *split, strict=True):
            shown, second, mask = (part.view(group.size) for part in parts)
            out = self.model(input_ids=shown, attention_mask=mask, **self._segments(second))
            outs.append(out.last_hidden_state.flatten(0, 1))
        return unpad_input(torch.cat(outs), groups)

    def _segments(self, token_type_ids: Tensor) -> dict[str, Tensor]:
        """As an input, for models that tell the first sentence from the second by them."""
        return {"token_type_ids": token_type_ids} if self.segmented else {}


class TrainableRows(nn.Module):
    """Stands in for an embedding [V, H] while it is trained: `rows` [K, H] of it are trained, the rest stays."""

    def __init__(self, whole: nn.Embedding, read: np.ndarray) -> None:
        super().__init__()
        device = whole.weight.device
        self.whole = [whole]  # In a list it is no part of this module: neither trained nor saved with it.
        self.read = torch.from_numpy(read).to(device)
        self.place = torch.zeros(whole.num_embeddings, dtype=torch.int64, device=device)
        self.place[self.read] = torch.arange(len(read), device=device)
        self.rows = nn.Parameter(whole.weight.detach()[self.read].clone())

    def forward(self, ids: Tensor) -> Tensor:
        """[...] -> [..., H]; the development split may read what training does not."""
        if self.training:
            return F.embedding(self.place[ids], self.rows)
        return F.embedding(ids, self.merged().weight)

    @torch.no_grad()
    def merged(self) -> nn.Embedding:
        """The whole embedding with the rows as they are now."""
        (whole,) = self.whole
        whole.weight[self.read] = self.rows
        return whole


class Narrowed:
    """What follows the attention of the last layer mixes no sub-words: those that no head reads end here.

    As a hook it is held by the encoder, and holds nothing of it: a circle would outlive its training.
    """

    def __init__(self, source: DropoutRng) -> None:
        self.source = source
        self.few: Few | None = None

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if self.few is None:
            return inputs
        self.source.n_pad = self.few.n_pad
        return tuple(part[:, self.few.read_positions] for part in inputs)


def _at_the_precision_of_autocast(module: nn.Module, inputs: Any, hidden: Tensor) -> Tensor:
    """What runs between the layers in the precision of the layers: it is cast once here, not at every layer.

    A processor normalises in the precision that comes in; autocast on a GPU gives float32 back.
    """
    device = hidden.device.type
    return hidden.to(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else hidden


def _config(folder: Path) -> Any:
    try:
        # Left open, trust_remote_code makes transformers ask on the terminal whether to run the folder's own code.
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        sizes = (config.hidden_size, _longest(config), config.num_hidden_layers)
    except Exception as error:  # transformers meets each kind of damage with an error of its own.
        raise InputError(
            f"the config.json of encoder {folder.name} is not one of a known model type ({type(error).__name__}): give "
            "the folder of a BERT-type model that runs no code of its own"
        ) from error
    if not all(0 < size <= LARGEST for size in sizes) or config.num_hidden_layers > MOST_LAYERS:
        raise InputError(f"the config.json of encoder {folder.name} has sizes that no encoder has: fetch it anew")
    if getattr(config, "is_encoder_decoder", False) or getattr(config, "is_decoder", False):
        raise InputError(f"{folder.name} has a decoder ({config.model_type}): give the folder of a BERT-type model")
    return without_dropout_inside_attention(config)


def _longest(config: Any) -> int:
    """The most positions that an encoder has; those that say none, or -1, take windows of any length."""
    most = getattr(config, "max_position_embeddings", -1)
    return LARGEST if most == -1 else int(most)


def without_dropout_inside_attention(config: Any) -> Any:
    """The configuration of an encoder in any arm of a comparison: the packed kernels have no dropout there."""
    for name in ("attention_probs_dropout_prob", "attention_dropout"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    return config


def _weights(folder: Path, config: Any) -> nn.Module:
    try:
        # Plain pytorch_model.bin files load as tensors alone: weights_only refuses any code in the pickle.
        options = {"local_files_only": True, "weights_only": True, "trust_remote_code": False, "dtype": torch.float32}
        with _quiet():
            model, report = AutoModel.from_pretrained(folder, config=config, output_loading_info=True, **options)
    except Exception as error:  # Torch, safetensors and transformers each have their own errors for a damaged file.
        what = type(error).__name__
        raise InputError(
            f"the weights of encoder {folder.name} cannot be read ({what}): fetch the file anew"
        ) from error
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    if missing:
        # What is not in the file would start at random, and the scores would say nothing about the encoder.
        raise InputError(
            f"the weights of encoder {folder.name} lack {len(missing)} tensors, {missing[0]} for one: fetch it anew"
        )
    loaded: nn.Module = model
    return loaded


@contextmanager
def _quiet() -> Iterator[None]:
    """No report of transformers on a pooler that we do not use: what is really missing is said by ourselves."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
