"""What a model has to compute is counted as torch counts it, and the machine's rate is that of its fastest product."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModel

from bench.speed import flops
from bench.speed.flops import forward_flops, matrix_product
from conftest import make_encoder

LENGTHS = (17, 1, 40)


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "electra", "albert", "modernbert"])
def test_flops_are_those_that_torch_counts(kind: str, tmp_path: Path) -> None:
    """Sequence by sequence, without padding; ALBERT's one layer counts as often as it is passed."""
    folder = make_encoder(tmp_path, kind)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    model.pooler = None
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        for length in LENGTHS:
            model(input_ids=torch.ones(1, length, dtype=torch.int64))
    assert forward_flops(folder, LENGTHS) == counted.get_total_flops()


def test_a_local_layer_counts_what_it_sees(tmp_path: Path) -> None:
    """64 tokens to either side in the second layer of two, all 150 in the first."""
    folder = make_encoder(tmp_path, "modernbert")
    whole, one = forward_flops(folder, [150]), forward_flops(folder, [1])
    near = sum(abs(left - right) <= 64 for left in range(150) for right in range(150))
    assert whole == 150 * (one - 2 * 4 * 32) + 4 * 32 * (150 * 150 + near)


def test_the_rate_is_the_median_of_the_fastest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([9.0] * 3 + [1.0, 1.0, 5.0, 2.0, 2.0, 5.0, 5.0] + [9.0] * 3 + [1.0] * 7)
    monkeypatch.setattr(flops, "SIDES", {"cpu": (10, 20)})
    monkeypatch.setattr(flops, "seconds_of", lambda *call: next(taken))
    product = matrix_product("bench", "cpu", "bfloat16")
    assert product.flops / product.median_seconds == pytest.approx(2 * 20**3)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_rate_is_of_this_machine(precision: str) -> None:
    """Between a million and a million million million operations a second."""
    product = matrix_product("bench", "cpu", precision)
    assert 1e6 < product.flops / product.median_seconds < 1e18
