"""Damaged corpora: whatever the bytes, a reader gives examples or one sentence, never a traceback.

BENCH_FUZZ_CASES sets how many cases each reader gets; a few by default.
"""

from __future__ import annotations

import os
import random
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from invented import FOLDER, NAMES, contents, packed, task
from tasks.core.corpus import Corpus
from tasks.core.errors import InputError
from tasks.core.examples import Document
from tasks.core.splits import digest

CASES = int(os.environ.get("BENCH_FUZZ_CASES", "60"))
DICTIONARY = (
    b"\n", b"\r", b"\t", b" ", b"\0", b"\xff", b"\xe9", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"&", b"&a;", b"<", b"]]>",
    b"<TAGS>", b"</TEXT>", b"<!DOCTYPE a [<!ENTITY a 'b'>]>", b'"', b"||", b"T1\tDrug 0 5;3 9\tx\n", b"-1", b"9" * 30,
    b"\\ud800", b"[" * 3000, b"{", b"NaN", b"1e999", b"..", b"/",
)  # fmt: skip


def damaged(stream: random.Random, data: bytes) -> bytes:
    """The bytes with some cut, doubled, changed or added."""
    for _ in range(stream.randint(1, 4)):
        start = stream.randint(0, len(data))
        end = min(len(data), start + stream.choice((0, 0, 1, 2, 10, 1000)))
        added = stream.choice((b"", stream.randbytes(1), stream.choice(DICTIONARY), data[start:end] * 2))
        data = data[:start] + added + data[end:]
    return data


def read_all(name: str, folder: Path) -> None:
    """Read every split; only InputError may come of it, and no mention outside its text."""
    for split in task(name).official_splits:
        with suppress(InputError):
            for example in task(name).read(Corpus(folder), split):
                digest([example])
                if isinstance(example, Document):
                    ends = [end for span in example.gold for fragment in span.fragments for end in fragment]
                    assert all(0 <= end <= len(example.text) for end in ends)


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_never_end_in_a_traceback(name: str) -> None:
    """Every official file of a task, damaged at random."""
    stream = random.Random(name)
    files = [(path, data) for path, data in contents(FOLDER / name) if "ast" not in path and "rel" not in path]
    with tempfile.TemporaryDirectory() as folder:
        for path, data in files:
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / path).write_bytes(data)
        for _ in range(CASES):
            path, data = stream.choice(files)
            (Path(folder) / path).write_bytes(damaged(stream, data))
            read_all(name, Path(folder))
            (Path(folder) / path).write_bytes(data)


@pytest.mark.parametrize("archive", ["x.zip", "x.tar.gz", "x.tar"])
def test_damaged_archives_never_end_in_a_traceback(archive: str, tmp_path: Path) -> None:
    """A packed corpus, damaged at random."""
    stream = random.Random(archive)
    packed(FOLDER / "n2c2_2018", tmp_path / archive)
    data = (tmp_path / archive).read_bytes()
    for _ in range(CASES):
        (tmp_path / archive).write_bytes(damaged(stream, data))
        read_all("n2c2_2018", tmp_path)
