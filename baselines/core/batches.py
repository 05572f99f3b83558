"""Sequences laid end to end without padding, and the groups of like length in which they attend on a processor.

T sub-words of all sequences, V with the padding of groups, B sequences, G of a group, L of its longest, R places read,
N attention heads.
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

ALIKE = 0.75
"""A group on a processor holds sequences of at least this part of its longest: padding lies in attention alone."""

STEP = 16
"""A processor's attention in bfloat16 takes up to twice as long where a length is no multiple of this."""

MOST_SCORES = 2**18
"""G * L * L of a group: beyond, its attention scores leave the processor's cache."""

FEW = 0.5
"""Places read of all sub-words, below which the last layer leaves out the others; beyond, taking them apart costs more
than it spares."""


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
    """All groups of a batch, laid end to end: V sub-words with the padding of each group, each by its N heads.

    Packed a sub-word's heads follow one another, T x N; laid a sequence's sub-words do, for each head: G x N x L.
    """

    each: list[Group]
    rows: Tensor  # [V * N]: what of the packed lies there; padding repeats one
    real: Tensor | None  # [V * N, 1]: 1 where it is no padding; None where none is
    place: Tensor  # [T * N]: where each of the packed lies
    n_pad: int  # of the packed behind these, which lie nowhere


@dataclass(frozen=True)
class Lengths:
    """Where each sequence of a batch begins and ends; with `bucketed` the batch and its groups are filled up."""

    each: list[int]
    starts: Tensor  # [B + 1], int32, on the device
    bucketed: bool = False
    _groups: dict[int, Groups] = field(default_factory=dict, compare=False)

    @property
    def n_pad(self) -> int:
        """Sub-words of no sequence that follow the last."""
        return _filler(sum(self.each)) if self.bucketed else 0

    @property
    def longest(self) -> int:
        """Sub-words of the longest sequence."""
        return max(self.each)

    def groups(self, heads: int = 1) -> Groups:
        """The sequences in groups of like length, by so many attention heads; every layer asks for the same."""
        if heads not in self._groups:
            self._groups[heads] = self._grouped(heads)
        return self._groups[heads]

    def _grouped(self, heads: int) -> Groups:
        starts = np.concatenate([[0], np.cumsum(self.each)])
        groups, rows, reals = [], [], []
        for members in _alike(self.each):
            lengths = np.array([self.each[member] for member in members])
            within = np.arange(lengths[0] + (-lengths[0] % STEP if self.bucketed else 0))
            real = within < lengths[:, None]
            packed = np.where(real, starts[members][:, None] + within, 0)
            rows.append((packed[:, None] * heads + np.arange(heads)[:, None]).ravel())
            reals.append(np.repeat(real[:, None], heads, 1).ravel())
            bias = np.where(real, 0, -np.inf).astype(np.float32)[:, None, None]
            groups.append(Group(real.shape, None if real.all() else moved(bias, self.starts.device)))
        lain, real = np.concatenate(rows), np.concatenate(reals)
        place = np.empty(starts[-1] * heads, dtype=np.int64)
        place[lain[real]] = np.flatnonzero(real)
        padding = None if real.all() else moved(real[:, None].astype(np.float32), self.starts.device)
        device = self.starts.device
        return Groups(groups, moved(lain, device), padding, moved(place, device), self.n_pad * heads)

    @cached_property
    def alone(self) -> list[Group]:
        """Each sequence in a group of its own, filled up to a multiple of STEP."""
        return [self._alone(length, length + -length % STEP) for length in self.each]

    def _alone(self, length: int, filled: int) -> Group:
        beyond = np.where(np.arange(filled) < length, 0, -np.inf).astype(np.float32)[None, None, None]
        return Group((1, filled), None if filled == length else moved(beyond, self.starts.device))


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


def _filler(count: int) -> int:
    """What fills up so many rows to one of few sizes: by an eighth at most, where they are many."""
    return -count % max(STEP, 1 << max(0, count.bit_length() - 5))


@dataclass(frozen=True)
class Few:
    """The places that a head reads, filled up with the first sub-word's, and how many these are at the end."""

    read_positions: Tensor
    n_pad: int


@dataclass(frozen=True)
class Batch:
    """Windows as tensors: ids, segments and positions [1, T], places read [R] and their targets [R]."""

    input_ids: Tensor
    token_type_ids: Tensor
    position_ids: Tensor
    read_positions: Tensor
    targets: Tensor
    lengths: Lengths
    reads: list[int]

    @property
    def tokens(self) -> int:
        """Real sub-words, special ones included."""
        return sum(self.lengths.each)

    @property
    def few(self) -> Few | None:
        """The places read, where they are few beside all sub-words."""
        read = len(self.read_positions)
        n_pad = _filler(read) if self.lengths.bucketed else 0
        return Few(F.pad(self.read_positions, (0, n_pad)), n_pad) if read < FEW * self.tokens else None


def pack(windows: Sequence[Window], device: str, first_position: int = 0, bucketed: bool = False) -> Batch:
    """A batch of these windows, in this order; `bucketed` fills it up, for kernels that are made for one size each."""
    each = [len(window.input_ids) for window in windows]
    starts = np.concatenate([[0], np.cumsum(each)])
    lengths = Lengths(each, moved(starts.astype(np.int32), device), bucketed)

    def laid(rows: Iterable[np.ndarray]) -> Tensor:
        return moved(np.pad(np.concatenate(list(rows)), (0, lengths.n_pad))[None], device)

    return Batch(
        input_ids=laid(window.input_ids for window in windows),
        token_type_ids=laid(window.token_type_ids for window in windows),
        position_ids=laid(np.arange(first_position, first_position + n) for n in each),
        read_positions=moved(
            np.concatenate([w.read_positions + start for w, start in zip(windows, starts, strict=False)]), device
        ),
        targets=moved(np.concatenate([window.targets for window in windows]), device),
        lengths=lengths,
        reads=[len(window.read_positions) for window in windows],
    )
