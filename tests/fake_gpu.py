"""A GPU that is not there: tensors that say they lie on it, know shape and type, and hold no numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode

from baselines.core.batches import Batch, Lengths, pack
from baselines.core.model import MultitaskModel
from test_training import examples


class Reached(TorchFunctionMode):
    """Indexing and casts of fake GPU tensors by way of operators: the usual way asks for a GPU first."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is Tensor.__getitem__ and args[0].is_cuda:
            return indexed(*args)
        if func is Tensor.to and args[0].is_cuda:
            given = (*args[1:], *(kwargs or {}).values())
            kind = next((one for one in given if isinstance(one, torch.dtype)), args[0].dtype)
            return args[0] if kind == args[0].dtype else torch.ops.aten._to_copy(args[0], dtype=kind)
        return func(*args, **(kwargs or {}))


def indexed(found: Tensor, keys: Any) -> Tensor:
    dimension, keys = 0, keys if isinstance(keys, tuple) else (keys,)
    for place, key in enumerate(keys):
        if key is Ellipsis:
            dimension = found.ndim - sum(after is not None for after in keys[place + 1 :])
            continue
        if isinstance(key, int):
            found = found.select(dimension, key)
            continue
        if key is None:
            found = found.unsqueeze(dimension)
        elif isinstance(key, Tensor):
            found = torch.ops.aten.index.Tensor(found, [None] * dimension + [key])
        else:
            found = torch.ops.aten.slice(found, dimension, key.start, key.stop)
        dimension += 1
    return found


def faked(mode: FakeTensorMode, model: MultitaskModel, device: str) -> MultitaskModel:
    """A model of fake tensors on a device; on a fake GPU no gradients can be had."""

    def moved(tensor: Tensor) -> Tensor:
        return torch.empty(tensor.shape, dtype=tensor.dtype, device=device)

    model.requires_grad_(device == "cpu")
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    with mode, torch.no_grad():
        model._apply(moved)
    torch.__future__.set_overwrite_module_params_on_conversion(False)
    model.device = device
    return model


def batch_of(mode: FakeTensorMode, model: MultitaskModel, task: Any, device: str) -> Batch:
    windows = [
        window for example in examples(task, "train")[:3] for window in model.windows(task, example, use_gold=True)
    ]
    real = pack(windows, "cpu")

    def moved(tensor: Tensor) -> Tensor:
        with mode:
            return torch.empty(tensor.shape, dtype=tensor.dtype, device=device)

    tensors = {
        name: moved(getattr(real, name))
        for name in ("input_ids", "token_type_ids", "position_ids", "read_positions", "targets")
    }
    return replace(real, lengths=Lengths(real.lengths.each, moved(real.lengths.cu_seqlens)), **tensors)
