"""Sequences laid end to end without padding, and attention that stays within each.

T sub-words of all sequences, B sequences, N attention heads, D units of one, H hidden units, R places read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AttentionInterface

from baselines.core.windows import Window

ATTENTION = "within_each_sequence"
"""The name under which transformers finds our attention."""

ALIKE = 0.75
"""A group on a processor holds sequences of at least this part of its longest: padding lies in attention alone."""

MOST_SCORES = 2**18
"""G * L * L of a group: beyond, its attention scores leave the processor's cache."""


@dataclass(frozen=True)
class Group:
    """Sequences of like length, G of them, that attend together: their sub-words [G * L], and which are real."""

    rows: Tensor
    real: Tensor | None  # [G, 1, 1, L]; None where all are as long
    size: tuple[int, int]


@dataclass(frozen=True)
class Lengths:
    """Where each sequence of a batch begins and ends."""

    each: list[int]
    starts: Tensor  # [B + 1], int32, on the device

    @property
    def longest(self) -> int:
        """Sub-words of the longest sequence."""
        return max(self.each)

    @cached_property
    def groups(self) -> tuple[list[Group], Tensor]:
        """The groups, and for each sub-word its place [T] in their rows."""
        device, starts = self.starts.device, np.concatenate([[0], np.cumsum(self.each)])
        groups, place, base = [], np.zeros(starts[-1], dtype=np.int64), 0
        for members in _alike(self.each):
            lengths = np.array([self.each[member] for member in members])
            within = np.arange(lengths[0])
            real = within < lengths[:, None]
            rows = np.where(real, starts[members][:, None] + within, 0)
            place[rows[real]] = base + np.flatnonzero(real)
            base += rows.size
            mask = None if real.all() else torch.from_numpy(real[:, None, None]).to(device)
            groups.append(Group(torch.from_numpy(rows.ravel()).to(device), mask, real.shape))
        return groups, torch.from_numpy(place).to(device)


def _alike(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Sequences in groups of like length, longest first in each."""
    group: list[int] = []
    for member in sorted(range(len(lengths)), key=lambda member: -lengths[member]):
        longest = lengths[group[0]] if group else 0
        if group and (lengths[member] < ALIKE * longest or (len(group) + 1) * longest**2 > MOST_SCORES):
            yield group
            group = []
        group.append(member)
    yield group


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
    attend = _attend_plainly if query.dtype == torch.bfloat16 else _attend_fused
    groups, place = lengths.groups
    parts = [part[0].transpose(0, 1) for part in (query, key, value)]
    outs = []
    for group in groups:
        q, k, v = (part[group.rows].view(*group.size, *part.shape[1:]).transpose(1, 2) for part in parts)
        outs.append(attend(q, k, v, group.real, scale).transpose(1, 2).flatten(0, 1))
    return torch.cat(outs).index_select(0, place)[None], None


def _attend_fused(query: Tensor, key: Tensor, value: Tensor, real: Tensor | None, scale: float) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value, attn_mask=real, scale=scale)


def _attend_plainly(query: Tensor, key: Tensor, value: Tensor, real: Tensor | None, scale: float) -> Tensor:
    """Attention spelled out: in bfloat16 on a processor its backward is twice as fast as the fused kernel's."""
    scores = query @ key.transpose(-1, -2) * scale
    if real is not None:
        scores = scores.masked_fill(~real, float("-inf"))
    return scores.softmax(-1) @ value


AttentionInterface.register(ATTENTION, attention_within)
