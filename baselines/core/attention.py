"""Attention that stays within each of the sequences that are laid end to end.

T sub-words of all sequences, V with the padding of groups, N attention heads, D units of one.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AttentionInterface

from baselines.core.packing import Group, Groups, Lengths

LARGEST_HEAD = 256
"""Units of the largest attention head that the kernel for packed sequences takes, in steps of 8."""

ATTENTION = "within_each_sequence"
"""The name under which transformers finds our attention."""


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
