"""Packing changes nothing: outputs, gradients and trainings are those of sequences padded the ordinary way."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModel

from baselines.core import hub
from baselines.core.batches import MIN_LENGTH_RATIO, PAD_TO_MULTIPLE_OF, Batch, PaddedGroup, pack
from baselines.core.encoder import LAYERED, SharedEncoder
from baselines.core.heads import SCHEMES
from baselines.core.model import MultitaskModel
from baselines.core.rng import DropoutRng
from baselines.core.training import train
from baselines.core.windows import Window
from bench.runner.encoder_files import encoder_files
from conftest import make_encoder
from tasks.core.kinds import Task
from test_training import CLASSES, SCORES, SMALL, SPANS, WORDS, document, examples, spec, weights

LENGTHS = (7, 40, 1, 12, 36, 7, 30)
LOCAL = 4
"""What a token sees in ModernBERT's local layers, half of it to each side."""

UNPACKABLE = ("megatron-bert", "mpnet")
"""One with segments, one without."""

HEADS = [*((SPANS, scheme) for scheme in SCHEMES), (CLASSES, "flat"), (SCORES, "flat")]


def encoder_of(folder: Path, kind: str) -> Path:
    """An encoder whose local layers, if it has any, see far less than the longest sequence."""
    path = make_encoder(folder, kind) / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | ({"local_attention": LOCAL} if "local_attention" in config else {})))
    return folder


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


def together_and_alone(encoder: SharedEncoder) -> tuple[Tensor, Tensor]:
    """The outputs for windows in one batch, and for each in its own."""

    def run(windows: list[Window]) -> Tensor:
        hidden: Tensor = encoder(pack(windows, "cpu", encoder.first_position))
        return hidden

    return run(random_windows()), torch.cat([run([window]) for window in random_windows()])


@pytest.mark.parametrize("kind", [*hub.PACKABLE, *UNPACKABLE])
def test_sequences_in_a_batch_do_not_see_each_other(kind: str, tmp_path: Path) -> None:
    """Together equals one by one, to 1e-5, for packed model types and for padded ones; gradients too."""
    encoder = SharedEncoder(encoder_of(tmp_path, kind), 0.0, DropoutRng()).eval()
    assert encoder.packs == (kind in hub.PACKABLE)
    together, alone = together_and_alone(encoder)
    assert torch.allclose(together, alone, atol=1e-5)
    parameters = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
    one, other = (torch.autograd.grad((hidden**2).sum(), parameters, allow_unused=True) for hidden in (together, alone))
    assert_same_gradients(dict(enumerate(one)), dict(enumerate(other)))


def assert_same_gradients(left: dict[Any, Tensor | None], right: dict[Any, Tensor | None]) -> None:
    """To 1e-5 of the largest."""
    assert left.keys() == right.keys()
    most = max(float(gradient.abs().max()) for gradient in left.values() if gradient is not None)
    for name, gradient in left.items():
        other = right[name]
        assert (gradient is None) is (other is None), name
        assert gradient is None or torch.allclose(gradient, other, rtol=0, atol=1e-5 * most), name


def padded_as_usual(encoder: SharedEncoder) -> Callable[[Batch], Tensor]:
    """What transformers makes of a batch padded to its longest sequence, with its own attention."""

    def run(batch: Batch) -> Tensor:
        lengths = batch.lengths.each

        def padded(packed: Tensor) -> Tensor:
            return nn.utils.rnn.pad_sequence(list(torch.split(packed, lengths)), batch_first=True)

        inputs = {"token_type_ids": padded(batch.token_type_ids[0])} if encoder.has_token_types else {}
        real = padded(torch.ones_like(batch.input_ids[0]))
        out = encoder.model(input_ids=padded(batch.input_ids[0]), attention_mask=real, **inputs)
        hidden: Tensor = out.last_hidden_state[real.bool()][batch.read_positions]
        return hidden

    return run


def learned(model: MultitaskModel, task: Task[Any, Any], windows: list[Window]) -> tuple[Tensor, dict[str, Any]]:
    """The logits of a task's head, and all gradients of its loss."""
    batch = model.pack(windows)
    logits = model(task.name, batch)
    model.head(task.name).loss(logits, batch.targets).backward()
    return logits, {name: parameter.grad for name, parameter in model.named_parameters()}


def uneven(task: Task[Any, Any]) -> Sequence[Any]:
    """Examples that differ in length, in an order of no pattern."""
    if task is SPANS:
        return [document(n, ["pain", *WORDS[: 5 * n % 11]]) for n in range(8)]
    cuts = [(example, 1 + 7 * n % 6) for n, example in enumerate(examples(task, "train"))]
    return [replace(one, first=one.first[: 6 * cut], second=one.second[: 4 * cut]) for one, cut in cuts]


@pytest.mark.parametrize("bucketed", [False, True])
@pytest.mark.parametrize("kind", LAYERED)
def test_the_last_layer_leaves_out_what_no_head_reads(kind: str, bucketed: bool, tmp_path: Path) -> None:
    """And what is read comes out as if it did not, to 1e-5."""
    encoder = SharedEncoder(encoder_of(tmp_path, kind), 0.0, DropoutRng()).eval()
    through: list[int] = []
    encoder.model.encoder.layer[-1].output.register_forward_hook(lambda layer, given, out: through.append(out.shape[1]))
    every = random_windows()
    first = [replace(window, read_positions=window.read_positions[:1]) for window in every]
    whole, few = (encoder(pack(some, "cpu", encoder.first_position, bucketed)) for some in (every, first))
    assert through[0] >= sum(LENGTHS)
    assert through[1] == (PAD_TO_MULTIPLE_OF if bucketed else len(LENGTHS))
    assert torch.allclose(few, whole[np.cumsum([0, *LENGTHS[:-1]])], atol=1e-5)


@pytest.mark.parametrize("kind", hub.PACKABLE)
@pytest.mark.parametrize(("task", "span_head"), HEADS, ids=lambda value: getattr(value, "name", value))
def test_every_head_learns_from_packed_windows_as_from_padded_ones(
    kind: str, task: Task[Any, Any], span_head: str, tmp_path: Path
) -> None:
    """Outputs and gradients are those of transformers' own attention, positions and segments, to 1e-5 in float32."""
    folder = encoder_of(tmp_path / kind, kind)
    asked = spec(tmp_path, folder, [task], settings=replace(SMALL, span_head=span_head))
    packed, usual = (MultitaskModel(asked).eval() for _ in range(2))
    usual.encoder.model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    usual.encoder.model.pooler = None
    usual.encoder.forward = padded_as_usual(usual.encoder)
    windows = [window for example in uneven(task) for window in packed.windows(task, example, use_gold=True)]
    lengths = {len(window.input_ids) for window in windows}
    assert len(lengths) > 5
    assert max(lengths) > 2 * LOCAL
    (logits, gradients), (expected, wanted) = learned(packed, task, windows), learned(usual, task, windows)
    assert torch.allclose(logits, expected, rtol=0, atol=1e-5)
    assert_same_gradients(gradients, wanted)


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_trainings_under_a_seed_do_not_depend_on_packing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same windows in every step, the same scores after each epoch, the same answers."""
    folder = encoder_of(tmp_path / kind, kind)
    asked = spec(tmp_path, folder, (SPANS, CLASSES), settings=replace(SMALL, dropout=0.0))
    packed, one = train(asked)
    monkeypatch.setattr(hub, "PACKABLE", ())
    padded, other = train(asked)
    assert (packed.encoder.packs, padded.encoder.packs) == (True, False)
    assert (one.task_counts, one.dev_scores, one.best_epoch) == (other.task_counts, other.dev_scores, other.best_epoch)
    for task in asked.tasks:
        assert packed.predict(task, examples(task, "test")) == padded.predict(task, examples(task, "test"))
    first, second = weights(packed.heads), weights(padded.heads)
    assert all(torch.allclose(first[name], second[name], atol=1e-4) for name in first)


@pytest.mark.parametrize("kind", UNPACKABLE)
def test_what_cannot_be_packed_is_padded_beside_its_like(kind: str, tmp_path: Path) -> None:
    """As transformers would have it, segments included, and few tokens are padding however lengths are mixed."""
    encoder = SharedEncoder(make_encoder(tmp_path, kind), 0.0, DropoutRng()).eval()
    batch, passed = pack(random_windows(), "cpu"), []
    expected = padded_as_usual(encoder)(batch)
    encoder.model.embeddings.register_forward_hook(lambda module, inputs, hidden: passed.append(hidden.shape[:2]))
    assert torch.allclose(encoder(batch), expected, atol=1e-5)
    assert sum(rows * length for rows, length in passed) <= sum(LENGTHS) / MIN_LENGTH_RATIO
    assert [length for _, length in passed] == sorted((length for _, length in passed), reverse=True)
    others = replace(batch, token_type_ids=torch.zeros_like(batch.token_type_ids))
    assert torch.allclose(encoder(others), expected, atol=1e-5) is not encoder.has_token_types


@pytest.mark.parametrize(("kind", "lines"), [("bert", 0), ("mpnet", 1)])
def test_padding_is_said_once(kind: str, lines: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_encoder(tmp_path / kind, kind)
    capsys.readouterr()
    encoder_files(str(folder), fetch=True)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == lines
    assert all("cannot be packed" in line and kind in line for line in said)


def test_padding_never_looks_at_padding_alone() -> None:
    """A row of a local layer that saw nothing would give gradients that are no numbers."""
    real = torch.arange(20) < torch.tensor([[20], [10]])
    group = PaddedGroup((2, 20), torch.where(real, 0.0, -torch.inf)[:, None, None])
    bias = group.bias_within(4, torch.device("cpu"))
    assert bias is not None
    assert (bias == 0).any(-1).all()
    assert (bias[0, 0, 10] == 0).nonzero()[:, 0].tolist() == list(range(7, 14))
    assert (bias[1, 0, 8] == 0).nonzero()[:, 0].tolist() == list(range(5, 10))


def test_bfloat16_attention_agrees_with_the_fused_kernel() -> None:
    """The spelled-out attention used in bfloat16 is the same function."""
    from baselines.core.attention import _eager, _sdpa

    torch.manual_seed(0)
    parts = [torch.randn(1, 4, 20, 8) for _ in range(3)]
    beyond = torch.where(torch.arange(20) < 13, 0.0, -torch.inf)[None, None, None]
    for mask in (None, beyond):
        fused = _sdpa(*parts, mask, 0.3)
        assert torch.allclose(_eager(*parts, mask, 0.3), fused, atol=1e-6)
