"""The shared encoder: any BERT-type model, run on packed sequences, or padded where it cannot be packed.

B sequences, T tokens of all of them, H hidden units, R read positions, K trained rows of the vocabulary.
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
from baselines.core.batches import Batch
from baselines.core.hub import packs
from baselines.core.rng import DropoutRng, use_rng
from tasks.core.errors import InputError

LAYERED = ("bert", "roberta", "camembert", "xlm-roberta", "electra")
"""Model types built as BERT is, each layer with weights of its own: the last can leave out what is not read."""

MAX_SIZE, MAX_LAYERS = 10**7, 1000
"""No encoder is larger: one that says so would be built for hours before its weights are found not to fit."""


class SharedEncoder(nn.Module):
    """A pretrained encoder that reads packed windows."""

    def __init__(self, folder: Path, dropout: float, source: DropoutRng) -> None:
        super().__init__()
        config = _config(folder)
        self.packs = packs(folder)
        if self.packs:
            config._attn_implementation = ATTENTION
        self.name = f"{folder.name} (model type {config.model_type})"
        self.hidden_size: int = config.hidden_size
        self.model: Any = _pretrained(folder, config)
        self.model.pooler = nn.Identity()  # No head reads it, but some types call it unasked.
        embeddings: Any = getattr(self.model, "embeddings", None)
        self.first_position = _first_position(embeddings, self.name)
        self.max_length = _max_positions(config) - self.first_position
        self.has_token_types: bool = getattr(config, "type_vocab_size", 0) > 1
        self.source = source
        self._last_layer = ReadTokensOnly(source) if self.packs and config.model_type in LAYERED else None
        if self._last_layer is not None:
            last = self.model.get_submodule(f"encoder.layer.{config.num_hidden_layers - 1}.attention.output")
            last.register_forward_pre_hook(self._last_layer)
        use_rng(self.model, dropout, source)
        norms = [module for module in self.model.modules() if isinstance(module, nn.LayerNorm)]
        for module in (*norms, *filter(None, [embeddings])):
            module.register_forward_hook(_cast_to_autocast)

    def forward(self, batch: Batch) -> Tensor:
        """The hidden states at the read positions, [R, H]."""
        return self._packed(batch) if self.packs else self._padded(batch)[batch.read_positions]

    def restrict_vocabulary(self, ids: np.ndarray) -> None:
        """From here on, train the embeddings of these token ids [K] alone."""
        self.model.set_input_embeddings(TrainableRows(self.model.get_input_embeddings(), ids))

    def restore_vocabulary(self) -> None:
        """Put the embeddings back in one piece."""
        embeddings = self.model.get_input_embeddings()
        if isinstance(embeddings, TrainableRows):
            self.model.set_input_embeddings(embeddings.merged())

    def freeze_word_embeddings(self) -> None:
        """From here on, train no word embedding: rows that differ after training would tell which tokens were read."""
        self.model.get_input_embeddings().requires_grad_(False)

    def _packed(self, batch: Batch) -> Tensor:
        few = None
        if self._last_layer is not None:
            few = self._last_layer.reads = batch.few_reads
        # Nothing is drawn for the padding: a bucketed batch drops the units that it drops without padding.
        self.source.n_pad = batch.lengths.n_pad
        inputs = {"input_ids": batch.input_ids, "position_ids": batch.position_ids, "packed": batch.lengths}
        hidden: Tensor = self.model(**inputs, **self._token_types(batch.token_type_ids)).last_hidden_state.squeeze(0)
        self.source.n_pad = 0
        return hidden[batch.read_positions] if few is None else hidden[: len(batch.read_positions)]

    def _padded(self, batch: Batch) -> Tensor:
        """All hidden states [T, H], by the model's own attention: sequences of similar length are padded together."""
        groups = batch.lengths.groups()
        ids, token_type_ids = batch.input_ids[0][groups.packed_index], batch.token_type_ids[0][groups.packed_index]
        real = torch.ones_like(ids) if groups.real is None else groups.real[:, 0].long()
        ids = torch.where(real > 0, ids, self.model.config.pad_token_id or 0)
        sizes = [group.shape[0] * group.shape[1] for group in groups.each]
        split, outs = [torch.split(part, sizes) for part in (ids, token_type_ids, real)], []
        for group, *parts in zip(groups.each, *split, strict=True):
            input_ids, second, mask = (part.view(group.shape) for part in parts)
            out = self.model(input_ids=input_ids, attention_mask=mask, **self._token_types(second))
            outs.append(out.last_hidden_state.flatten(0, 1))
        return unpad_input(torch.cat(outs), groups)

    def _token_types(self, token_type_ids: Tensor) -> dict[str, Tensor]:
        return {"token_type_ids": token_type_ids} if self.has_token_types else {}


class TrainableRows(nn.Module):
    """Stands in for an embedding [V, H] while `rows` [K, H] of it are trained and the rest stays.

    A row that training never reads has no gradient; leaving it out of the optimiser saves most of a small encoder's
    weights, and a tenth to a fifth of BERT-base's.
    """

    def __init__(self, embedding: nn.Embedding, ids: np.ndarray) -> None:
        super().__init__()
        device = embedding.weight.device
        self.embedding = [embedding]  # In a list it is no submodule: neither trained nor saved.
        self.ids = torch.from_numpy(ids).to(device)
        self.row_of_id = torch.zeros(embedding.num_embeddings, dtype=torch.int64, device=device)
        self.row_of_id[self.ids] = torch.arange(len(ids), device=device)
        self.rows = nn.Parameter(embedding.weight.detach()[self.ids].clone())

    def forward(self, input_ids: Tensor) -> Tensor:
        """[...] -> [..., H]; the dev set may hold tokens that the training set does not."""
        if self.training:
            return F.embedding(self.row_of_id[input_ids], self.rows)
        return F.embedding(input_ids, self.merged().weight)

    @torch.no_grad()
    def merged(self) -> nn.Embedding:
        """The whole embedding, with the trained rows put back."""
        (embedding,) = self.embedding
        embedding.weight[self.ids] = self.rows
        return embedding


class ReadTokensOnly:
    """A hook before the output of the last layer's attention: tokens that no head reads end here.

    What follows attention mixes no tokens. The hook holds nothing of the encoder that holds it: a circle of references
    would outlive its training.
    """

    def __init__(self, source: DropoutRng) -> None:
        self.source = source
        self.reads: tuple[Tensor, int] | None = None

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if self.reads is None:
            return inputs
        positions, self.source.n_pad = self.reads
        return tuple(part[:, positions] for part in inputs)


def _cast_to_autocast(module: nn.Module, inputs: Any, hidden: Tensor) -> Tensor:
    """Cast the output of norms and embeddings once, where otherwise each layer that reads it would cast it.

    On a CPU a norm keeps the precision of its input; autocast on a GPU makes it float32.
    """
    device = hidden.device.type
    return hidden.to(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else hidden


def _first_position(embeddings: Any, name: str) -> int:
    """The position id of the first token: RoBERTa and its kin count from behind the padding id."""
    if not (hasattr(embeddings, "position_embeddings") and hasattr(embeddings, "padding_idx")):
        return 0
    if embeddings.padding_idx is None:
        raise InputError(f"the config.json of encoder {name} names no pad_token_id: fetch it anew")
    return int(embeddings.padding_idx) + 1


def _config(folder: Path) -> Any:
    try:
        # Left open, trust_remote_code makes transformers ask on the terminal whether to run the folder's own code.
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        sizes = (config.hidden_size, _max_positions(config), config.num_hidden_layers)
    except Exception as error:  # transformers meets each kind of damage with an error of its own.
        raise InputError(
            f"the config.json of encoder {folder.name} is not one of a known model type ({type(error).__name__}): give "
            "the folder of a BERT-type model that runs no code of its own"
        ) from error
    if not all(0 < size <= MAX_SIZE for size in sizes) or config.num_hidden_layers > MAX_LAYERS:
        raise InputError(f"the config.json of encoder {folder.name} has sizes that no encoder has: fetch it anew")
    if getattr(config, "is_encoder_decoder", False) or getattr(config, "is_decoder", False):
        raise InputError(f"{folder.name} has a decoder ({config.model_type}): give the folder of a BERT-type model")
    return without_attention_dropout(config)


def _max_positions(config: Any) -> int:
    """The positions that an encoder has; one that says none, or -1, takes windows of any length."""
    most = getattr(config, "max_position_embeddings", -1)
    return MAX_SIZE if most == -1 else int(most)


def without_attention_dropout(config: Any) -> Any:
    """The configuration of an encoder in any arm of a comparison: the packed kernels have no dropout on attention."""
    for name in ("attention_probs_dropout_prob", "attention_dropout"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    return config


def _pretrained(folder: Path, config: Any) -> nn.Module:
    try:
        # Plain pytorch_model.bin files load as tensors alone: weights_only refuses any code in the pickle.
        options = {"local_files_only": True, "weights_only": True, "trust_remote_code": False, "dtype": torch.float32}
        with _quiet():
            model, report = AutoModel.from_pretrained(folder, config=config, output_loading_info=True, **options)
    except Exception as error:  # Torch, safetensors and transformers each have their own errors for a damaged file.
        raise InputError(
            f"the weights of encoder {folder.name} cannot be read ({type(error).__name__}): fetch the file anew"
        ) from error
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    if missing:
        # transformers would draw the missing tensors at random, and the scores would say nothing about the encoder.
        raise InputError(
            f"the weights of encoder {folder.name} lack {len(missing)} tensors, {missing[0]} for one: fetch it anew"
        )
    loaded: nn.Module = model
    return loaded


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' report on a pooler that is not used; what is really missing is an error of ours."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
