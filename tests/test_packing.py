"""Packing changes nothing: outputs and gradients are those of each sequence alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.core.dropout import DropoutStream
from baselines.core.encoder import PACKABLE, SharedEncoder
from baselines.core.packing import pack
from baselines.core.windows import Window
from conftest import make_encoder

LENGTHS = (7, 30, 1, 12, 28, 7, 30)


def random_windows() -> list[Window]:
    """Windows of several lengths with both segments, each read at every place."""
    numbers = np.random.default_rng(0)
    return [
        Window(
            numbers.integers(5, 60, n),
            (np.arange(n) > n // 2).astype(np.int64),
            np.arange(n),
            np.zeros((n, 2)),
            np.zeros(n),
        )
        for n in LENGTHS
    ]


def outputs_and_gradients(encoder: SharedEncoder, windows: list[Window]) -> tuple[torch.Tensor, torch.Tensor]:
    encoder.zero_grad()
    hidden = torch.cat([encoder(pack(part, "cpu", encoder.first_position)) for part in [windows]])
    (hidden**2).sum().backward()
    return hidden.detach(), torch.cat([p.grad.flatten() for p in encoder.parameters() if p.grad is not None])


@pytest.mark.parametrize("kind", [*PACKABLE, "distilbert", "modernbert"])
def test_sequences_in_a_batch_do_not_see_each_other(kind: str, tmp_path: Path) -> None:
    """Together equals one by one, to 1e-5, for packed model types and for padded ones."""
    encoder = SharedEncoder(make_encoder(tmp_path, kind), 0.0, DropoutStream()).eval()
    windows = random_windows()
    together, gradient = outputs_and_gradients(encoder, windows)
    alone = torch.cat([encoder(pack([window], "cpu", encoder.first_position)) for window in windows])
    assert torch.allclose(together, alone, atol=1e-5)
    encoder.zero_grad()
    for window in windows:
        (encoder(pack([window], "cpu", encoder.first_position)) ** 2).sum().backward()
    summed = torch.cat([p.grad.flatten() for p in encoder.parameters() if p.grad is not None])
    assert torch.allclose(gradient, summed, atol=1e-5 * float(summed.abs().max()))


@pytest.mark.parametrize("kind", PACKABLE)
def test_packed_equals_the_models_own_padded_output(kind: str, tmp_path: Path) -> None:
    """Positions, segments and attention are those that transformers would use on a padded batch."""
    from transformers import AutoModel

    folder = make_encoder(tmp_path, kind)
    encoder = SharedEncoder(folder, 0.0, DropoutStream()).eval()
    stock = AutoModel.from_pretrained(folder).eval()
    windows = random_windows()
    if not encoder.model.config.type_vocab_size > 1 or kind not in ("bert", "electra"):
        windows = [Window(w.ids, np.zeros_like(w.segments), w.places, w.characters, w.targets) for w in windows]
    longest = max(LENGTHS)
    ids, segments, mask = (torch.zeros(len(windows), longest, dtype=torch.long) for _ in range(3))
    for row, window in enumerate(windows):
        ids[row, : len(window.ids)] = torch.from_numpy(window.ids)
        segments[row, : len(window.ids)] = torch.from_numpy(window.segments)
        mask[row, : len(window.ids)] = 1
    expected = stock(input_ids=ids, attention_mask=mask, token_type_ids=segments).last_hidden_state[mask.bool()]
    assert torch.allclose(encoder(pack(windows, "cpu", encoder.first_position)), expected, atol=1e-5)


def test_bfloat16_attention_agrees_with_the_fused_kernel() -> None:
    """The spelled-out attention used in bfloat16 is the same function."""
    from baselines.core.packing import _attend_fused, _attend_plainly

    torch.manual_seed(0)
    parts = [torch.randn(1, 4, 20, 8) for _ in range(3)]
    beyond = torch.where(torch.arange(20) < 13, 0.0, -torch.inf)[None, None, None]
    for mask in (None, beyond):
        fused = _attend_fused(*parts, mask, 0.3)
        assert torch.allclose(_attend_plainly(*parts, mask, 0.3), fused, atol=1e-6)
