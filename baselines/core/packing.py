"""Sequences laid end to end without padding, and attention that stays within each.

T sub-words of all sequences, B sequences, N attention heads, D units of one, H hidden units, R places read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AttentionInterface

from baselines.core.windows import Window

ATTENTION = "within_each_sequence"
"""The name under which transformers finds our attention."""


@dataclass(frozen=True)
class Lengths:
    """Where each sequence of a batch begins and ends."""

    each: list[int]
    starts: Tensor  # [B + 1], int32, on the device

    @property
    def longest(self) -> int:
        """Sub-words of the longest sequence."""
        return max(self.each)


@dataclass(frozen=True)
class Batch:
    """Windows as tensors: ids, segments and positions [1, T], places read [R] and their targets [R]."""

    ids: Tensor
    segments: Tensor
    positions: Tensor
    places: Tensor
    targets: Tensor
    lengths: Lengths
    reads: list[int]

    @property
    def tokens(self) -> int:
        """Real sub-words, special ones included."""
        return self.ids.shape[1]


def pack(windows: Sequence[Window], device: str, first_position: int = 0) -> Batch:
    """A batch of these windows, in this order."""
    lengths = [len(window.ids) for window in windows]
    starts = np.concatenate([[0], np.cumsum(lengths)])

    def moved(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(device, non_blocking=True)

    return Batch(
        ids=moved(np.concatenate([window.ids for window in windows])[None]),
        segments=moved(np.concatenate([window.segments for window in windows])[None]),
        positions=moved(np.concatenate([np.arange(first_position, first_position + n) for n in lengths])[None]),
        places=moved(np.concatenate([w.places + start for w, start in zip(windows, starts, strict=False)])),
        targets=moved(np.concatenate([window.targets for window in windows])),
        lengths=Lengths(lengths, moved(starts.astype(np.int32))),
        reads=[len(window.places) for window in windows],
    )


def attention_within(
    module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **settings: Any
) -> tuple[Tensor, None]:
    """Attention of packed sequences, [1, N, T, D] -> [1, T, N, D]; transformers calls it, in its own shape.

    It has no dropout: the packed kernel on CUDA has none, and an arm of a comparison must not differ from another.
    """
    lengths: Lengths = settings["packed"]
    scale: float = settings["scaling"]
    if query.is_cuda and query.dtype != torch.float32:
        from torch.nn.attention.varlen import varlen_attn

        q, k, v = (part[0].transpose(0, 1) for part in (query, key, value))
        starts, longest = lengths.starts, lengths.longest
        out = varlen_attn(q, k, v, starts, starts, longest, longest, scale=scale)
        return torch.as_tensor(out)[None], None
    parts = zip(*(torch.split(part, lengths.each, dim=2) for part in (query, key, value)), strict=True)
    attend = _attend_plainly if query.dtype == torch.bfloat16 else _attend_fused
    return torch.cat([attend(q, k, v, scale) for q, k, v in parts], dim=2).transpose(1, 2), None


def _attend_fused(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value, scale=scale)


def _attend_plainly(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Attention spelled out: in bfloat16 on a processor its backward is twice as fast as the fused kernel's."""
    return (query @ key.transpose(-1, -2) * scale).softmax(-1) @ value


AttentionInterface.register(ATTENTION, attention_within)
