"""Packed or unpacked, doubled, littered or hostile: what the files of a corpus are."""

from __future__ import annotations

import gzip
import io
import os
import random
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import NoReturn

import pytest

from invented import FOLDER, contents, laid, packed, refused, splits, task
from tasks.core.errors import InputError
from tasks.core.files import archives
from tasks.core.files.corpus import Corpus
from tasks.core.files.disk import POINTER
from tasks.core.splits import digest


def everything(corpus: Corpus) -> dict[str, str]:
    """A digest of each split of each task."""
    return {f"{name} {split}": digest(task(name), list(task(name).read(corpus, split))) for name, split in splits()}


@pytest.fixture(scope="module")
def unpacked() -> dict[str, str]:
    return everything(Corpus(FOLDER))


@pytest.mark.parametrize("archive", ["all.zip", "all.tar.gz", "all.tgz", "all.tar"])
@pytest.mark.parametrize("top", ["", "./"])
def test_packed_and_unpacked_give_identical_examples(
    archive: str, top: str, tmp_path: Path, unpacked: dict[str, str]
) -> None:
    """Nobody has to unpack anything, and nobody's figures depend on it."""
    (tmp_path / "downloads").mkdir()
    packed(FOLDER, tmp_path / "downloads" / archive, top)
    assert everything(Corpus(tmp_path)) == unpacked


def test_each_download_packed_alone_gives_identical_examples(tmp_path: Path, unpacked: dict[str, str]) -> None:
    """The official archives side by side, flat ones among them, are the corpora."""
    for place in FOLDER.iterdir():
        for download in place.iterdir() if place.is_dir() else ():
            if download.is_dir():
                shutil.copytree(download, tmp_path / "work" / download.name / download.name)
                packed(tmp_path / "work" / download.name, tmp_path / f"{download.name}.tar.gz")
            else:
                shutil.copy(download, tmp_path)
    shutil.rmtree(tmp_path / "work")
    assert everything(Corpus(tmp_path)) == unpacked


def test_archives_that_hold_bare_files_are_known_by_their_own_name(tmp_path: Path) -> None:
    """A flat archive's name stands for the folder it does not hold."""
    release = "2012-07-15.original-annotation.release"
    packed(FOLDER / "i2b2_2012" / release, tmp_path / f"{release}.tar.gz")
    flat, official = (list(task("i2b2_2012").read(Corpus(folder), "train")) for folder in (tmp_path, FOLDER))
    assert flat == official


def test_copies_count_once(tmp_path: Path, unpacked: dict[str, str]) -> None:
    """Packed beside unpacked, and folders doubled by unpackers, add no example."""
    shutil.copytree(FOLDER, tmp_path / "data")
    training = tmp_path / "data/n2c2_2018/training_20180910"
    shutil.copytree(FOLDER / "n2c2_2018/training_20180910", training / "training_20180910")
    packed(FOLDER, tmp_path / "data/all.zip")
    corpus = Corpus(tmp_path / "data")
    assert everything(corpus) == unpacked
    assert "copy that differs" not in {warning.kind for warning in corpus.warnings}


def skipped(folder: Path) -> dict[str, str]:
    """What is skipped below a folder, and why; not a file of it is found."""
    corpus = Corpus(folder)
    assert not corpus.find("")
    return {note.file: f"{note.kind}: {note.what}" for note in corpus.skipped}


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:1f\nsize 1000000\n"


@pytest.mark.parametrize(
    ("hindrance", "why"),
    [
        ("x.zip", "archive that cannot be read: no readable archive (BadZipFile); download it again or take it away"),
        (
            "lfs.tar.gz",
            "archive that cannot be read: a pointer of Git LFS or git-annex; fetch the file that it stands for",
        ),
        ("lost+found", "folder that cannot be listed: Permission denied"),
        ("gone.txt", "file that cannot be looked at: No such file or directory"),
        ("nowhere", "link or device: not followed"),
    ],
)
def test_what_no_task_needs_hinders_none(
    hindrance: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is skipped with a warning, each time, and named to whoever misses a corpus; the listing knows of it."""
    sts = {"clinicalSTS2019.train.txt": "a\tb\t1\n", "clinicalSTS2019.test.txt": "a\tb\n"}
    laid(tmp_path, {**sts, "clinicalSTS2019.test.gs.sim.txt": "1\n"})
    without = Corpus(tmp_path).listing
    laid(tmp_path, {name: data for name, data in {"x.zip": "no zip", "lfs.tar.gz": LFS}.items() if name == hindrance})
    if hindrance == "lost+found":
        (tmp_path / hindrance).mkdir()
        scandir = os.scandir
        monkeypatch.setattr("os.scandir", lambda path: scandir(path) if Path(path).name != hindrance else denied(path))
    if hindrance == "gone.txt":
        laid(tmp_path, {hindrance: ""})
        lstat = Path.lstat
        monkeypatch.setattr(Path, "lstat", lambda path: lstat(path if path.name != hindrance else path / "x" / "y"))
        why = why.replace("No such file or directory", "Not a directory")
    if hindrance == "nowhere":
        (tmp_path / hindrance).symlink_to(tmp_path / "nothing")
    corpus = Corpus(tmp_path)
    for split in ("train", "test", "train"):
        assert len(list(task("n2c2_2019").read(corpus, split))) == 1
    assert [(note.file, f"{note.kind}: {note.what}") for note in corpus.skipped] == [(hindrance, why)]
    assert corpus.listing != without
    said = refused("mednli", corpus)
    assert said.startswith("mli_train_v1.jsonl (in mednli-a-natural")
    assert said.endswith(f"; {hindrance}: {why.partition(': ')[2]}")


def denied(path: str) -> NoReturn:
    raise PermissionError(13, "Permission denied", path)


@pytest.mark.parametrize("content", ["no zip", LFS])
@pytest.mark.parametrize(
    ("name", "split", "archive"),
    [
        ("n2c2_2018", "train", "training_20180910.zip"),
        ("n2c2_2018", "test", "gold-standard-test-data.zip"),
        ("i2b2_2014", "train", "2014_training-PHI-Gold-Set1.tar.gz"),
        ("mednli", "dev", "mednli-a-natural-language-inference-dataset-for-the-clinical-domain-1.0.0.zip"),
    ],
)
def test_a_broken_archive_is_the_error_of_the_task_that_needs_it(
    name: str, split: str, archive: str, content: str, tmp_path: Path
) -> None:
    """It is called as the official download; no other corpus is read for it; where it lies unpacked nobody needs it."""
    corpus = laid(tmp_path, {archive: content, "other/test/1.ann": "T1\tDrug 0 1\ta\n", "other/test/1.txt": "a"})
    said = refused(name, corpus, split)
    assert said.startswith(f"{archive}: ")
    shutil.copytree(FOLDER / name, tmp_path / name)
    assert list(task(name).read(Corpus(tmp_path), split)) == list(task(name).read(Corpus(FOLDER), split))


def test_a_pointer_is_no_file(tmp_path: Path) -> None:
    """What Git LFS leaves in a file's place is never read as the file, on disk or in an archive."""
    corpus = laid(tmp_path, {"clinicalSTS2019.train.txt": LFS})
    assert refused("n2c2_2019", corpus) == "clinicalSTS2019.train.txt: " + POINTER
    packed(tmp_path, tmp_path / "x.zip")
    (tmp_path / "clinicalSTS2019.train.txt").unlink()
    assert refused("n2c2_2019", Corpus(tmp_path)).endswith(POINTER)


def test_unpacked_goes_before_packed(tmp_path: Path) -> None:
    """Whoever unpacked a download to look at it is read there, whatever the archive is called."""
    laid(tmp_path / "x", {"clinicalSTS2019.train.txt": "a\tb\t1\n"})
    packed(tmp_path / "x", tmp_path / "a.zip")
    (found,) = Corpus(tmp_path).find("train")
    assert found.path == "x/clinicalSTS2019.train.txt"


def test_a_copy_that_differs_is_told(tmp_path: Path) -> None:
    """Of two different files of one name the unpacked is read, and the other one is named."""
    corpus = laid(tmp_path, {"a/clinicalSTS2019.train.txt": "a\tb\t1\n", "b/clinicalSTS2019.train.txt": "a\tb\t1.5\n"})
    (pair,) = task("n2c2_2019").read(corpus, "train")
    assert pair.gold == 1
    assert [(n.kind, n.file) for n in corpus.warnings] == [("copy that differs", "b/clinicalSTS2019.train.txt")]


def test_litter_of_operating_systems_is_nothing(tmp_path: Path, unpacked: dict[str, str]) -> None:
    """__MACOSX, ._ files and .DS_Store are never read, on disk or in archives."""
    packed(FOLDER, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip", "a") as file:
        names = [name for name, _ in contents(FOLDER)]
        for folder, _, last in (name.rpartition("/") for name in names):
            file.writestr(f"__MACOSX/{folder}/._{last}", b"\0")
            file.writestr(f"{folder}/._added-{last}", b"\0")
        for folder in {name.rpartition("/")[0] for name in names}:
            file.writestr(f"{folder}/.DS_Store", b"\0")
    assert everything(Corpus(tmp_path)) == unpacked


def test_gzip_is_read_at_any_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any part of a gzip file of several members is what it is when read from the start."""
    monkeypatch.setattr(archives, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(archives, "BLOCKS_KEPT", 2)
    rng = random.Random(0)
    whole = rng.randbytes(7000) + b"a" * 5000 + rng.randbytes(3000)
    place = tmp_path / "x.gz"
    place.write_bytes(gzip.compress(whole[:6500]) + gzip.compress(whole[6500:]) + b"\0" * 512)
    read = archives.GzipBytes(place)
    for _ in range(200):
        start = rng.randrange(len(whole) + 10)
        expected = whole[start : min(start + 50, (start // 1000 + 1) * 1000)]
        assert read(start, 50) == expected


def test_members_in_any_order_cost_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight hundred members read back to front are decompressed a few times over, not eight hundred times."""
    monkeypatch.setattr(archives, "BLOCK_BYTES", 1 << 16)
    rng = random.Random(0)
    laid(tmp_path / "x", {f"{n:04}.txt": rng.randbytes(2000) for n in range(800)})
    packed(tmp_path / "x", tmp_path / "x.tar.gz")
    shutil.rmtree(tmp_path / "x")
    decoded = []
    decode = archives.GzipBytes._decode
    monkeypatch.setattr(archives.GzipBytes, "_decode", lambda self, n: (decoded.append(n), decode(self, n))[1])
    files = Corpus(tmp_path).find(r"([0-9]+)\.txt$")
    assert len({file.read() for file in files}) == 800
    assert len(decoded) < 3 * (max(decoded) + 1)


def hostile_tar(place: Path, info: tarfile.TarInfo, data: bytes = b"") -> None:
    """A tar with one honest member and one that is given."""
    with tarfile.open(place, "w:gz") as tar:
        honest = tarfile.TarInfo("clinicalSTS2019.train.txt")
        honest.size = 6
        tar.addfile(honest, io.BytesIO(b"a\tb\t1\n"))
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))


@pytest.mark.parametrize("name", ["../clinicalSTS2019.test.txt", "/tmp/clinicalSTS2019.test.txt", "a/../../x.txt"])
def test_paths_out_of_an_archive_are_ignored_and_told(name: str, tmp_path: Path) -> None:
    """Absolute paths and `..` are never read; the rest of the archive is."""
    hostile_tar(tmp_path / "x.tar.gz", tarfile.TarInfo(name), b"evil")
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as file:
        file.writestr(name, "evil")
    corpus = Corpus(tmp_path)
    assert len(list(task("n2c2_2019").read(corpus, "train"))) == 1
    assert [warning.kind for warning in corpus.warnings] == ["path leaves the archive"] * 2
    assert not corpus.find(r"test\.txt$")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_archives_are_ignored_and_told(kind: bytes, tmp_path: Path) -> None:
    """A member that is no plain file is never opened."""
    info = tarfile.TarInfo("clinicalSTS2019.test.txt")
    info.type, info.linkname = kind, "/etc/passwd"
    hostile_tar(tmp_path / "x.tar.gz", info)
    corpus = Corpus(tmp_path)
    assert not corpus.find(r"test\.txt$")
    assert [warning.kind for warning in corpus.warnings] == ["link or device in an archive"]


def test_links_on_disk_are_not_followed(tmp_path: Path) -> None:
    """Nothing outside the data folder is read, and a link to the folder above makes no endless walk."""
    (tmp_path / "secret.txt").write_text("a\tb\t1\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/clinicalSTS2019.train.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "data/round").symlink_to(tmp_path / "data")
    os.mkfifo(tmp_path / "data/pipe")
    corpus = Corpus(tmp_path / "data")
    assert not corpus.find("")
    assert [warning.kind for warning in corpus.warnings] == ["link or device"] * 3


def test_a_gigabyte_of_zeros_is_refused(tmp_path: Path) -> None:
    """An archive that unpacks to hundreds of times its size ends in a sentence, not in memory."""
    with gzip.open(tmp_path / "bomb.tar.gz", "wb", compresslevel=9) as file:
        info = tarfile.TarInfo("clinicalSTS2019.train.txt")
        info.size = 1 << 30
        file.write(info.tobuf())
        for _ in range(128):
            file.write(bytes(1 << 20))
    assert "it unpacks to more than 200 times" in skipped(tmp_path)["bomb.tar.gz"]
    (tmp_path / "bomb.tar.gz").unlink()
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as zipped, zipped.open("x", "w") as member:
        for _ in range(128):
            member.write(bytes(1 << 20))
    assert "it unpacks to more than 200 times" in skipped(tmp_path)["bomb.zip"]


def test_a_document_larger_than_any_is_refused(tmp_path: Path) -> None:
    """No single file is read beyond its bound, whatever its header says."""
    with (tmp_path / "1.txt").open("wb") as file:
        file.truncate(1 << 30)
    (found,) = Corpus(tmp_path).find("1.txt")
    with pytest.raises(InputError, match=r"1\.txt: it holds more than 64 MiB"):
        found.read()
    with pytest.raises(InputError, match=r"1\.txt: it holds more than 256 MiB"):
        sum(map(len, found.chunks()))
    with pytest.raises(InputError, match=r"1\.txt, line 1: it is longer than 16 MiB"):
        next(found.lines())


@pytest.mark.parametrize("archive", ["all.zip", "all.tar.gz", "all.tar"])
def test_a_truncated_archive_is_passed_over_whole(archive: str, tmp_path: Path) -> None:
    """Half a download never passes for a smaller corpus."""
    packed(FOLDER, tmp_path / archive)
    data = (tmp_path / archive).read_bytes()
    for part in (0, 100, len(data) // 2, len(data) * 3 // 4):
        (tmp_path / archive).write_bytes(data[:part])
        assert "no readable archive" in skipped(tmp_path)[archive]


def test_a_member_without_a_name_is_nothing(tmp_path: Path) -> None:
    """Found by damaging archives: a name that begins with a zero byte is empty."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("Xa.txt", "")
    (tmp_path / "x.zip").write_bytes((tmp_path / "x.zip").read_bytes().replace(b"Xa.txt", b"\0a.txt"))
    assert not Corpus(tmp_path).find("")


def test_a_member_that_does_not_match_its_checksum_is_a_clear_error(tmp_path: Path) -> None:
    """A damaged member is named."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("clinicalSTS2019.train.txt", "a\tb\t1\n")
    data = (tmp_path / "x.zip").read_bytes()
    (tmp_path / "x.zip").write_bytes(data.replace(b"a\tb\t1", b"a\tb\t2"))
    with pytest.raises(InputError, match=r"x\.zip/clinicalSTS2019\.train\.txt: it cannot be read"):
        list(task("n2c2_2019").read(Corpus(tmp_path), "train"))


def test_a_tar_that_leads_round_in_a_circle_ends(tmp_path: Path) -> None:
    """A member of negative size, which points back to itself, is refused."""
    info = tarfile.TarInfo("x")
    info.size = 0
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + (-1024).to_bytes(2, "big", signed=True)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "x.tar").write_bytes(bytes(header) + bytes(4096))
    assert "no readable archive" in skipped(tmp_path)["x.tar"]


def test_an_archive_in_an_archive_is_told(tmp_path: Path) -> None:
    """It is not looked into, and not skipped in silence."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("training_20180910.zip", b"")
    corpus = Corpus(tmp_path)
    assert not corpus.find("")
    assert [warning.kind for warning in corpus.warnings] == ["archive in an archive"]


def test_paths_that_steer_a_terminal_are_escaped(tmp_path: Path) -> None:
    """What is shown of a file's name is printable."""
    laid(tmp_path, {"a\x1b[31m\n.txt": "", os.fsdecode(b"b\xff.txt"): ""})
    assert [file.path for file in Corpus(tmp_path).find(r"(.*)\.txt$")] == ["a\\x1b[31m\\n.txt", "b\\udcff.txt"]


def test_a_byte_that_is_not_utf_8_is_named_by_its_place(tmp_path: Path) -> None:
    """Latin-1 is never guessed: the error names file and byte."""
    corpus = laid(tmp_path, {"clinicalSTS2019.train.txt": b"a\tb\t1\nth\xe9\tb\t1\n"})
    with pytest.raises(InputError, match=r"clinicalSTS2019\.train\.txt: byte 8 is not UTF-8"):
        list(task("n2c2_2019").read(corpus, "train"))


def test_a_data_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A mistyped --data is no missing corpus."""
    with pytest.raises(InputError, match="there is no such data folder"):
        Corpus(tmp_path / "no").find("")


def test_reading_holds_one_text_at_a_time(tmp_path: Path) -> None:
    """The first document of a long corpus comes before the second is opened."""
    corpus = laid(tmp_path, {f"test/{n}.{kind}": "" for n in (1, 2) for kind in ("ann", "txt")})
    documents = task("n2c2_2018").read(corpus, "test")
    assert next(documents).id == "1"
    (tmp_path / "test/2.txt").write_text("changed")
    assert next(documents).text == "changed" or pytest.fail("the second text was read too early")
