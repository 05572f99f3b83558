"""Attention that stays within each of the sequences that are laid end to end.

T sub-words of all sequences, V with the padding of groups, N attention heads, D units of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AttentionInterface

from baselines.core.batches import Groups, Lengths

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

        q, k, v = (part.squeeze(0).transpose(0, 1) for part in (query, key, value))
        starts, longest = lengths.starts, lengths.longest
        side = -1 if reach is None else reach - 1  # The last distance in sight, or all.
        out = varlen_attn(q, k, v, starts, starts, longest, longest, scale=scale, window_size=(side, side))
        return torch.as_tensor(out)[None], None
    if query.device.type == "cpu" and not query.requires_grad:
        return _each_alone((query, key, value), lengths, reach, scale), None
    attend = _attend_plainly if query.dtype == torch.bfloat16 else _attend_fused
    heads, units = query.shape[1], query.shape[3]
    groups = lengths.groups(heads)
    sizes = [heads * group.size[0] * group.size[1] for group in groups.each]
    # Backward an index is a copy among zeros, a squeeze is nothing.
    packed = (part.squeeze(0).transpose(0, 1).reshape(-1, units) for part in (query, key, value))
    split = [torch.split(_lay(part, groups), sizes) for part in packed]
    outs = []
    for group, *found in zip(groups.each, *split, strict=True):
        # Laid by heads they are products as they lie: across them each would be copied first.
        q, k, v = (part.view(group.size[0], heads, group.size[1], units) for part in found)
        outs.append(attend(q, k, v, group.within(reach, q.device), scale).reshape(-1, units))
    return unpad_input(torch.cat(outs), groups).view(1, -1, heads, units), None


def _each_alone(parts: Sequence[Tensor], lengths: Lengths, reach: int | None, scale: float) -> Tensor:
    """Each sequence by itself: without gradients a processor gains nothing from groups, and no sum depends on more."""
    outs = []
    n_pad = parts[0].shape[2] - sum(lengths.each)
    split = [torch.split(part, [*lengths.each, n_pad], 2) for part in parts]
    for group, q, k, v in zip(lengths.alone, *split, strict=False):
        length, filled = q.shape[2], group.size[1]
        if filled > length:
            k, v = (F.pad(part, (0, 0, 0, filled - length)) for part in (k, v))
        bias = group.within(reach, q.device)
        bias = None if bias is None else bias[..., :length, :]
        outs.append(_attend_fused(q, k, v, bias, scale).transpose(1, 2))
    outs.append(split[0][-1].transpose(1, 2))  # Filler attends to nothing, and nobody reads it.
    return torch.cat(outs, 1)


def _has_kernel(query: Tensor) -> bool:
    """Whether torch has a kernel for packed sequences: in half precision, on GPUs from Ampere on, with usual heads."""
    if not query.is_cuda or query.dtype == torch.float32:
        return False
    fits = query.shape[-1] % 8 == 0 and query.shape[-1] <= LARGEST_HEAD
    return fits and torch.cuda.get_device_capability(query.device) >= (8, 0)


class _Lay(torch.autograd.Function):
    """Packed sub-words to their places in groups, [T * N, D] -> [V * N, D]: each has one, where its gradient is."""

    @staticmethod
    def forward(ctx: Any, packed: Tensor, groups: Groups) -> Tensor:
        ctx.groups = groups
        return packed.index_select(0, groups.rows)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _taken(gradient, ctx.groups), None


class _Lift(torch.autograd.Function):
    """Sub-words from their places in groups, [V * N, D] -> [T * N, D]: padding stays and gets no gradient."""

    @staticmethod
    def forward(ctx: Any, laid: Tensor, groups: Groups) -> Tensor:
        ctx.groups = groups
        return _taken(laid, groups)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        back = gradient.index_select(0, ctx.groups.rows)
        if ctx.groups.real is not None:
            back *= ctx.groups.real.to(back.dtype).view(-1, *[1] * (back.ndim - 1))
        return back, None


def _taken(laid: Tensor, groups: Groups) -> Tensor:
    """What lies at the place of each packed sub-word, and nothing for the filler."""
    if not groups.n_pad:
        return laid.index_select(0, groups.place)
    found = laid.new_empty(len(groups.place) + groups.n_pad, *laid.shape[1:])
    found[len(groups.place) :] = 0
    torch.index_select(laid, 0, groups.place, out=found[: len(groups.place)])
    return found


def _lay(packed: Tensor, groups: Groups) -> Tensor:
    laid: Tensor = _Lay.apply(packed, groups)  # type: ignore[no-untyped-call]
    return laid


def unpad_input(laid: Tensor, groups: Groups) -> Tensor:
    """Packed sub-words from groups laid end to end, [V * N, D] -> [T * N, D]."""
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
