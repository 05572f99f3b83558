"""Whether an encoder can be trained with its tokenizer: what would go wrong in training is said before it.

Model types that no test covers are tried: they run a window of the longest length, and must see all of it and nothing
else.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from baselines.core.batches import pack
from baselines.core.encoder import SharedEncoder
from baselines.core.hub import PACKABLE
from baselines.core.tokenizer import PROBE, SubwordTokenizer
from baselines.core.windows import Window
from tasks.core.errors import InputError

TOLERANCE = 1e-3
"""Padding may change a hidden state by so much: float32 adds in another order, through many layers."""

_OTHERS = f"give an encoder of type {', '.join(PACKABLE)}"


def require_fit(
    encoder: SharedEncoder, tokenizer: SubwordTokenizer, longest: int, precision: AbstractContextManager[Any]
) -> None:
    """InputError for an encoder that does not fit its tokenizer, or cannot be trained on windows of `longest` tokens.

    No random number of the training is drawn for it, and nothing of the model changes.
    """
    training = encoder.model.training
    encoder.model.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            reason = _embeddings(encoder, tokenizer) or _trial(encoder, tokenizer, longest, precision)
    except Exception as error:  # Each model type fails in a way of its own.
        reason = f"fails with windows of {longest} tokens ({type(error).__name__}): lower --max-length, or {_OTHERS}"
    encoder.model.train(training)
    if reason:
        raise InputError(f"encoder {encoder.name} {reason}")


def _embeddings(encoder: SharedEncoder, tokenizer: SubwordTokenizer) -> str:
    embeddings = encoder.model.get_input_embeddings()
    if type(embeddings) is not nn.Embedding:
        return f"has word embeddings of a kind of its own: {_OTHERS}"
    if tokenizer.size <= embeddings.num_embeddings:
        return ""
    return (
        f"has weights for {embeddings.num_embeddings} tokens and a tokenizer of {tokenizer.size}: enlarge the weights "
        "(`model.resize_token_embeddings`), or give the tokenizer that they were trained with"
    )


def _trial(
    encoder: SharedEncoder, tokenizer: SubwordTokenizer, longest: int, precision: AbstractContextManager[Any]
) -> str:
    if encoder.packs:
        return ""
    ids = np.array(tokenizer.text(PROBE).ids)
    short, longer = np.resize(ids, 8), np.resize(ids, 9)
    # The same text with another last token: a first hidden state that stays the same has not seen it.
    other = np.append(short[:-1], ids[ids != short[-1]][0])
    with precision:
        long = _first_hidden(encoder, np.resize(ids, longest))
    alone, changed, padded = (_first_hidden(encoder, *each)[0] for each in ([short], [other], [short, longer]))
    if long.shape != (1, encoder.hidden_size) or not torch.allclose(padded, alone, rtol=TOLERANCE, atol=TOLERANCE):
        return f"lets the padding of a batch change what it says of a text: {_OTHERS}"
    return f"reads from left to right, its first token sees no other: {_OTHERS}" if torch.equal(alone, changed) else ""


def _first_hidden(encoder: SharedEncoder, *each: np.ndarray) -> Tensor:
    """The hidden states of the first tokens of windows, [B, H]."""
    zero = np.zeros(1, dtype=np.int64)
    windows = [Window(ids, np.zeros_like(ids), zero, np.zeros((1, 2), dtype=np.int64), np.zeros(0)) for ids in each]
    hidden: Tensor = encoder(pack(windows, str(encoder.model.device)))
    return hidden
