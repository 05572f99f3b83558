"""No text of a note leaves its corpus: not into results, reports, messages or caches, and nothing goes to a network."""

from __future__ import annotations

import gzip
import io
import json
import re
import signal
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bench import registry
from bench.cli import main as cli
from bench.store import runs as store
from separate import finish, start
from tasks.core.examples import Document, Pair, Span
from tasks.core.kinds import SPLITS

NAME, MENTION, PREMISE, STATEMENT, IGNORED = "Zyzzogeton", "quxholmite", "vorpalosis", "brilligemia", "snarkuria"
PLANTED = (NAME, MENTION, PREMISE, STATEMENT, IGNORED)
"""Words of every text: outside a mention, in one, in both sentences of a pair, and where a reader looks and skips."""

EVERY_COMMAND = Path(__file__).with_name("every_command.py")
CORPORA = ("data", "data-damaged")
MAY_HOLD_TEXT = {*CORPORA, "answers"}
"""The only places where a word of a note may be found: the corpora, and answers in official formats, if asked for."""


def write_corpora(data: Path) -> Path:
    """Small corpora in which every text holds planted words."""
    for split in SPLITS:
        registry.task("mednli").write(data, split, [_pair(split, number) for number in range(12)])
        registry.task("quaero_2014").write(data, split, [_note(split, number) for number in range(6)])
        # A mention whose words are not those of its text is noted: the note must not quote them.
        with annotations(data, split).open("a") as file:
            file.write(f"T9\tANAT 0 4\t{IGNORED}\n#1\tAnnotatorNotes T9\t{IGNORED}\n")
    return data


def annotations(data: Path, split: str) -> Path:
    return data / "QUAERO_FrenchMed" / "corpus" / split / "EMEA" / f"{split}-0.ann"


def _pair(split: str, number: int) -> Pair[str]:
    label = ("entailment", "neutral", "contradiction")[number % 3]
    return Pair(f"{split}-{number}", f"The patient has {PREMISE}, {number}.", f"{STATEMENT} was seen {number}.", label)


def _note(split: str, number: int) -> Document:
    text = f"foie de {NAME} {number}\ntraitement du {MENTION}.\n"
    start = text.index(MENTION)
    return Document(f"EMEA/{split}-{number}", text, frozenset({Span(((start, start + len(MENTION)),), "DISO")}))


def holds_planted(data: bytes) -> bool:
    """Whether one of the words is there in any letter case and encoding, packed or not."""
    if data.startswith(b"\x1f\x8b"):
        return holds_planted(gzip.decompress(data))
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return any(holds_planted(name.encode() + archive.read(name)) for name in archive.namelist())
    encoded = (word.lower().encode(form) for word in PLANTED for form in ("utf-8", "utf-16-le", "utf-32-le"))
    return any(word in data.lower() for word in encoded)


def holders(folder: Path) -> Iterator[str]:
    """The first part of the path of every file that holds a planted word, or has it in its name."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if holds_planted(str(name).encode()) or (path.is_file() and holds_planted(path.read_bytes())):
            yield name.parts[0]


@dataclass(frozen=True)
class Said:
    """What a command came to, and printed."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Story:
    """Everything there is to do with corpora, in one folder and without a network: what was said and tried."""

    folder: Path
    said: dict[str, Said]
    attempts: list[str]
    native_too: bool
    telemetry: bool
    offline: bool
    printed: str


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Story:
    folder = tmp_path_factory.mktemp("privacy")
    for name in CORPORA:
        write_corpora(folder / name)
    done = finish(start([str(EVERY_COMMAND), str(tiny_encoder)], folder))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    said = {name: Said(**one) for name, one in told.pop("said").items()}
    return Story(folder, said, printed=done.stdout + done.stderr, **told)


def test_every_command_does_its_work_without_a_network(story: Story) -> None:
    expected = dict.fromkeys(story.said, 0) | {"stopped": 130, "broken": 2}
    assert {name: one.status for name, one in story.said.items()} == expected, story.said
    assert len(store.read_all(story.folder / "results")) == 5
    assert story.attempts == []


def test_no_library_reports_to_its_makers_or_asks_a_hub(story: Story) -> None:
    assert story.offline
    assert not story.telemetry


def forbidden(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What comes of some code in a process that may use no network."""
    return finish(start(["-c", f"import no_network; print(no_network.forbid(), flush=True)\n{code}"], folder))


def test_what_forbids_sockets_does(tmp_path: Path) -> None:
    code = "import urllib.request as r\ntry: r.urlopen('http://127.0.0.1:9')\nfinally: print(no_network.ATTEMPTS)"
    done = forbidden(code, tmp_path)
    assert "may not use a network" in done.stderr
    assert "socket.getaddrinfo" in done.stdout


def test_native_code_is_held_to_it_too(story: Story, tmp_path: Path) -> None:
    """The kernel ends who opens an Internet socket, past Python; a local one may be had."""
    if not story.native_too:
        pytest.skip("this kernel takes no seccomp filter: that native libraries use no network is not shown here")
    for family, status in ((2, -signal.SIGSYS), (10, -signal.SIGSYS), (1, 0)):
        done = forbidden(f"import ctypes; ctypes.CDLL(None).socket({family}, 1, 0)", tmp_path)
        assert (done.returncode, done.stdout) == (status, "True\n")


def test_an_error_in_the_middle_names_file_and_line_and_keeps_what_is_finished(story: Story) -> None:
    said = story.said["broken"].err
    assert ": QUAERO_FrenchMed/corpus/test/EMEA/test-0.ann, line 1: " in said.splitlines()[-1]
    assert "Traceback" not in said
    done = {(one.baseline, *one.tasks) for one in store.read_all(story.folder / "broken")}
    assert done >= {("majority", "mednli"), ("majority", "quaero_2014"), ("single_task", "mednli")}
    for stopped in ("broken", "stopped"):
        assert list((story.folder / stopped / store.UNFINISHED).rglob("state.safetensors"))


def test_nothing_that_is_said_holds_a_word_of_a_note(story: Story) -> None:
    assert "text differs" in story.said["tasks"].out
    assert not holds_planted(story.printed.encode())


def test_no_other_file_holds_a_word_of_a_note(story: Story) -> None:
    """Neither results, checkpoints, reports nor reference, nor what lies in home, caches and temporary folders."""
    names = {path.name for path in story.folder.iterdir()}
    assert names == {*MAY_HOLD_TEXT, "results", "stopped", "broken", "pages", "elsewhere"}
    assert set(holders(story.folder)) == MAY_HOLD_TEXT


def test_nothing_is_left_at_home_once_the_cache_is_removed(story: Story) -> None:
    """Sub-words are text in effect, which no search for words finds: no library keeps files of its own of them."""
    assert re.match(r"[1-9]\d* files of tokenised corpora, ", story.said["clean"].out)
    left = [path for path in (story.folder / "elsewhere").rglob("*") if path.is_file()]
    assert {path.parent.name for path in left} <= {"mplconfigdir"}  # matplotlib's list of fonts.


def test_the_search_finds_a_word_wherever_it_hides(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "ids.npz", ids=np.array([f"x-{NAME}"]))
    (tmp_path / "log.gz").write_bytes(gzip.compress(MENTION.upper().encode()))
    (tmp_path / f"{PREMISE}.txt").touch()
    (tmp_path / "clean").write_text("the patient was seen")
    assert set(holders(tmp_path)) == {"ids.npz", "log.gz", f"{PREMISE}.txt"}


def _append(place: Callable[[Path], Path], content: bytes) -> Callable[[Path], None]:
    def damage(data: Path) -> None:
        with place(data).open("ab") as file:
            file.write(content)

    return damage


def _pairs(data: Path) -> Path:
    return data / "mli_train_v1.jsonl"


def _marks(data: Path) -> Path:
    return annotations(data, "train")


def _text(data: Path) -> Path:
    return _marks(data).with_suffix(".txt")


RECORD = '{"pairID": "%s", "sentence1": "%s", "sentence2": "b", "gold_label": "%s"}\n'
DAMAGES = {
    "cut short": _append(_pairs, f'{{"sentence1": "{PREMISE}'.encode()),
    "a label that is text": _append(_pairs, (RECORD % ("x", PREMISE, STATEMENT)).encode()),
    "half a surrogate pair": _append(_pairs, (RECORD % ("x", PREMISE + "\\ud800", "neutral")).encode()),
    "text where marks are due": _append(_marks, f"{NAME} {MENTION}\n".encode()),
    "a mention with a text as label": _append(_marks, f"T11\t{MENTION} 0 4\tfoie\n".encode()),
    "offsets outside the text": _append(_marks, f"T11\tANAT 999 1010\t{MENTION}\n".encode()),
    "an encoding that is not UTF-8": _append(_text, f"{NAME} \xe9".encode("latin-1")),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_no_complaint_about_a_corpus_quotes_it(
    damage: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_corpora(tmp_path / "data")
    damage(data)
    where = ["--data", str(data), "--results", str(tmp_path / "results")]
    assert cli.main(["run", "--tasks", "mednli", "quaero_2014", *where, "--baselines", "majority"]) == 2
    assert cli.main(["tasks", "--data", str(data), "--verbose"]) == 0
    said = capsys.readouterr()
    assert re.match(r"error: \S+/?train\S+(, line \d+)?: ", said.err)
    assert "damaged" in said.out
    assert not holds_planted((said.out + said.err).encode())
    assert set(holders(tmp_path)) == {"data"}
