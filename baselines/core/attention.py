"""Attention within each of the sequences that a batch packs end to end.

transformers' own attention would let packed sequences see each other: BERT reads `position_ids` and does not conclude
from them where a sequence ends.

T tokens of all sequences, V with the padding of groups, N attention heads, D units of a head, G sequences of a group,
L tokens of its longest.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AttentionInterface

from baselines.core.batches import Lengths, PaddedGroups

MAX_HEAD_UNITS = 256
"""The largest attention head that the kernel for packed sequences takes, in steps of 8 units."""

ATTENTION = "packed"
"""The name under which transformers finds this attention."""

QKV = tuple[Tensor, Tensor, Tensor]
"""Query, key and value, each [1, N, T, D]."""


def packed_attention(
    module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **settings: Any
) -> tuple[Tensor, None]:
    """Attention of packed sequences, [1, N, T, D] -> [1, T, N, D], with the signature that transformers calls.

    It has no dropout: the packed kernel on CUDA has none, and all arms of a comparison must be alike.
    """
    # ModernBERT's local layers alone have a sliding window: the first distance that is out of sight, on either side.
    how = (settings["packed"], settings.get("sliding_window"), settings["scaling"])
    if _has_kernel(query):
        return _varlen((query, key, value), *how), None
    if query.device.type == "cpu" and not query.requires_grad:
        return _one_by_one((query, key, value), *how), None
    return _in_groups((query, key, value), *how), None


def _has_kernel(query: Tensor) -> bool:
    """Whether torch has a kernel for packed sequences: in half precision, on GPUs from Ampere on, with usual heads."""
    if not query.is_cuda or query.dtype == torch.float32:
        return False
    fits = query.shape[-1] % 8 == 0 and query.shape[-1] <= MAX_HEAD_UNITS
    return fits and torch.cuda.get_device_capability(query.device) >= (8, 0)


def _varlen(qkv: QKV, lengths: Lengths, sliding_window: int | None, scale: float) -> Tensor:
    """Attention by torch's kernel for packed sequences, which takes [T, N, D]."""
    from torch.nn.attention.varlen import varlen_attn

    q, k, v = (part.squeeze(0).transpose(0, 1) for part in qkv)
    cu_seqlens, max_seqlen = lengths.cu_seqlens, max(lengths.each)
    # The kernel is told the last distance in sight, one less than transformers' first out of sight; -1 is no limit.
    side = -1 if sliding_window is None else sliding_window - 1
    out = varlen_attn(q, k, v, cu_seqlens, cu_seqlens, max_seqlen, max_seqlen, scale=scale, window_size=(side, side))
    return torch.as_tensor(out)[None]


def _one_by_one(qkv: QKV, lengths: Lengths, sliding_window: int | None, scale: float) -> Tensor:
    """Attention of each sequence by itself: without gradients groups gain nothing on a CPU, and an answer does not
    depend on the other sequences of its batch."""
    outs = []
    split = [torch.split(part, [*lengths.each, part.shape[2] - sum(lengths.each)], 2) for part in qkv]
    for group, q, k, v in zip(lengths.alone, *split, strict=False):  # The split has the batch's padding at its end.
        length, padded = q.shape[2], group.shape[1]
        if padded > length:
            # Keys are padded to a length that is fast; queries need no padding.
            k, v = (F.pad(part, (0, 0, 0, padded - length)) for part in (k, v))
        bias = group.bias_within(sliding_window, q.device)
        outs.append(_sdpa(q, k, v, None if bias is None else bias[..., :length, :], scale).transpose(1, 2))
    outs.append(split[0][-1].transpose(1, 2))  # The batch's padding attends to nothing, and nobody reads it.
    return torch.cat(outs, 1)


def _in_groups(qkv: QKV, lengths: Lengths, sliding_window: int | None, scale: float) -> Tensor:
    """Attention of sequences of similar length together, each group padded to its longest."""
    heads, units = qkv[0].shape[1], qkv[0].shape[3]
    groups = lengths.groups(heads)
    sizes = [heads * group.shape[0] * group.shape[1] for group in groups.each]
    attend = _eager if qkv[0].dtype == torch.bfloat16 else _sdpa
    # squeeze, not [0]: the gradient of an index is a copy into zeros, that of a squeeze is a view.
    packed = (part.squeeze(0).transpose(0, 1).reshape(-1, units) for part in qkv)
    split = [torch.split(pad_input(part, groups), sizes) for part in packed]
    outs = []
    for group, *parts in zip(groups.each, *split, strict=True):
        q, k, v = (part.view(group.shape[0], heads, group.shape[1], units) for part in parts)
        outs.append(attend(q, k, v, group.bias_within(sliding_window, q.device), scale).reshape(-1, units))
    return unpad_input(torch.cat(outs), groups).view(1, -1, heads, units)


def _sdpa(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, scale: float) -> Tensor:
    mask = None if bias is None else bias.to(query.dtype)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scale)


def _eager(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, scale: float) -> Tensor:
    """Attention spelled out: in bfloat16 on a CPU its backward is twice as fast as the fused kernel's."""
    scores = (query * scale) @ key.transpose(-1, -2)
    if bias is not None:
        scores = scores + bias.to(scores.dtype)
    return scores.softmax(-1) @ value


class _Permute(torch.autograd.Function):
    """Padding and unpadding are inverse permutations, up to the padding itself, so the gradient of one is the other.

    It is a gather by an index that is known, where autograd's own gradient of index_select would add rows into zeros.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, groups: PaddedGroups, pad: bool) -> Tensor:
        ctx.groups, ctx.pad = groups, pad
        return rows.index_select(0, groups.packed_index) if pad else _unpadded(rows, groups)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        if ctx.pad:
            # Leaves out the gradients of padding: they are 0, as no token sees padding and nobody reads its output.
            return _unpadded(gradient, ctx.groups), None, None
        padded = gradient.index_select(0, ctx.groups.packed_index)
        if ctx.groups.real is not None:
            # Padding repeats the gradient of a token, which is not its own; in place, as the copy is fresh.
            padded *= ctx.groups.real.to(padded.dtype).view(-1, *[1] * (padded.ndim - 1))
        return padded, None, None


def _unpadded(padded: Tensor, groups: PaddedGroups) -> Tensor:
    """The row of each packed token, and zeros at the padding of the packed batch."""
    if not groups.n_pad:
        return padded.index_select(0, groups.padded_index)
    count = len(groups.padded_index)
    packed = padded.new_empty(count + groups.n_pad, *padded.shape[1:])
    packed[count:] = 0
    torch.index_select(padded, 0, groups.padded_index, out=packed[:count])
    return packed


def pad_input(packed: Tensor, groups: PaddedGroups) -> Tensor:
    """Packed tokens to groups end to end, [T * N, D] -> [V * N, D]."""
    padded: Tensor = _Permute.apply(packed, groups, True)  # type: ignore[no-untyped-call]
    return padded


def unpad_input(padded: Tensor, groups: PaddedGroups) -> Tensor:
    """Groups end to end to packed tokens, [V * N, D] -> [T * N, D]."""
    packed: Tensor = _Permute.apply(padded, groups, False)  # type: ignore[no-untyped-call]
    return packed


AttentionInterface.register(ATTENTION, packed_attention)
