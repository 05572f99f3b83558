"""bfloat16 copies of the weights of linear layers, beside the float32 master weights that the optimiser updates.

Autocast casts every weight in every pass, and its gradient back. Here a weight is cast once in a step, and a gradient
is added to its float32 sum as soon as it is there. The arithmetic is autocast's own: results are the same to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from baselines.core.model import MultitaskModel


class Bf16Weights:
    """The copies, none of them where a model does not run in bfloat16; the layers own their master weights."""

    def __init__(self, model: MultitaskModel) -> None:
        layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
        # The layer's own dict of parameters: there a weight is swapped past the bookkeeping of nn.Module.
        self._slots = [
            (layer._parameters, name, master)
            for layer in (layers if model.precision == "bfloat16" else ())
            for name, master in layer._parameters.items()
            if master is not None
        ]
        # By master weight, so that layers that share a weight share its copy.
        self._copies = {master: _bf16_copy(master) for master in dict.fromkeys(master for *_, master in self._slots)}

    @torch.no_grad()
    def refresh(self) -> None:
        """Bring the copies to what the master weights are now."""
        if self._copies:
            torch._foreach_copy_(list(self._copies.values()), list(self._copies))

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """The layers compute with the copies, whose gradients are added to those of the master weights."""
        for parameters, name, master in self._slots:
            parameters[name] = self._copies[master]
        try:
            yield
        finally:
            for parameters, name, master in self._slots:
                parameters[name] = master


def _bf16_copy(master: nn.Parameter) -> nn.Parameter:
    copy = nn.Parameter(master.detach().to(torch.bfloat16), requires_grad=master.requires_grad)

    def add_to_master(copy: Tensor) -> None:
        assert copy.grad is not None
        if master.grad is None:
            master.grad = copy.grad.to(master.dtype)
        else:
            master.grad += copy.grad
        copy.grad = None  # In bfloat16 the gradients of several parts or tasks would lose their last bits in a sum.

    if master.requires_grad:
        # Called once all uses of the weight in this backward pass are summed, as autocast's cast backward is.
        copy.register_post_accumulate_grad_hook(add_to_master)  # type: ignore[no-untyped-call]
    return copy
