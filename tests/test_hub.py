"""Encoders: what a name means, what is refused, and that nothing is fetched unasked."""

from __future__ import annotations

import json
import pickle
import shutil
import socket
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from tokenizers import AddedToken, Tokenizer, processors

from baselines.core import hub
from baselines.core.encoder import SharedEncoder
from baselines.core.fitness import require_fit
from baselines.core.model import MultitaskModel
from baselines.core.rng import DropoutRng
from baselines.core.tokenizer import SubwordTokenizer
from conftest import make_encoder
from tasks.core.errors import InputError
from test_training import CLASSES, SMALL, SPANS, document, spec


def load(folder: Path) -> SharedEncoder:
    return SharedEncoder(folder, 0.1, DropoutRng())


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
    assert load(hub.resolve(hub.DEMO)).hidden_size == 384


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
    with pytest.raises(InputError, match=r"lack \d+ tensors, encoder\.layer\.1"):
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
    """A folder is called by its last part and its files, of which two folders of one name have others."""
    assert hub.name_in_results(str(tiny_encoder), "0123456789") == f"{tiny_encoder.name}-01234567"
    odd = tiny_encoder.parent / "Łódź  --x+y..v1.5 final--"
    odd.mkdir()
    assert hub.name_in_results(str(odd), "0123456789") == "d-x-y..v1.5-final-01234567"
    assert hub.name_in_results("owner/model", "0123456789") == "owner/model"
    assert hub.name_in_results("minilm", "0123456789") == "minilm"


def everything(folder: Path) -> None:
    """All that a run reads of an encoder's folder."""
    found = hub.resolve(str(folder))
    hub.digest(found)
    SubwordTokenizer(found)
    load(found)


EVIL = "from pathlib import Path\nPath('exploded').touch()\nclass C: pass\n"
NESTED = b"[" * 100_000
CODE = '{"model_type": "evil", "auto_map": {"AutoConfig": "evil.C", "AutoModel": "evil.C"}}'
DAMAGES: dict[str, tuple[str, bytes]] = {
    "a configuration that names code": ("config.json", CODE.encode()),
    "no configuration": ("config.json", b"null"),
    "a nested configuration": ("config.json", NESTED),
    "a configuration that is not UTF-8": ("config.json", b"\xff"),
    "a model type that is none": ("config.json", b'{"model_type": []}'),
    "a value of another type": ("config.json", b'{"model_type": "bert", "hidden_size": "32"}'),
    "more layers than there are": ("config.json", b'{"model_type": "bert", "num_hidden_layers": 1000000000}'),
    "a size below 0": ("config.json", b'{"model_type": "bert", "hidden_size": -1}'),
    "a vocabulary beyond memory": ("config.json", b'{"model_type": "bert", "vocab_size": 1000000000000}'),
    "a vocabulary that is not UTF-8": ("vocab.txt", b"\xff"),
    "an empty vocabulary": ("vocab.txt", b""),
    "a tokenizer cut short": ("tokenizer.json", b"{"),
    "a nested tokenizer": ("tokenizer.json", NESTED),
    "a header longer than the file": ("model.safetensors", (2**62).to_bytes(8, "little") + b"{}"),
    "a header that is no JSON": ("model.safetensors", (2).to_bytes(8, "little") + b"\xff\xff"),
    "tensors outside the file": (
        "model.safetensors",
        (57).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,99999]}}'[:57],
    ),
    "no tensor": ("model.safetensors", (2).to_bytes(8, "little") + b"{}"),
}


@pytest.mark.parametrize(("name", "content"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_or_hostile_folder_is_one_sentence(
    name: str, content: bytes, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the encoder and what is wrong with which file; no code of the folder runs, and nobody is asked."""
    folder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, folder)
    (folder / "evil.py").write_text(EVIL)
    (folder / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.input", lambda *_: "yes")
    with pytest.raises(InputError, match="encoder") as caught:
        everything(folder)
    assert str(caught.value).count("\n") == 0
    assert not (tmp_path / "exploded").exists()


def test_code_of_a_tokenizer_is_not_run(tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, folder)
    (folder / "vocab.txt").unlink()
    (folder / "merges.txt").write_text("a b\n")
    (folder / "evil.py").write_text(EVIL)
    names = '{"tokenizer_class": "C", "auto_map": {"AutoTokenizer": ["evil.C", "evil.C"]}}'
    (folder / "tokenizer_config.json").write_text(names)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.input", lambda *_: "yes")
    with pytest.raises(InputError, match="the tokenizer in encoder cannot be read"):
        everything(folder)
    assert not (tmp_path / "exploded").exists()


def test_code_beside_a_known_model_type_is_not_run(
    tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder's own class would come in place of the library's."""
    folder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, folder)
    (folder / "evil.py").write_text(EVIL)
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "evil.C", "AutoModel": "evil.C"}
    (folder / "config.json").write_text(json.dumps(config))
    monkeypatch.chdir(tmp_path)
    everything(folder)
    assert not (tmp_path / "exploded").exists()


def test_weights_that_unpack_to_more_than_they_are_are_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    """torch reads compressed archives, though it writes none: a few kilobytes could be gigabytes."""
    shutil.copy(tiny_encoder / "config.json", tmp_path)
    torch.save({"a": torch.zeros(1_000_000)}, tmp_path / "plain.bin")
    with (
        zipfile.ZipFile(tmp_path / "plain.bin") as plain,
        zipfile.ZipFile(tmp_path / "pytorch_model.bin", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for member in plain.infolist():
            packed.writestr(member.filename, plain.read(member))
    with pytest.raises(InputError, match=r"pytorch_model\.bin of encoder .* unpacks to more than its size"):
        hub.resolve(str(tmp_path))


def test_offline_is_honoured_even_for_an_encoder_of_a_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """HF_HUB_OFFLINE: no name is looked up and no connection tried."""
    tried: list[object] = []
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *words, **_: tried.append(words))
    monkeypatch.setattr(socket.socket, "connect", lambda *words: tried.append(words))
    with pytest.raises(InputError, match=r"could not be had from the model hub \(HF_HUB_OFFLINE is set\)"):
        hub.resolve("bert-base")
    assert tried == []


def model_of(encoder: Path, longest: int) -> MultitaskModel:
    """A model of an encoder for windows of up to so many tokens."""
    settings = replace(SMALL, max_length=longest, pair_max_length=longest)
    return MultitaskModel(spec(encoder, encoder, [SPANS, CLASSES], settings=settings))


# The most tokens of encoders with 40 positions, of which some count from behind the padding id: 0, for MPNet 1.
UNTRIED: dict[str, tuple[int, dict[str, Any]]] = {
    "squeezebert": (40, {"embedding_size": 32}),
    "deberta-v2": (40, {}),
    "eurobert": (40, {}),
    "mpnet": (38, {}),
    "longformer": (39, {"attention_window": [8, 8]}),
    "luke": (39, {"entity_vocab_size": 9, "entity_emb_size": 8}),
    "esm": (39, {}),
    "data2vec-text": (39, {}),
    "roberta": (39, {}),
}


@pytest.mark.parametrize("kind", UNTRIED)
def test_an_encoder_takes_windows_of_just_as_many_sub_words_as_it_says(kind: str, tmp_path: Path) -> None:
    """One more is refused when it is loaded; a trial of the most draws no random number."""
    most, sizes = UNTRIED[kind]
    folder = make_encoder(tmp_path, kind, max_position_embeddings=40, **sizes)
    with pytest.raises(InputError, match=f"are too long for an encoder that takes {most}: lower --max-length"):
        model_of(folder, most + 1)
    model = model_of(folder, most).train()
    before = torch.get_rng_state()
    require_fit(model.encoder, model.tokenizer, most, model.autocast())
    assert torch.equal(torch.get_rng_state(), before)
    assert all(module.training for module in model.modules())
    windows = model.windows(SPANS, document(0, ["pain"] * 100))
    assert max(len(window.input_ids) for window in windows) == most
    model("spans", model.pack(windows)).sum().backward()


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "gpt2": ("reads from left to right", {}),
    "llama": ("reads from left to right", {}),
    "fnet": ("lets the padding of a batch change", {}),
    "ibert": ("has word embeddings of a kind of its own", {}),
    "vit": ("has word embeddings of a kind of its own", {}),
    "xmod": (r"fails with windows of 24 tokens \(ValueError\)", {}),
    "bart": (r"has a decoder \(bart\)", {"decoder_layers": 1, "encoder_layers": 1}),
    "bert": (r"has a decoder \(bert\)", {"is_decoder": True}),
    "roberta": ("names no pad_token_id", {"pad_token_id": None}),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_model_type_that_cannot_be_trained_is_refused_when_it_is_loaded(kind: str, tmp_path: Path) -> None:
    """In one sentence that says why, rather than with a traceback in training or with scores that mean nothing."""
    why, sizes = REFUSED[kind]
    with pytest.raises(InputError, match=why) as caught:
        model_of(make_encoder(tmp_path, kind, **sizes), 24)
    assert kind in str(caught.value)
    assert "\n" not in str(caught.value)


def with_tokenizer(encoder: Path, folder: Path, *added: str | AddedToken) -> tuple[Tokenizer, Path]:
    """The tokenizer of a copy of an encoder with tokens added to it, and the file it is to be saved to."""
    shutil.copytree(encoder, folder)
    tokenizer = SubwordTokenizer(encoder)._tokenizer
    for token in added:
        (tokenizer.add_tokens if isinstance(token, str) else tokenizer.add_special_tokens)([token])
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer, folder / "tokenizer.json"


def test_a_tokenizer_with_more_tokens_than_the_weights_have_rows_is_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    """When it is loaded: the token may first occur in the test split. Special ones that no text has do no harm."""
    rows = SubwordTokenizer(tiny_encoder).size
    with_tokenizer(tiny_encoder, tmp_path / "one", "troponin")
    with pytest.raises(InputError, match=f"has weights for {rows} tokens and a tokenizer of {rows + 1}: enlarge"):
        model_of(tmp_path / "one", 24)
    with_tokenizer(tiny_encoder, tmp_path / "special", AddedToken("[DOC]"))
    model = model_of(tmp_path / "special", 24)
    assert max(model.tokenizer.text("pain [DOC] pain").ids) < rows


def test_a_tokenizer_that_frames_no_text_is_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    """Both special tokens behind the text, as XLNet has them: pairs would be read at their first word."""
    tokenizer, file = with_tokenizer(tiny_encoder, tmp_path / "behind")
    template = {"single": "$A [SEP] [CLS]", "pair": "$A [SEP] $B [SEP] [CLS]"}
    tokenizer.post_processor = processors.TemplateProcessing(**template, special_tokens=[("[SEP]", 3), ("[CLS]", 2)])
    tokenizer.save(str(file))
    with pytest.raises(InputError, match="does not frame a text by two special tokens"):
        SubwordTokenizer(file.parent)
