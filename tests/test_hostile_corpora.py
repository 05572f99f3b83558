"""Corpora that somebody sent: each command ends in one sentence, in bounded memory, and finished results stay."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from invented import laid
from made_up_results import Maker
from separate import finish, start

NAMES = "abcdefghyz"
ENTITIES = "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise(NAMES))
BOMB = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">{ENTITIES}]><a>&z;</a>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'


def zeros(folder: Path) -> None:
    """A gigabyte of zeros, packed."""
    folder.mkdir()
    info = tarfile.TarInfo("mli_train_v1.jsonl")
    info.size = 1 << 30
    with gzip.open(folder / "mednli.tar.gz", "wb", compresslevel=1) as file:
        file.write(info.tobuf())
        for _ in range(1 << 5):
            file.write(bytes(1 << 25))


def zipped_zeros(folder: Path) -> None:
    folder.mkdir()
    with zipfile.ZipFile(folder / "mednli.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        member = archive.open("mli_train_v1.jsonl", "w")
        for _ in range(1 << 5):
            member.write(bytes(1 << 25))
        member.close()


def escaping(folder: Path) -> None:
    """An archive whose members would lie outside, be links or be devices."""
    folder.mkdir()
    with tarfile.open(folder / "x.tar.gz", "w:gz") as tar:
        for name, kind in (("../escaped", tarfile.REGTYPE), ("/tmp/escaped", tarfile.REGTYPE)):
            info = tarfile.TarInfo(f"{name}/mli_train_v1.jsonl")
            info.type = kind
            tar.addfile(info, io.BytesIO(b""))
        for name, kind in (("mli_dev_v1.jsonl", tarfile.SYMTYPE), ("mli_test_v1.jsonl", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)


def of(files: Mapping[str, str]) -> Callable[[Path], object]:
    return lambda folder: laid(folder, files)


ANNOTATED = "QUAERO_FrenchMed/corpus/train/EMEA/1"
CORPORA: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "zeros": ("mednli", zeros, "mednli.tar.gz: it unpacks to more than"),
    "zipped-zeros": ("mednli", zipped_zeros, "mednli.zip: it unpacks to more than"),
    "escaping": ("mednli", escaping, "is not below escaping"),
    "nested": ("mednli", of({"mli_train_v1.jsonl": "[" * 10_000}), "mli_train_v1.jsonl, line 1: this is no JSON"),
    "entities": ("medrqe_2016", of({"RQE_Train_8588_AMIA2016.xml": BOMB}), "AMIA2016.xml: it declares"),
    "references": ("medrqe_2016", of({"RQE_Train_8588_AMIA2016.xml": OUTSIDE}), "AMIA2016.xml: it declares"),
    "offsets": (
        "quaero_2014",
        of({f"{ANNOTATED}.ann": f"T1\tANAT 0 {10**18}\tfoie\n", f"{ANNOTATED}.txt": "foie\n"}),
        "1.ann, line 1: characters 0 to 1000000000000000000 lie outside",
    ),
}
GIVE_EACH = """
import json, sys, resource
from contextlib import redirect_stderr
from io import StringIO
from bench.cli import main as cli

resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))  # What takes more is no sentence but a MemoryError.
said = {}
for name, task in json.loads(sys.argv[1]).items():
    with redirect_stderr(StringIO()) as error:
        words = ["run", "--tasks", task, "--baselines", "majority", "--data", name, "--results", "results"]
        said[name] = cli.main(words), error.getvalue()
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """Status and message for each corpus, of one process that may have a gigabyte of addresses."""
    folder = tmp_path_factory.mktemp("hostile")
    Maker(root=folder / "results").run("majority", ("mednli",), 0)
    finished = contents(folder / "results" / "runs")
    for name, (_, make, _) in CORPORA.items():
        make(folder / name)
    tasks = json.dumps({name: task for name, (task, _, _) in CORPORA.items()})
    done = finish(start(["-c", GIVE_EACH, tasks], folder))
    assert done.returncode == 0, done.stderr
    assert contents(folder / "results" / "runs") == finished
    assert {path.name for path in folder.iterdir()} == {*CORPORA, "results", "elsewhere"}
    assert not [path for path in (folder / "elsewhere").rglob("*") if path.is_file()]
    told: dict[str, tuple[int, str]] = json.loads(done.stdout)
    return told


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", CORPORA)
def test_a_hostile_corpus_is_one_sentence_that_names_its_file(name: str, said: dict[str, tuple[int, str]]) -> None:
    """Exit status 2; no finished result is touched and nothing is written but in the results folder."""
    status, message = said[name]
    assert status == 2
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    assert CORPORA[name][2] in message
