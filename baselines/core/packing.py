"""Sequences laid end to end without padding, and attention that stays within each.

T sub-words of all sequences, B sequences, N attention heads, D units of one, H hidden units, R places read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AttentionInterface

from baselines.core.windows import Window

LARGEST_HEAD = 256
"""Units of the largest attention head that the kernel for packed sequences takes, in steps of 8."""

ATTENTION = "within_each_sequence"
"""The name under which transformers finds our attention."""

ALIKE = 0.75
"""A group on a processor holds sequences of at least this part of its longest: padding lies in attention alone."""

MOST_SCORES = 2**18
"""G * L * L of a group: beyond, its attention scores leave the processor's cache."""


@dataclass(frozen=True)
class Group:
    """Sequences of like length, G of them, that attend together, and what keeps them from attending to padding."""

    size: tuple[int, int]  # G, L
    bias: Tensor | None  # [G, 1, 1, L]: 0 at real sub-words, elsewhere minus infinity; None where all are as long

    def within(self, reach: int | None, device: torch.device) -> Tensor | None:
        """The bias of a layer in which a sub-word sees none that is `reach` places away or more; None: it sees all."""
        length = self.size[1]
        if reach is None or length <= reach:
            return self.bias
        places = torch.arange(length, device=device)
        far = (places[:, None] - places).abs() >= reach
        if self.bias is None:
            return torch.where(far, -torch.inf, 0.0)
        # Padding sees all: what sees nothing has no softmax, and its gradient would be no number.
        return torch.where(far & (self.bias == 0).mT, -torch.inf, self.bias)


@dataclass(frozen=True)
class Groups:
    """All groups of a batch, laid end to end: V sub-words with the padding of each group."""

    each: list[Group]
    rows: Tensor  # [V]: the packed sub-word that lies there; padding repeats one
    real: Tensor | None  # [V, 1]: 1 where it is no padding; None where none is
    place: Tensor  # [T]: where each packed sub-word lies
    filler: int  # sub-words behind these T, which lie nowhere


@dataclass(frozen=True)
class Lengths:
    """Where each sequence of a batch begins and ends; with `few_sizes` the batch and its groups are filled up."""

    each: list[int]
    starts: Tensor  # [B + 1], int32, on the device
    few_sizes: bool = False

    @property
    def filler(self) -> int:
        """Sub-words of no sequence that follow the last."""
        tokens = sum(self.each)
        return -tokens % max(16, 2 ** (tokens.bit_length() - 5)) if self.few_sizes else 0

    @property
    def longest(self) -> int:
        """Sub-words of the longest sequence."""
        return max(self.each)

    @cached_property
    def groups(self) -> Groups:
        """The sequences in groups of like length."""
        starts = np.concatenate([[0], np.cumsum(self.each)])
        groups, rows, reals = [], [], []
        for members in _alike(self.each):
            lengths = np.array([self.each[member] for member in members])
            within = np.arange(lengths[0] + (-lengths[0] % 8 if self.few_sizes else 0))
            real = within < lengths[:, None]
            rows.append(np.where(real, starts[members][:, None] + within, 0).ravel())
            reals.append(real.ravel())
            bias = np.where(real, 0, -np.inf).astype(np.float32)[:, None, None]
            groups.append(Group(real.shape, None if real.all() else moved(bias, self.starts.device)))
        lain, real = np.concatenate(rows), np.concatenate(reals)
        place = np.empty(starts[-1], dtype=np.int64)
        place[lain[real]] = np.flatnonzero(real)
        padding = None if real.all() else moved(real[:, None].astype(np.float32), self.starts.device)
        device = self.starts.device
        return Groups(groups, moved(lain, device), padding, moved(place, device), self.filler)


def moved(array: np.ndarray, device: str | torch.device) -> Tensor:
    """An array as a tensor on a device."""
    tensor = torch.from_numpy(array)
    # From memory that is not page-locked a copy waits until the GPU has done all that was asked of it before.
    return tensor if torch.device(device).type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)


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
        return sum(self.lengths.each)


def pack(windows: Sequence[Window], device: str, first_position: int = 0, few_sizes: bool = False) -> Batch:
    """A batch of these windows, in this order; `few_sizes` fills it up, for kernels that are made for one size each."""
    each = [len(window.ids) for window in windows]
    starts = np.concatenate([[0], np.cumsum(each)])
    lengths = Lengths(each, moved(starts.astype(np.int32), device), few_sizes)

    def laid(rows: Iterable[np.ndarray]) -> Tensor:
        return moved(np.pad(np.concatenate(list(rows)), (0, lengths.filler))[None], device)

    return Batch(
        ids=laid(window.ids for window in windows),
        segments=laid(window.segments for window in windows),
        positions=laid(np.arange(first_position, first_position + n) for n in each),
        places=moved(np.concatenate([w.places + start for w, start in zip(windows, starts, strict=False)]), device),
        targets=moved(np.concatenate([window.targets for window in windows]), device),
        lengths=lengths,
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
    reach: int | None = settings.get("sliding_window")  # The first distance out of sight, in the local layers.
    if _has_kernel(query):
        from torch.nn.attention.varlen import varlen_attn

        q, k, v = (part[0].transpose(0, 1) for part in (query, key, value))
        starts, longest = lengths.starts, lengths.longest
        side = -1 if reach is None else reach - 1  # The last distance in sight, or all.
        out = varlen_attn(q, k, v, starts, starts, longest, longest, scale=scale, window_size=(side, side))
        return torch.as_tensor(out)[None], None
    # Without gradients a processor gains nothing from groups, and by itself a sequence's sums depend on no other.
    alone = query.device.type == "cpu" and not query.requires_grad
    each = [Group((1, length), None) for length in lengths.each] if alone else lengths.groups.each
    attend = _attend_plainly if query.dtype == torch.bfloat16 and not alone else _attend_fused
    parts = [part[0].transpose(0, 1) for part in (query, key, value)]
    laid = parts if alone else [_lay(part, lengths.groups) for part in parts]
    split = [torch.split(part, [group.size[0] * group.size[1] for group in each]) for part in laid]
    outs = []
    for group, *found in zip(each, *split, strict=True):
        q, k, v = (part.view(*group.size, *part.shape[1:]).transpose(1, 2) for part in found)
        outs.append(attend(q, k, v, group.within(reach, q.device), scale).transpose(1, 2).flatten(0, 1))
    out = torch.cat(outs)
    return (out if alone else lift(out, lengths.groups))[None], None


def _has_kernel(query: Tensor) -> bool:
    """Whether torch has a kernel for packed sequences: in half precision, on GPUs from Ampere on, with usual heads."""
    if not query.is_cuda or query.dtype == torch.float32:
        return False
    fits = query.shape[-1] % 8 == 0 and query.shape[-1] <= LARGEST_HEAD
    return fits and torch.cuda.get_device_capability(query.device) >= (8, 0)


class _Lay(torch.autograd.Function):
    """Packed sub-words to their places in groups, [T, ...] -> [V, ...]: each goes to one, so its gradient is there."""

    @staticmethod
    def forward(ctx: Any, packed: Tensor, groups: Groups) -> Tensor:
        ctx.groups = groups
        return packed.index_select(0, groups.rows)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _taken(gradient, ctx.groups), None


class _Lift(torch.autograd.Function):
    """Sub-words from their places in groups, [V, ...] -> [T, ...]: padding is left behind and gets no gradient."""

    @staticmethod
    def forward(ctx: Any, laid: Tensor, groups: Groups) -> Tensor:
        ctx.groups = groups
        return _taken(laid, groups)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        back = gradient.index_select(0, ctx.groups.rows)
        if ctx.groups.real is not None:
            back *= ctx.groups.real.view(-1, *[1] * (back.ndim - 1))
        return back, None


def _taken(laid: Tensor, groups: Groups) -> Tensor:
    """What lies at the place of each packed sub-word, and nothing for the filler."""
    if not groups.filler:
        return laid.index_select(0, groups.place)
    found = laid.new_zeros(len(groups.place) + groups.filler, *laid.shape[1:])
    torch.index_select(laid, 0, groups.place, out=found[: len(groups.place)])
    return found


def _lay(packed: Tensor, groups: Groups) -> Tensor:
    laid: Tensor = _Lay.apply(packed, groups)  # type: ignore[no-untyped-call]
    return laid


def lift(laid: Tensor, groups: Groups) -> Tensor:
    """Packed sub-words from groups laid end to end, [V, ...] -> [T, ...]."""
    lifted: Tensor = _Lift.apply(laid, groups)  # type: ignore[no-untyped-call]
    return lifted


def _attend_fused(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, scale: float) -> Tensor:
    mask = None if bias is None else bias.to(query.dtype)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scale)


def _attend_plainly(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, scale: float) -> Tensor:
    """Attention spelled out: in bfloat16 on a processor its backward is twice as fast as the fused kernel's."""
    scores = (query * scale) @ key.transpose(-1, -2)
    if bias is not None:
        scores = scores + bias.to(scores.dtype)
    return scores.softmax(-1) @ value


AttentionInterface.register(ATTENTION, attention_within)
