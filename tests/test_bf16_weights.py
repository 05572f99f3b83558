"""The laws of bfloat16 training on a processor: copies of weights and bucketed batches change no result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.core import batches, training
from baselines.core.bf16_weights import Bf16Weights
from baselines.core.encoder import SharedEncoder
from baselines.core.model import MultitaskModel
from baselines.core.rng import DropoutRng
from baselines.core.settings import SCHEDULES, SPAN_HEADS
from baselines.core.training import Trainer, train
from baselines.core.windows import Window
from conftest import make_encoder
from test_training import SMALL, TASKS, same, spec, weights

BF16 = replace(SMALL, precision="bfloat16")


@pytest.mark.parametrize("span_head", SPAN_HEADS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_copies_of_weights_train_as_autocast_does_to_the_bit(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, schedule: str, span_head: str
) -> None:
    """Also where a batch goes through in parts, and where a step has several tasks or leaves some out."""
    monkeypatch.setattr(training, "TOKENS_AT_ONCE", {"cpu": 40})
    asked = spec(tmp_path, tiny_encoder, TASKS, settings=replace(BF16, schedule=schedule, span_head=span_head))
    copied, _ = train(asked)

    @contextmanager
    def unused(self: Bf16Weights) -> Iterator[None]:
        yield

    monkeypatch.setattr(Bf16Weights, "in_use", unused)
    cast, _ = train(asked)
    assert same(weights(copied), weights(cast))


def test_layers_keep_their_master_weights(tmp_path: Path, tiny_encoder: Path) -> None:
    asked = spec(tmp_path, tiny_encoder, TASKS, settings=BF16)
    trainer = Trainer(asked, MultitaskModel(asked))
    before = dict(trainer.model.named_parameters())
    with trainer.bf16_weights.in_use():
        assert trainer.model.get_parameter("heads.classes.layer.weight").dtype == torch.bfloat16
    after = dict(trainer.model.named_parameters())
    assert all(after[name] is before[name] and after[name].dtype == torch.float32 for name in before)


def windows(lengths: list[int]) -> list[Window]:
    draw = np.random.default_rng(0)
    ids = [draw.integers(5, 60, length) for length in lengths]
    return [Window(one, one % 2, np.arange(len(one)), np.zeros((len(one), 2)), np.zeros(len(one))) for one in ids]


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "modernbert"])
def test_bucketing_a_batch_changes_neither_what_is_read_nor_a_gradient(kind: str, tmp_path: Path) -> None:
    """Nor which units dropout drops."""
    source = DropoutRng()
    encoder = SharedEncoder(make_encoder(tmp_path, kind), 0.1, source).train()
    found = []
    for bucketed in (False, True):
        encoder.zero_grad()
        source.begin("cpu", 0, "dropout")
        batch = batches.pack(windows([9, 30, 31, 17]), "cpu", encoder.first_position, bucketed)
        hidden = encoder(batch)
        (hidden**2).sum().backward()
        gradients = [one.grad.flatten() for one in encoder.parameters() if one.grad is not None]
        found.append((batch, hidden, torch.cat(gradients)))
    (plain, read, gradient), (bucketed, same_read, same_gradient) = found
    assert (plain.input_ids.shape[1], bucketed.input_ids.shape[1], plain.tokens, bucketed.tokens) == (87, 96, 87, 87)
    assert torch.allclose(read, same_read, atol=1e-5)
    assert torch.allclose(gradient, same_gradient, atol=1e-5 * float(gradient.abs().max()))


def test_bucketed_batches_have_few_sizes_and_little_padding() -> None:
    found = [batches.pack(windows([length, length]), "cpu", bucketed=True) for length in range(64, 2048, 7)]
    assert len({batch.input_ids.shape[1] for batch in found}) < 90
    assert all(batch.lengths.n_pad <= batch.tokens / 8 for batch in found)
    assert all(group.shape[1] % 16 == 0 for batch in found for group in batch.lengths.groups().each)
