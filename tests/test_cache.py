"""The cache of tokenised corpora changes nothing, is read again, and lies where it should."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines.core.cached_windows import MappedWindows, cached_dev_windows, cached_train_windows
from baselines.core.heads import head_for
from baselines.core.settings import SPAN_HEADS, Settings
from baselines.core.tokenizer import SubwordTokenizer
from baselines.core.training import train
from baselines.core.windows import Window
from bench import registry
from bench.cli import main as cli
from bench.runner import open_corpora
from bench.runner.corpora import windows_file
from bench.runner.open_corpora import opened
from bench.store import cache
from bench.store.runs import Fingerprints
from small_bench import write_corpora
from tasks.core.errors import InputError
from tasks.core.examples import Document, Span
from tasks.demo.corpora import write_demo
from test_training import SMALL, SPANS, TASKS, examples, same, spec, weights


def made(encoder: Path, task: Any, span_head: str = "flat") -> list[Window]:
    head, tokenizer = head_for(task, 32, replace(SMALL, span_head=span_head)), SubwordTokenizer(encoder)
    return [window for example in examples(task, "train") for window in head.windows(tokenizer, example, use_gold=True)]


def assert_same(before: Window, after: Window) -> None:
    for field in fields(Window):
        one, other = getattr(before, field.name), getattr(after, field.name)
        assert one.dtype.kind == other.dtype.kind
        assert np.array_equal(one, other)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("span_head", SPAN_HEADS)
def test_windows_come_back_as_they_were(tmp_path: Path, tiny_encoder: Path, task: Any, span_head: str) -> None:
    windows = made(tiny_encoder, task, span_head)
    kept = cached_train_windows(windows, tmp_path / "kept.arrow")
    assert isinstance(kept, MappedWindows)
    for before, after in zip(windows, kept, strict=True):
        assert_same(before, after)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_development_examples_come_back_with_their_windows(tmp_path: Path, tiny_encoder: Path, task: Any) -> None:
    """A note without a word and one that lists a mention twice included."""
    head, tokenizer, asked = head_for(task, 32, SMALL), SubwordTokenizer(tiny_encoder), list(examples(task, "dev"))
    if task is SPANS:
        twice = (Span(((0, 4), (5, 9)), "problem"),) * 2
        asked[3:3] = [Document("empty", "", frozenset()), Document("é\ud7ff", "pain pain", frozenset(twice), twice)]
    cuts = [(example, head.cut(tokenizer, example, use_gold=False)) for example in asked]
    kept = cached_dev_windows(task, cuts, tmp_path / "kept.arrow")
    for _ in range(2):
        for (before, made), (after, read) in zip(cuts, kept, strict=True):
            assert before == after
            if isinstance(before, Document):
                assert list(before.listed()) == list(after.listed())
            for one, other in zip(made, read, strict=True):
                assert_same(one, other)


def test_what_is_kept_is_not_made_again(tmp_path: Path, tiny_encoder: Path) -> None:
    def never() -> Iterable[Window]:
        raise AssertionError("read again")
        yield

    windows = made(tiny_encoder, SPANS)
    cached_train_windows(windows, tmp_path / "kept.arrow")
    assert len(cached_train_windows(never(), tmp_path / "kept.arrow")) == len(windows)


def cut_short(content: bytes) -> bytes:
    return content[: len(content) // 2]


def one_bit(content: bytes) -> bytes:
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize("damage", [cut_short, one_bit, lambda content: b"", lambda content: b"x" * 32])
def test_a_damaged_file_is_made_anew(tmp_path: Path, tiny_encoder: Path, damage: Callable[[bytes], bytes]) -> None:
    windows, file = made(tiny_encoder, SPANS), tmp_path / "kept.arrow"
    cached_train_windows(windows, file)
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert len(cached_train_windows(windows, file)) == len(windows)
    assert file.read_bytes() == whole


def test_a_training_from_the_cache_ends_with_the_same_bits(tmp_path: Path, tiny_encoder: Path) -> None:
    def windows_file(task: Any, split: str) -> Path:
        return tmp_path / f"{task.name}-{split}.arrow"

    plain, _ = train(spec(tmp_path, tiny_encoder, TASKS))
    for _ in range(2):  # It is filled, then read.
        cached, _ = train(spec(tmp_path, tiny_encoder, TASKS, windows_file=windows_file))
        assert same(weights(plain), weights(cached))


def test_it_is_for_its_owner_alone_and_can_be_removed(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    with cache.opened() as kept:
        cached_train_windows(made(tiny_encoder, SPANS), kept / "kept.arrow")
        assert cli.main(["clean"]) == 2
    assert "give this one again after it" in capsys.readouterr().err
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "cache").rglob("*")}
    assert modes == {"windows": 0o700, "kept.arrow": 0o600}
    (tmp_path / "cache" / "mine.txt").write_text("not ours")
    assert cli.main(["clean"]) == 0
    assert "1 files of tokenised corpora" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["mine.txt"]


def test_the_demo_is_written_once_and_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each scale and what writes it, whole or not at all; without a cache it goes with the command."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    written: list[float] = []
    fail = [True]

    def write(folder: Path, scale: float) -> None:
        write_demo(folder, scale)
        written.append(scale)
        if fail.pop():
            raise KeyboardInterrupt

    monkeypatch.setattr(open_corpora, "write_demo", write)
    with cache.opened() as kept:
        with pytest.raises(KeyboardInterrupt), opened(None, 0.05, kept):
            pass
        assert list(kept.iterdir()) == []
        fail[:] = [False] * 4
        for scale, name in ((0.05, "demo-x0.05"), (0.05, "demo-x0.05"), (0.06, "demo-x0.06")):
            with opened(None, scale, kept) as found:
                assert (found.name, found.folder.parent) == (name, kept)
        assert {stat.S_IMODE(path.stat().st_mode) for path in kept.rglob("*")} == {0o700, 0o600}
        assert len(list(kept.iterdir())) == 2
    with opened(None, 0.05) as found:
        assert (tmp_path / "cache") not in found.folder.parents
    assert not found.folder.exists()
    assert written == [0.05, 0.05, 0.06, 0.05]
    assert cli.main(["clean"]) == 0
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cache_that_cannot_be_made_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file"))
    assert cli.main(["run", "--tasks", "mednli", "--scale", "0.05", "--results", str(tmp_path / "results")]) == 2
    assert "give --no-cache" in capsys.readouterr().err


def test_a_user_without_a_home_names_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container: HOME is not set, and the system knows no such user."""
    for name in ("BENCH_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    with pytest.raises(InputError, match="set BENCH_CACHE"):
        cache.folder()
    monkeypatch.setenv("BENCH_CACHE", "named")
    assert cache.folder() == Path("named")


@pytest.mark.parametrize(("words", "files"), [((), 6), (("--no-cache",), 0)])
def test_a_run_keeps_what_it_tokenised_unless_told_not_to(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], files: int
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    write_corpora(tmp_path / "data")
    where = ["--data", str(tmp_path / "data"), "--encoder", str(tiny_encoder), "--results", str(tmp_path / "results")]
    how = "--tasks mednli --baselines single_task --profile demo --epochs 1".split()
    assert cli.main(["run", *where, *how, *words]) == 0
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    # Statistics, ceiling, the windows of the training and the development split; where corpus and encoder lie.
    assert len(kept) == files


def test_another_library_is_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may cut the same text in other tokens."""
    task = next(iter(registry.tasks()))
    fingerprints = Fingerprints(settings="", corpora={task: "a"}, encoder="b", code="c")
    before = windows_file(tmp_path, task, "train", fingerprints, Settings())
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.0")
    assert windows_file(tmp_path, task, "train", fingerprints, Settings()) != before


def test_another_corpus_encoder_or_cut_is_another_file(tmp_path: Path) -> None:
    task = next(iter(registry.tasks()))
    fingerprints = Fingerprints(settings="", corpora={task: "a"}, encoder="b", code="c")
    others = [
        (replace(fingerprints, corpora={task: "z"}), Settings()),
        (replace(fingerprints, encoder="z"), Settings()),
        *((fingerprints, replace(Settings(), **change)) for change in ({"max_length": 64}, {"span_head": "nested"})),
    ]
    files = {windows_file(tmp_path, task, "train", *one) for one in [(fingerprints, Settings()), *others]}
    assert len(files) == 5
    rates = replace(Settings(), encoder_lr=1.0)
    assert windows_file(tmp_path, task, "train", fingerprints, rates) in files
