"""Weights of linear layers in bfloat16, beside the float32 ones that are trained.

Autocast casts every weight at every pass, and its gradient back. Here a weight is cast once in a step, and a gradient
is added to its float32 sum as soon as it is there. The arithmetic is autocast's own: results are the same to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from baselines.core.model import MultitaskModel


class Bf16Weights:
    """The bfloat16 copies of a model's linear layers, if it runs at that; the layers keep their float32 weights."""

    def __init__(self, model: MultitaskModel) -> None:
        halved = model.precision == "bfloat16"
        layers = [layer for layer in model.modules() if halved and isinstance(layer, nn.Linear)]
        self._places = [(layer._parameters, name) for layer in layers for name in ("weight", "bias")]
        found = {whole: None for parameters, name in self._places if (whole := parameters[name]) is not None}
        self._of = {whole: _half(whole) for whole in found}

    @torch.no_grad()
    def refresh(self) -> None:
        """Bring the copies to what the weights are now."""
        if self._of:
            torch._foreach_copy_(list(self._of.values()), list(self._of))

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """The layers compute with the copies, and what is done backward adds to the gradients of the weights."""
        wholes = [parameters[name] for parameters, name in self._places]
        for (parameters, name), whole in zip(self._places, wholes, strict=True):
            parameters[name] = None if whole is None else self._of[whole]
        try:
            yield
        finally:
            for (parameters, name), whole in zip(self._places, wholes, strict=True):
                parameters[name] = whole


def _half(whole: nn.Parameter) -> nn.Parameter:
    half = nn.Parameter(whole.detach().to(torch.bfloat16), requires_grad=whole.requires_grad)

    def add_to_whole(half: Tensor) -> None:
        assert half.grad is not None
        if whole.grad is None:
            whole.grad = half.grad.to(whole.dtype)
        else:
            whole.grad += half.grad
        half.grad = None

    if whole.requires_grad:
        half.register_post_accumulate_grad_hook(add_to_whole)  # type: ignore[no-untyped-call]
    return half
