"""How well a machine is used: what a model has to compute, beside what a large matrix product reaches there.

Model FLOPs utilisation as in appendix B of PaLM (Chowdhery et al., JMLR 24, 2023): only what the model needs counts,
not what an implementation adds, such as padding. H hidden units.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel

from bench.speed.worker import seconds_of
from bench.store.speed_record import PRODUCT, Timing

BACKWARD = 2
"""What a backward pass takes of forward passes: the gradients of inputs and of weights."""

SIDES = MappingProxyType({"cpu": (512, 1024), "cuda": (4096, 8192)})
"""Rows and columns of the matrices whose product is timed: small ones do not fill a GPU, large ones no cache."""

WARM, TIMED = 3, 7
"""Products before those that count, and those."""


def forward_flops(encoder: Path, lengths: Sequence[int]) -> int:
    """FLOPs of one pass of an encoder over sequences of these lengths; with the backward pass three times as many.

    Two for each weight of a matrix and each token; and in each layer 4 H for each token and each that it sees,
    half for the score and half for the sum. Embeddings, norms and heads count nothing. In the last layer all tokens
    count, though ours finishes none but those that are read where these are few.
    """
    config = AutoConfig.from_pretrained(encoder, local_files_only=True, trust_remote_code=False)
    layers = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
    seen = 0
    for layer in layers:
        reach = config.sliding_window if layer == "sliding_attention" else sys.maxsize
        for length in lengths:
            far = min(reach, length - 1)  # To the left and to the right, and each token sees itself.
            seen += length * (2 * far + 1) - far * (far + 1)
    flops: int = 2 * _weights_used(config) * sum(lengths) + 4 * config.hidden_size * seen
    return flops


def _weights_used(config: Any) -> int:
    """Weights of all matrices that a token is multiplied with; one that several layers share counts for each."""
    used: list[int] = []
    with torch.device("meta"):
        model = AutoModel.from_config(config)
        model.pooler = None
        for module in model.modules():
            if isinstance(module, nn.Linear):
                module.register_forward_hook(lambda layer, *_: used.append(layer.weight.numel()))
        model(input_ids=torch.zeros(1, 2, dtype=torch.int64))
    return sum(used)


def matrix_product(arm: str, device: str, precision: str) -> Timing:
    """A TFLOP of products of square matrices at a precision, with the threads that torch has now, as an arm's work.

    The median of several; the size that is fastest counts.
    """
    seconds_per_flop = []
    for side in SIDES[device]:
        left, right = (torch.randn(side, side, device=device).to(getattr(torch, precision)) for _ in range(2))
        seconds = [seconds_of(device, torch.matmul, left, right) for _ in range(WARM + TIMED)]
        seconds_per_flop.append(median(seconds[WARM:]) / (2 * side**3))
    return Timing(arm=arm, work=PRODUCT, size=0, flops=10**12, seconds=((10**12 * min(seconds_per_flop),),))
