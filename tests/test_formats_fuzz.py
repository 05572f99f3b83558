"""Damaged corpora: whatever the bytes, a reader gives one sentence or examples that its writer can write, no traceback.

BENCH_FUZZ_CASES sets how many cases each reader gets; a few by default.
"""

from __future__ import annotations

import gzip
import os
import random
import re
import tempfile
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from invented import FOLDER, NAMES, contents, laid, packed, task
from tasks.core.errors import InputError
from tasks.core.examples import Document
from tasks.core.files.corpus import Corpus

CASES = int(os.environ.get("BENCH_FUZZ_CASES", "60"))
BOMB = b'<!DOCTYPE a [<!ENTITY a "' + b"a" * 1000 + b'"><!ENTITY b "' + b"&a;" * 1000 + b'">]>'
DICTIONARY = (
    b"\n", b"\r", b"\t", b" ", b"\0", b"\xff", b"\xe9", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xf0\x9f\x98\x80",
    b"\xcc\x81", b"\xed\xa0\x80", b"&", b"&a;", b"&b;", b"<", b"]]>", b"<![CDATA[", b"<TAGS>", b"</TEXT>", BOMB,
    b'<a b="c">' * 200, b'"', b"||", b"T1\tDrug 0 5;3 9\tx\n", b"T1\tDrug 0 1000000000000000000\tx\n", b"\\ud800",
    b"&#13;", b"\xc2\x85", b"\v", b"[" * 10_000, b'{"a":' * 10_000, b"{", b"NaN", b"1e999", b"..", b"../", b"/",
)  # fmt: skip
NUMBERS = (b"0", b"-1", b"1", b"2", b"7", b"40", b"99999", b"1" + b"0" * 18, b"9" * 30, b"9" * 5000, b"0.5", b"1e18")


def damaged(rng: random.Random, data: bytes) -> bytes:
    """The bytes with some cut, doubled, flipped or added, or other numbers in them."""
    for _ in range(rng.randint(1, 4)):
        data = rng.choice((spliced, spliced, renumbered, flipped, truncated))(rng, data)
    return data


def spliced(rng: random.Random, data: bytes) -> bytes:
    """A part gives way to nothing, to itself twice, to a random byte or to something that means much somewhere."""
    start = rng.randint(0, len(data))
    end = min(len(data), start + rng.choice((0, 0, 1, 2, 10, 1000)))
    added = rng.choice((b"", rng.randbytes(1), rng.choice(DICTIONARY), data[start:end] * 2))
    return data[:start] + added + data[end:]


def renumbered(rng: random.Random, data: bytes) -> bytes:
    """A number gives way to another."""
    places = [match.span() for match in re.finditer(rb"[0-9]+", data)]
    start, end = rng.choice(places) if places else (0, 0)
    return data[:start] + rng.choice(NUMBERS) + data[end:]


def flipped(rng: random.Random, data: bytes) -> bytes:
    """One bit is another."""
    place = rng.randrange(len(data)) if data else 0
    return data[:place] + bytes([byte ^ 1 << rng.randrange(8) for byte in data[place : place + 1]]) + data[place + 1 :]


def truncated(rng: random.Random, data: bytes) -> bytes:
    """The end is missing."""
    return data[: rng.randint(0, len(data))]


def read_all(name: str, folder: Path) -> None:
    """Read every split; only InputError may come of it, or examples that can be written and are the same again."""
    for split in task(name).official_splits:
        try:
            found = list(task(name).read(Corpus(folder), split))
        except InputError:
            continue
        for example in found:
            for span in example.gold if isinstance(example, Document) else ():
                assert span.start >= 0
                assert span.end <= len(example.text)
                assert all(start < end for start, end in span.fragments)
                assert all(before[1] <= after[0] for before, after in pairwise(span.fragments))
        with tempfile.TemporaryDirectory() as again:
            task(name).write(Path(again), split, found)
            assert list(task(name).read(Corpus(Path(again)), split)) == found


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_never_end_in_a_traceback(name: str) -> None:
    """Every official file of a task, damaged at random."""
    rng = random.Random(name)
    files = [(path, data) for path, data in contents(FOLDER / name) if "/ast/" not in path and "/rel/" not in path]
    with tempfile.TemporaryDirectory() as folder:
        for path, data in files:
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / path).write_bytes(data)
        for _ in range(CASES):
            path, data = rng.choice(files)
            (Path(folder) / path).write_bytes(damaged(rng, data))
            read_all(name, Path(folder))
            (Path(folder) / path).write_bytes(data)


SEPARATORS = ("", " ", "\t", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028")


@pytest.mark.parametrize("name", ["i2b2_2010", "n2c2_2018", "quaero_2014", "mednli", "n2c2_2019"])
def test_no_record_is_lost_in_silence_with_a_line_end(name: str, tmp_path: Path) -> None:
    """Whatever stands in place of one, every example is read with its gold, or the file is refused."""

    def golds() -> list[tuple[str, Any]]:
        corpus = Corpus(tmp_path)
        return [(one.id, one.gold) for split in task(name).official_splits for one in task(name).read(corpus, split)]

    files = dict(contents(FOLDER / name))
    laid(tmp_path, files)
    whole = golds()
    for path, data in files.items():
        if Path(path).suffix in (".ann", ".con", ".jsonl") or "STS" in path:
            for end in re.finditer(rb"\n", data):
                for separator in SEPARATORS:
                    laid(tmp_path, {path: data[: end.start()] + separator.encode() + data[end.end() :]})
                    with suppress(InputError):
                        assert golds() == whole, (path, end, separator)
            laid(tmp_path, {path: data})


@pytest.mark.parametrize("archive", ["x.zip", "x.tar.gz", "x.tar"])
def test_damaged_archives_never_end_in_a_traceback(archive: str, tmp_path: Path) -> None:
    """A packed corpus, damaged at random; a tar in its gzip, too."""
    rng = random.Random(archive)
    packed(FOLDER / "n2c2_2018", tmp_path / archive)
    data = (tmp_path / archive).read_bytes()
    for _ in range(CASES):
        inside = archive == "x.tar.gz" and rng.random() < 0.5
        bytes_ = gzip.compress(damaged(rng, gzip.decompress(data)), 1) if inside else damaged(rng, data)
        (tmp_path / archive).write_bytes(bytes_)
        read_all("n2c2_2018", tmp_path)
