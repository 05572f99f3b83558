"""What a GPU is asked to do: on fake tensors where there is none, and on the GPU itself where torch has one.

Fake tensors know shape, type and device, and hold no numbers: whatever would have to wait for a GPU to tell a number
fails on them. On a machine with a GPU all of this runs with `python -m pytest tests/test_cuda.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import varlen

from baselines.core import attention
from baselines.core.batches import pack
from baselines.core.encoder import SharedEncoder
from baselines.core.hub import PACKABLE
from baselines.core.model import MultitaskModel
from baselines.core.rng import Dropout, DropoutRng
from baselines.core.settings import SPAN_HEADS
from baselines.core.training import Trainer, _optimiser, train
from bench.runner.device import memory_suffices
from fake_gpu import Reached, batch_of, faked
from separate import finish, start
from tasks.core.errors import InputError
from test_packing import LENGTHS, assert_same_gradients, encoder_of, random_windows
from test_training import SMALL, SPANS, TASKS, Killed, same, spec, weights

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch has no GPU here")
BF16 = replace(SMALL, precision="bfloat16")


def by_hand(
    query: Tensor, key: Tensor, value: Tensor, begins: Tensor, key_begins: Tensor, most: int, key_most: int, **how: Any
) -> Tensor:
    """What torch's kernel computes, sequence by sequence; it refuses what the kernel does not take."""
    lengths = begins.diff().tolist()
    assert begins.dtype == torch.int32
    assert begins.device == query.device
    assert torch.equal(begins, key_begins)
    assert (int(begins[0]), int(begins[-1])) == (0, len(query))
    assert type(most) is int
    assert most == key_most == max(lengths)
    assert {part.stride(-1) for part in (query, key, value)} == {1}
    left, right = how["window_size"]
    outs = []
    for q, k, v in zip(*(part.transpose(0, 1).split(lengths, 1) for part in (query, key, value)), strict=True):
        ahead = torch.arange(q.shape[1]) - torch.arange(q.shape[1])[:, None]
        seen = ((left < 0) | (-ahead <= left)) & ((right < 0) | (ahead <= right))
        outs.append(F.scaled_dot_product_attention(q, k, v, attn_mask=seen, scale=how["scale"]))
    return torch.cat(outs, 1).transpose(0, 1)


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_the_kernel_is_asked_for_what_our_own_attention_computes(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beginnings, longest lengths, scale, reach and layout are right: outputs and gradients are those of the groups."""
    encoder = SharedEncoder(encoder_of(tmp_path, kind), 0.0, DropoutRng()).eval()
    ours, gradients = outputs_and_gradients(encoder)
    monkeypatch.setattr(attention, "_has_kernel", lambda query: True)
    monkeypatch.setattr(varlen, "varlen_attn", by_hand)
    theirs, again = outputs_and_gradients(encoder)
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert_same_gradients(gradients, again)


def outputs_and_gradients(encoder: SharedEncoder) -> tuple[Tensor, dict[Any, Tensor | None]]:
    hidden = encoder(pack(random_windows(), "cpu", encoder.first_position))
    parameters = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
    return hidden.detach(), dict(enumerate(torch.autograd.grad((hidden**2).sum(), parameters, allow_unused=True)))


@pytest.mark.parametrize(
    ("device", "kind", "units", "capability", "has"),
    [
        ("cuda", torch.bfloat16, 64, (8, 0), True),
        ("cuda", torch.bfloat16, 64, (9, 0), True),
        ("cuda", torch.float32, 64, (9, 0), False),
        ("cuda", torch.bfloat16, 12, (9, 0), False),
        ("cuda", torch.bfloat16, 264, (9, 0), False),
        ("cuda", torch.bfloat16, 64, (7, 5), False),
        ("cpu", torch.bfloat16, 64, (9, 0), False),
    ],
)
def test_the_kernel_is_used_where_torch_has_it(
    device: str,
    kind: torch.dtype,
    units: int,
    capability: tuple[int, int],
    has: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not in float32, before Ampere, nor with heads of an odd size: groups do it there."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    with FakeTensorMode():
        assert attention._has_kernel(torch.empty(1, 2, 3, units, dtype=kind, device=device)) is has


@pytest.fixture(autouse=True, scope="module")
def reproducible() -> Iterator[None]:
    """cuBLAS reads it at the first product, whichever test that is in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        yield


@pytest.fixture
def deterministic() -> Iterator[None]:
    """Strict, as in training."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, deterministic: None) -> FakeTensorMode:
    """Fake tensors, and torch made to believe that there is a GPU of the newer kind."""
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **how: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(torch.cuda, "manual_seed", lambda seed: None)
    return FakeTensorMode()


@pytest.mark.parametrize("span_head", SPAN_HEADS)
def test_a_step_of_training_on_a_gpu_waits_for_nothing(
    tmp_path: Path, tiny_encoder: Path, fake: FakeTensorMode, span_head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every head's pass and loss, dropout, clipping and the update: types and devices agree, and the kernel is used."""
    asked = []
    kernel = varlen.varlen_attn
    monkeypatch.setattr(varlen, "varlen_attn", lambda *given, **how: asked.append(given[0]) or kernel(*given, **how))
    begun = spec(tmp_path, tiny_encoder, TASKS, settings=replace(BF16, span_head=span_head, dropout=0.1))
    model = faked(fake, MultitaskModel(begun), "cuda").train()
    optimiser = _optimiser(model, SMALL)
    batches = {task.name: batch_of(fake, model, task, "cuda") for task in TASKS}
    with fake, torch.no_grad(), Reached():
        for task, batch in batches.items():
            model.dropout.begin("cuda", 0, task)
            logits = model(task, batch)
            loss = model.head(task).loss(logits, batch.targets)
            assert (logits.dtype, logits.device.type, loss.device.type) == (torch.float32, "cuda", "cuda")
            assert len(logits) == len(batch.read_positions)
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    layers = model.encoder.model.config.num_hidden_layers
    assert [(query.dtype, query.ndim) for query in asked] == [(torch.bfloat16, 3)] * layers * len(TASKS)
    assert {state["step"].device.type for state in optimiser.state.values()} == {"cuda"}


# ALBERT's GELU is spelled out with a power, which autocast gives in float32.
@pytest.mark.parametrize("kind", sorted({*PACKABLE} - {"albert"}))
def test_what_runs_between_the_layers_on_a_gpu_is_bfloat16(kind: str, tmp_path: Path, fake: FakeTensorMode) -> None:
    """Norms give float32 there, which each layer would cast anew."""
    encoder = encoder_of(tmp_path / kind, kind)
    model = faked(fake, MultitaskModel(spec(tmp_path, encoder, [SPANS], settings=BF16)), "cuda").eval()
    seen = []
    for module in model.encoder.modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_pre_hook(lambda _, given: seen.append(given[0].dtype))
    batch = batch_of(fake, model, SPANS, "cuda")
    with fake, torch.no_grad(), Reached():
        model(SPANS.name, batch)
    assert set(seen) == {torch.bfloat16}


def test_gradients_come_back_through_the_kernel(
    tmp_path: Path, tiny_encoder: Path, fake: FakeTensorMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every weight that takes part gets a gradient of its own shape and type."""
    monkeypatch.setattr(attention, "_has_kernel", lambda query: True)
    model = faked(fake, MultitaskModel(spec(tmp_path, tiny_encoder, [SPANS], settings=BF16)), "cpu").eval()
    batch = batch_of(fake, model, SPANS, "cpu")
    with fake:
        torch.autograd.backward(model.head(SPANS.name).loss(model(SPANS.name, batch), batch.targets))
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert (parameter.grad.shape, parameter.grad.dtype) == (parameter.shape, torch.float32)


def test_dropout_on_a_gpu_is_one_kernel_at_the_same_rate(fake: FakeTensorMode, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = []
    monkeypatch.setattr(F, "dropout", lambda hidden, rate: rates.append(rate) or hidden)
    with fake:
        Dropout(0.1, DropoutRng())(torch.empty(4, 4, device="cuda"))
    assert rates == [26 / 256]


def test_too_little_memory_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 6 * 2**30)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (2**30, 8 * 2**30))
    with (
        pytest.raises(InputError, match=r"\(8.0 GiB; 6.0 taken here\).* --device cpu"),
        memory_suffices(),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory")
    with pytest.raises(RuntimeError, match="other"), memory_suffices():
        raise RuntimeError("other")


@contextmanager
def on_gpu(encoder: SharedEncoder, bfloat16: bool) -> Iterator[SharedEncoder]:
    with torch.autocast("cuda", dtype=torch.bfloat16, enabled=bfloat16):
        yield encoder.cuda()


def alone(encoder: SharedEncoder, windows: Sequence[Any]) -> Tensor:
    return torch.cat([encoder(pack([window], "cuda", encoder.first_position)) for window in windows])


@needs_gpu
@pytest.mark.parametrize(("bfloat16", "far"), [(False, 1e-5), (True, 0.1)])
def test_packed_equals_alone_and_the_processor(
    tiny_encoder: Path, deterministic: None, bfloat16: bool, far: float
) -> None:
    """In float32 to 1e-5 by groups; in bfloat16 by the kernel as near as its eight bits allow."""
    windows = random_windows()
    encoder = SharedEncoder(tiny_encoder, 0.0, DropoutRng()).eval()
    expected = encoder(pack(windows, "cpu", encoder.first_position)).detach()
    with torch.no_grad(), on_gpu(encoder, bfloat16):
        together = encoder(pack(windows, "cuda", encoder.first_position)).float()
        assert len(together) == sum(LENGTHS)
        assert torch.allclose(together, alone(encoder, windows).float(), atol=far)
        assert torch.allclose(together.cpu(), expected, atol=far)


def trained(tmp_path: Path, encoder: Path, tasks: Sequence[Any], **changes: Any) -> tuple[Any, Any]:
    settings = replace(SMALL, precision="auto", dropout=0.1, **changes)
    return train(replace(spec(tmp_path, encoder, tasks, settings=settings), device="cuda"))


@needs_gpu
@pytest.mark.parametrize("precision", ["float32", "auto"])
@pytest.mark.parametrize("span_head", SPAN_HEADS)
def test_two_trainings_on_a_gpu_give_the_same_bits(
    tmp_path: Path, tiny_encoder: Path, precision: str, span_head: str
) -> None:
    settings = replace(SMALL, precision=precision, dropout=0.1, span_head=span_head)
    asked = replace(spec(tmp_path, tiny_encoder, TASKS, settings=settings), device="cuda")
    (first, stats), (second, _) = train(asked), train(asked)
    assert same(weights(first), weights(second))
    assert stats.weights_bytes < stats.peak_memory_bytes < 2**30
    assert stats.train_seconds > 0


@needs_gpu
def test_one_task_multitask_equals_single_task_on_a_gpu(tmp_path: Path, tiny_encoder: Path) -> None:
    alone, _ = trained(tmp_path, tiny_encoder, [SPANS])
    joint, _ = trained(tmp_path, tiny_encoder, [SPANS], schedule="round_robin")
    assert same(weights(alone), weights(joint))


@needs_gpu
def test_a_killed_training_goes_on_to_the_same_bits_on_a_gpu(tmp_path: Path, tiny_encoder: Path) -> None:
    whole, _ = trained(tmp_path / "whole", tiny_encoder, TASKS)
    settings = replace(SMALL, precision="auto", dropout=0.1)

    def kill(fraction: float, note: str) -> None:
        if fraction > 0.6:
            raise Killed

    begun = spec(tmp_path / "cut", tiny_encoder, TASKS, settings=settings, progress=kill, checkpoint_seconds=0.0)
    with pytest.raises(Killed):
        train(replace(begun, device="cuda"))
    ended, _ = trained(tmp_path / "cut", tiny_encoder, TASKS)
    assert same(weights(whole), weights(ended))


@needs_gpu
def test_a_step_on_the_gpu_itself_waits_for_nothing(tmp_path: Path, tiny_encoder: Path) -> None:
    """torch calls it an error where a copy or a number would be waited for."""
    asked = replace(spec(tmp_path, tiny_encoder, TASKS, settings=replace(BF16, dropout=0.1)), device="cuda")
    trainer = Trainer(asked, MultitaskModel(asked))
    trainer.model.train()
    trainer._update(trainer.epochs[0][0])  # The first step makes what later ones use.
    torch.cuda.set_sync_debug_mode("error")
    try:
        trainer._update(trainer.epochs[0][1])
    finally:
        torch.cuda.set_sync_debug_mode("default")


@needs_gpu
def test_a_gpu_that_is_too_small_says_so() -> None:
    with pytest.raises(InputError, match="the memory of the GPU is too small"), memory_suffices():
        torch.empty(2**50, device="cuda")


@needs_gpu
def test_runs_that_share_a_gpu_end_as_each_alone_to_the_bit(tmp_path: Path, tiny_encoder: Path) -> None:
    """The command itself begins nothing on the GPU: each run does in a process of its own."""
    words = f"-m bench run --tasks n2c2_2019 i2b2_2012 --baselines single_task --scale 0.1 --encoder {tiny_encoder}"
    words += " --span-batch 2 --epochs 1 --max-length 64 --pair-max-length 64 --device cuda"
    for jobs in ("1", "2"):
        said = finish(start([*words.split(), "--jobs", jobs, "--results", jobs], tmp_path))
        assert said.returncode == 0, said.stderr
    alone, shared = ({path.name: path.read_bytes() for path in tmp_path.glob(f"{jobs}/**/*.jsonl")} for jobs in "12")
    assert len(alone) == 2
    assert alone == shared
