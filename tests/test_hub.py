"""Encoders: what a name means, what is refused, and that nothing is fetched unasked."""

from __future__ import annotations

import pickle
import shutil
import socket
from pathlib import Path

import pytest
import torch

from baselines.core import hub
from baselines.core.dropout import DropoutStream
from baselines.core.encoder import SharedEncoder
from tasks.core.errors import InputError


def load(folder: Path) -> SharedEncoder:
    return SharedEncoder(folder, 0.1, DropoutStream())


def test_an_unknown_encoder_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="minilm, bert-base, biobert, bio-clinical-bert"):
        hub.resolve("no-such-encoder")


def test_a_folder_without_weights_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"lacks model\.safetensors"):
        hub.resolve(str(tmp_path))


def test_other_weights_in_the_demo_package_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_DEMO_DIGEST", "0" * 64)
    with pytest.raises(InputError, match="not the known ones"):
        hub.resolve(hub.DEMO)


def test_without_a_network_the_error_says_what_to_give_instead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="--encoder FOLDER, or the demo encoder with --encoder minilm"):
        hub.resolve("bio-clinical-bert")


def test_nothing_is_fetched_for_the_demo_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert load(hub.resolve(hub.DEMO)).hidden == 384


def test_plain_pickled_weights_load_as_they_do_from_safetensors(tiny_encoder: Path, tmp_path: Path) -> None:
    """Bio+Clinical BERT exists only as pytorch_model.bin."""
    expected = load(tiny_encoder)
    shutil.copy(tiny_encoder / "config.json", tmp_path)
    torch.save(expected.model.state_dict(), tmp_path / "pytorch_model.bin")
    loaded = load(hub.resolve(str(tmp_path)))
    for name, tensor in expected.model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor)


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("import pathlib; pathlib.Path('exploded').touch()",))


def test_a_pickle_that_holds_code_is_refused_and_not_run(
    tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(tiny_encoder / "config.json", tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({"bomb": Bomb()}))
    with pytest.raises(InputError, match="cannot be read"):
        load(hub.resolve(str(tmp_path)))
    assert not (tmp_path / "exploded").exists()


def test_cut_off_weights_are_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_encoder, tmp_path / "cut")
    weights = tmp_path / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match="cannot be read"):
        load(hub.resolve(str(tmp_path / "cut")))


def test_weights_that_lack_a_layer_are_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    """transformers would start the missing layer at random, in silence."""
    shutil.copy(tiny_encoder / "config.json", tmp_path)
    whole = load(tiny_encoder).model.state_dict()
    torch.save(
        {name: tensor for name, tensor in whole.items() if "layer.1" not in name}, tmp_path / "pytorch_model.bin"
    )
    with pytest.raises(InputError, match=r"lack encoder\.layer\.1"):
        load(hub.resolve(str(tmp_path)))


def test_the_digest_sees_weights_vocabulary_and_configuration(tiny_encoder: Path, tmp_path: Path) -> None:
    digests = {hub.digest(tiny_encoder)}
    for name in ("model.safetensors", "vocab.txt", "config.json"):
        folder = tmp_path / name
        shutil.copytree(tiny_encoder, folder)
        with (folder / name).open("ab") as file:
            file.write(b" ")
        digests.add(hub.digest(folder))
    assert len(digests) == 4


def test_results_never_hold_a_path_of_the_machine(tiny_encoder: Path) -> None:
    assert hub.short_name(str(tiny_encoder)) == tiny_encoder.name
    assert hub.short_name("owner/model") == "model"
    assert hub.short_name("minilm") == "minilm"
