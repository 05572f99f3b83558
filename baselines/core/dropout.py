"""Dropout whose every mask comes from a named stream, so that a step's masks do not depend on what ran before it."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.core.streams import stream, stream_seed


class DropoutStream:
    """The source of all masks of one step; begun anew at each."""

    def __init__(self) -> None:
        self._numbers = stream(0, "dropout")
        self.filler = 0  # The last rows, for which nothing is drawn.

    def begin(self, device: str, seed: int, *names: object) -> None:
        """Start the stream of these names."""
        if device == "cpu":
            self._numbers = stream(seed, *names)
        else:
            torch.cuda.manual_seed(stream_seed(seed, *names) % 2**63)

    def bytes(self, like: Tensor) -> Tensor:
        """Random bytes in the shape of a tensor on the processor, [..., T, H]."""
        filler = self.filler * like.shape[-1]
        drawn = np.frombuffer(bytearray(self._numbers.bytes(like.numel() - filler)) + bytes(filler), dtype=np.uint8)
        return torch.from_numpy(drawn).view(like.shape)


class Dropout(nn.Module):
    """Dropout at a rate in steps of 1/256: bytes from the stream are ten times faster than torch's own on a CPU."""

    p = 0.0  # Attention layers read this rate of the dropout they hold and pass it on: no arm has dropout there.

    def __init__(self, rate: float, source: DropoutStream) -> None:
        super().__init__()
        self.threshold = round(rate * 256)
        self.source = source

    def forward(self, hidden: Tensor) -> Tensor:
        """The input with its share of units at zero and the rest scaled up, while training."""
        if not self.training or not self.threshold:
            return hidden
        if hidden.is_cuda:  # One kernel, which draws from torch's own generator: begun anew at each step too.
            return F.dropout(hidden, self.threshold / 256)
        # In the precision of the units: a product with truth values casts them at every use.
        keep = (self.source.bytes(hidden) >= self.threshold).to(hidden.dtype)
        return hidden * keep * (256 / (256 - self.threshold))


def use_stream(module: nn.Module, rate: float, source: DropoutStream) -> None:
    """Put stream dropout in the place of every dropout layer of a module."""
    for name, child in module.named_children():
        if isinstance(child, nn.Dropout):
            setattr(module, name, Dropout(rate, source))
        else:
            use_stream(child, rate, source)
