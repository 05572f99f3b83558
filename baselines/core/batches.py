"""Batches without padding between windows: sequences are packed end to end; a CPU pads them in groups for attention.

B sequences of a batch, T tokens of all of them, V with the padding of groups, N attention heads, G sequences of a
group, L tokens of its longest, R read positions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from baselines.core.windows import Window

MIN_LENGTH_RATIO = 0.75
"""The shortest sequence of a group is at least this part of its longest: attention alone pays for the padding."""

PAD_TO_MULTIPLE_OF = 16
"""Attention in bfloat16 on a CPU takes up to twice as long where a length is no multiple of this."""

MAX_SCORES = 2**18
"""G * L * L of a group: attention scores of more leave the CPU's cache."""

FEW_READS = 0.5
"""The last layer leaves out the tokens that no head reads where heads read less than this part of all tokens; beyond,
to gather the others costs more than it spares."""


@dataclass(frozen=True)
class PaddedGroup:
    """Sequences of similar length that attend together, padded to the longest."""

    shape: tuple[int, int]  # G, L
    bias: Tensor | None  # [G, 1, 1, L]: 0 at tokens, minus infinity at padding; None where there is no padding

    def bias_within(self, sliding_window: int | None, device: torch.device) -> Tensor | None:
        """The bias of a layer whose tokens see those less than `sliding_window` positions away; None: they see all."""
        length = self.shape[1]
        if sliding_window is None or length <= sliding_window:
            return self.bias
        positions = torch.arange(length, device=device)
        far = (positions[:, None] - positions).abs() >= sliding_window
        if self.bias is None:
            return torch.where(far, -torch.inf, 0.0)
        # Padding sees every token: a row of nothing but minus infinity has no softmax, and its gradients are NaN.
        return torch.where(far & (self.bias == 0).mT, -torch.inf, self.bias)


@dataclass(frozen=True)
class PaddedGroups:
    """All groups of a batch, end to end, with the indices that pad and unpad it.

    A packed batch is ordered by token, then head: [T * N]. A padded one is ordered by sequence, then head, then token,
    [V * N], so that each group is a view [G, N, L, D] that no matrix product has to copy.
    """

    each: list[PaddedGroup]
    packed_index: Tensor  # [V * N]: the packed row for each padded one; padding repeats row 0 to N - 1
    real: Tensor | None  # [V * N, 1]: 1 at tokens, 0 at padding; None where there is no padding
    padded_index: Tensor  # [T * N]: the padded row for each packed one
    n_pad: int  # rows at the end of the packed batch that belong to no sequence, hence to no group


@dataclass(frozen=True)
class Lengths:
    """The lengths of the sequences of a batch; `bucketed` pads the batch, and its groups, to one of few sizes."""

    each: list[int]
    cu_seqlens: Tensor  # [B + 1], int32, on the device: where each sequence begins, and the last one ends
    bucketed: bool = False
    _groups: dict[int, PaddedGroups] = field(default_factory=dict, compare=False)

    @property
    def n_pad(self) -> int:
        """Tokens behind the last sequence that belong to none."""
        return _bucket_padding(sum(self.each)) if self.bucketed else 0

    def groups(self, heads: int = 1) -> PaddedGroups:
        """The sequences in groups of similar length, for N heads; made once, as every layer asks for the same."""
        if heads not in self._groups:
            self._groups[heads] = self._grouped(heads)
        return self._groups[heads]

    def _grouped(self, heads: int) -> PaddedGroups:
        device, starts = self.cu_seqlens.device, np.cumsum([0, *self.each])
        groups, indices, reals = [], [], []
        for members in _similar(self.each):
            lengths = np.array([self.each[member] for member in members])
            real = _real(lengths, PAD_TO_MULTIPLE_OF if self.bucketed else 1)
            groups.append(_group(real, device))
            tokens = np.where(real, starts[members][:, None] + np.arange(real.shape[1]), 0)
            # [G, N, L] from [G, 1, L] and [N, 1]: head n of token t is row t * N + n of the packed batch.
            indices.append((tokens[:, None] * heads + np.arange(heads)[:, None]).ravel())
            reals.append(np.repeat(real[:, None], heads, 1).ravel())
        packed_index, real = np.concatenate(indices), np.concatenate(reals)
        # The inverse: where the padded row is a token, the packed row that it came from goes back to it.
        padded_index = np.empty(starts[-1] * heads, dtype=np.int64)
        padded_index[packed_index[real]] = np.flatnonzero(real)
        factor = None if real.all() else to_device(real[:, None].astype(np.float32), device)
        return PaddedGroups(
            groups, to_device(packed_index, device), factor, to_device(padded_index, device), self.n_pad * heads
        )

    @cached_property
    def alone(self) -> list[PaddedGroup]:
        """Each sequence in a group of its own."""
        return [_group(_real(np.array([length]), PAD_TO_MULTIPLE_OF), self.cu_seqlens.device) for length in self.each]


def _similar(lengths: Sequence[int]) -> Iterator[list[int]]:
    """The numbers of sequences in groups of similar length, longest first."""
    group: list[int] = []
    for member in sorted(range(len(lengths)), key=lambda member: -lengths[member]):
        longest = lengths[group[0]] if group else 0
        if group and (lengths[member] < MIN_LENGTH_RATIO * longest or (len(group) + 1) * longest**2 > MAX_SCORES):
            yield group
            group = []
        group.append(member)
    yield group


def _real(lengths: np.ndarray, multiple: int) -> np.ndarray:
    """[G, L]: True at the tokens of sequences [G], longest first, padded to a multiple."""
    real: np.ndarray = np.arange(lengths[0] + -lengths[0] % multiple) < lengths[:, None]
    return real


def _group(real: np.ndarray, device: torch.device) -> PaddedGroup:
    if real.all():
        return PaddedGroup(real.shape, None)
    return PaddedGroup(real.shape, to_device(np.where(real, 0, -np.inf).astype(np.float32)[:, None, None], device))


def _bucket_padding(count: int) -> int:
    """The rows that bring a count up to one of few sizes, an eighth of large counts at most.

    oneDNN makes a kernel for each size of a bfloat16 product, which takes longer than the product itself.
    """
    return -count % max(PAD_TO_MULTIPLE_OF, 1 << max(0, count.bit_length() - 5))


def to_device(array: np.ndarray, device: str | torch.device) -> Tensor:
    """An array as a tensor on a device."""
    tensor = torch.from_numpy(array)
    # A copy from memory that is not page-locked would wait until the GPU has done all that it was asked before.
    return tensor if torch.device(device).type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)


@dataclass(frozen=True)
class Batch:
    """Windows packed into tensors; targets are those of the read positions."""

    input_ids: Tensor  # [1, T]
    token_type_ids: Tensor  # [1, T]
    position_ids: Tensor  # [1, T]: each sequence counts its own
    read_positions: Tensor  # [R], in the packed row
    targets: Tensor  # [R], or [R, W] of the nested span head
    lengths: Lengths

    @property
    def tokens(self) -> int:
        """The tokens of all sequences, special ones included, padding not."""
        return sum(self.lengths.each)

    @property
    def few_reads(self) -> tuple[Tensor, int] | None:
        """The read positions and how many at the end are padding; None where the last layer had better keep all."""
        read = len(self.read_positions)
        if read >= FEW_READS * self.tokens:
            return None
        n_pad = _bucket_padding(read) if self.lengths.bucketed else 0
        return F.pad(self.read_positions, (0, n_pad)), n_pad  # Padding repeats position 0, and nobody reads it.


def pack(windows: Sequence[Window], device: str, first_position: int = 0, bucketed: bool = False) -> Batch:
    """A batch of these windows, in this order."""
    each = [len(window.input_ids) for window in windows]
    starts = np.cumsum([0, *each])
    lengths = Lengths(each, to_device(starts.astype(np.int32), device), bucketed)

    def packed(rows: Iterable[np.ndarray]) -> Tensor:
        return to_device(np.pad(np.concatenate(list(rows)), (0, lengths.n_pad))[None], device)

    reads = [window.read_positions + start for window, start in zip(windows, starts, strict=False)]
    return Batch(
        input_ids=packed(window.input_ids for window in windows),
        token_type_ids=packed(window.token_type_ids for window in windows),
        position_ids=packed(np.arange(first_position, first_position + length) for length in each),
        read_positions=to_device(np.concatenate(reads), device),
        targets=to_device(np.concatenate([window.targets for window in windows]), device),
        lengths=lengths,
    )
