"""Results that somebody sent: what they hold is shown inert or refused in one sentence, and nothing else changes."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cli import main as cli
from bench.store import bounds as untrusted
from bench.store import runs as store
from bench.store.checksums import write_checksums
from bench.store.runs import Result
from made_up_results import Maker
from tasks.core.errors import InputError

CASES = int(os.environ.get("BENCH_FUZZ_CASES", "30"))
HOSTILE = "\\input{/etc/passwd}<script>alert(1)</script>\x1b[2J|`$x$&%\u202e\n=cmd()"
FORMS = ((), ("--json",), ("--csv",), ("--markdown",), ("--latex",))
TASKS = ("mednli", "n2c2_2019")


@pytest.fixture
def guarded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A results folder with a reference, and something beside it that is none of its business."""
    make(tmp_path / "results")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("as it was")
    assert cli.main(["check", *places(tmp_path), "--update", "--why", "the first"]) == 0
    capsys.readouterr()
    return tmp_path


def make(root: Path) -> list[Result]:
    """Two seeds of both arms."""
    maker = Maker(root=root)
    alone = [maker.run("single_task", (task,), seed) for task in TASKS for seed in (0, 1)]
    return [*alone, *(maker.run("multitask", TASKS, seed) for seed in (0, 1))]


def places(folder: Path) -> list[str]:
    results = folder / "results"
    return ["--results", str(results), "--reference", str(results / "reference")]


def results_file(folder: Path) -> Path:
    return folder / "results" / "runs" / "demo-minilm" / "multitask" / "mednli+n2c2_2019" / "seed-0" / "result.json"


def nodes(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in JSON."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(way for key, one in inner for way in nodes(one, (*at, key)))]


def spoilt(value: Any, stream: random.Random) -> Any:
    """Another value of the same type that nobody expects."""
    if isinstance(value, bool) or value is None:
        return stream.choice((None, True, False, 0, HOSTILE))
    if isinstance(value, int | float):
        return stream.choice((-1, 0, 2**63, 10**400, 0.0, 1e308, -1e308, 5e-324, None))
    if isinstance(value, str):
        return stream.choice(("", HOSTILE, "../../x", "/etc/passwd", "\ud800", "x" * 5000))
    if isinstance(value, list):
        return stream.choice(([], value * 2, value[::-1]))
    return stream.choice(({}, value | {HOSTILE: next(iter(value.values()), None)}, dict(list(value.items())[1:])))


def test_a_result_with_any_value_spoilt_is_shown_inert_or_refused(
    guarded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Well-formed JSON of the right types, with values that nobody expects, in report and check."""
    stream, path = random.Random(0), results_file(guarded)
    whole = path.read_text()
    ways = [way for way in nodes(json.loads(whole)) if way]
    for _ in range(CASES):
        data = json.loads(whole)
        *above, last = stream.choice(ways)
        holder = data
        for key in above:
            holder = holder[key]
        holder[last] = spoilt(holder[last], stream)
        path.write_text(json.dumps(data))
        write_checksums(path.parent)
        for words in (["report", *places(guarded)[:2], *stream.choice(FORMS)], ["check", *places(guarded)]):
            assert cli.main(words) in (0, 1, 2)
            said = capsys.readouterr()
            assert not re.search("[\x1b\u202e]", said.out + said.err), (above, last)
            assert all(line.startswith(("warning: ", "error: ")) for line in said.err.splitlines()), (above, last)


def rewrite(change: Callable[[str], str]) -> Callable[[Path], object]:
    return lambda path: path.write_text(change(path.read_text()))


def edit(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def edited(text: str) -> str:
        data = json.loads(text)
        change(data)
        return json.dumps(data)

    return rewrite(edited)


def starting(depth: int) -> dict[str, Any] | None:
    """A start that starts from another, and so on."""
    start: dict[str, Any] | None = None
    for _ in range(depth):
        start = {"corpus": "demo", "encoder": "minilm", "arm": "a", "tasks": ["mednli"], "seed": 0, "start": start}
        start["span_head"] = "flat"
    return start


def enlarge(path: Path) -> None:
    with path.open("ab") as file:
        file.truncate(1 << 40)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def first_metric(data: dict[str, Any]) -> dict[str, Any]:
    found = data["scores"]["mednli"]["metrics"][0]
    assert isinstance(found, dict)
    return found


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (rewrite(lambda text: ""), "Expecting value"),
    "half of it": (rewrite(lambda text: text[: len(text) // 2]), "line"),
    "a terabyte": (enlarge, "it holds more than 16 MiB"),
    "nested": (rewrite(lambda text: "[" * 10_000 + "]" * 10_000), "nested too deeply"),
    "nested without end": (rewrite(lambda text: "[" * 100_000), "nested too deeply"),
    "an endless device": (pipe, "a link, a folder or a device"),
    "no number": (rewrite(lambda text: text.replace('"seed": 0', '"seed": NaN')), "NaN is no JSON"),
    "infinity": (rewrite(lambda text: text.replace("3.0", "Infinity")), "Infinity is no JSON"),
    "more than a float": (rewrite(lambda text: text.replace("3.0", "1e999")), "test_seconds is not a finite number"),
    "a whole number beyond any float": (edit(lambda data: data.update(test_seconds=10**400)), "not a finite"),
    "a whole number beyond any count": (
        edit(lambda data: data["training"]["task_counts"]["mednli"].update(tokens=10**30)),
        "tokens is larger than any count",
    ),
    "no seed": (edit(lambda data: data.pop("seed")), "lacks 'seed'"),
    "a field too many": (edit(lambda data: data.update(more=1)), "unknown 'more'"),
    "text for a number": (edit(lambda data: data.update(seed="0")), "seed is str instead of int"),
    "a truth value for a number": (edit(lambda data: data.update(seed=True)), "seed is bool instead of int"),
    "another run": (edit(lambda data: data.update(seed=1)), "it is the result of"),
    "another format and no such checksum": (edit(lambda data: data.update(format=1)), "not what was written"),
    "text for a format": (edit(lambda data: data.update(format="1")), "format is str instead of int"),
    "a task without score": (edit(lambda data: data["scores"].pop("mednli")), "1 of its 2 tasks"),
    "half a pair": (edit(lambda data: data["settings"].update(epochs_of=[["a"]])), r"epochs_of\[0\] has 1 parts"),
    "an unknown formula": (edit(lambda data: first_metric(data).update(formula="os.system")), "formula 'os.system'"),
    "columns of another formula": (edit(lambda data: first_metric(data).update(formula="macro_f1")), "not those of"),
    "a label flipped": (
        edit(lambda data: first_metric(data).update(formula="micro_f1", columns=["a:tp", "a:fp", "b:fn"])),
        "not those",
    ),
    "a column twice": (
        edit(lambda data: first_metric(data).update(columns=["correct", "count", "count"])),
        "not those",
    ),
    "no metric": (edit(lambda data: data["scores"]["mednli"].update(metrics=[])), "has no metric"),
    "another start": (edit(lambda data: data.update(start=starting(1))), "it is the result of"),
    "starts without end": (edit(lambda data: data.update(start=starting(600))), "nested too deeply"),
    "an unknown profile": (edit(lambda data: data["settings"].update(profile="x")), "unknown profile 'x'"),
}


@pytest.mark.parametrize(("damage", "words"), SPOILT.values(), ids=SPOILT)
def test_a_spoilt_result_is_named_with_what_is_wrong_and_the_others_stay(
    tmp_path: Path, damage: Callable[[Path], object], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said in one line, and counted as none."""
    make(tmp_path / "results")
    damage(results_file(tmp_path))
    assert cli.main(["report", *places(tmp_path)[:2]]) == 0
    (said,) = capsys.readouterr().err.splitlines()
    assert re.search(words, said)
    assert f"{results_file(tmp_path)} is not a finished result" in said
    assert len(store.read_all(tmp_path / "results")) == 5


def test_a_task_is_no_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """More than three tasks are a digest in the path of their run: their names could say anything."""
    (result,) = (one for one in make(tmp_path) if one.arm == "multitask" and one.seed == 0)
    score = result.scores["mednli"]
    names = ("a", "b", "c", "../../../../../../outside")
    moved = replace(result, tasks=names, scores=dict.fromkeys(names, score))
    started = replace(result, start=replace(result.name, tasks=names))
    for one, said in ((moved, "is no name of a task"), (started, "it starts from a run of what is no task")):
        folder = tmp_path / "runs" / one.name.path
        (folder / "evidence").mkdir(parents=True)
        (folder / "result.json").write_text(store.strict_json.dumps(one))
        assert one.name not in {found.name for found in store.read_all(tmp_path)}
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("place", ["runs/demo-minilm", "runs/demo-minilm/multitask/x", "report/report.txt"])
@pytest.mark.parametrize("command", ["report", "check --update --why x"])
def test_nothing_is_read_or_written_through_a_link(
    guarded: Path, place: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else results from elsewhere could have a report written over a file of the user's."""
    path = guarded / "results" / place
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(guarded / "outside" / ("kept" if path.suffix else ""))
    reference = guarded / "results" / "reference"
    if command != "report":
        (reference / "HISTORY.md").unlink()
        (reference / "HISTORY.md").symlink_to(guarded / "outside" / "kept")
    words = command.split()
    out = ["--out", str(guarded / "results" / "report")] if command == "report" else places(guarded)[2:]
    assert cli.main([*words, *places(guarded)[:2], *out]) == 2
    assert " is a link, which may lead anywhere" in capsys.readouterr().err
    assert [path.name for path in (guarded / "outside").iterdir()] == ["kept"]
    assert (guarded / "outside" / "kept").read_text() == "as it was"


def test_a_run_is_not_stored_through_a_link(guarded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (guarded / "results" / "unfinished").symlink_to(guarded / "outside")
    assert cli.main(["run", "--all", *places(guarded)[:2]]) == 2
    assert "unfinished is a link" in capsys.readouterr().err


def npz(**arrays: bytes) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in arrays.items():
                archive.writestr(f"{name}.npy", data)

    return write


def array(shape: str, kind: str = "<f8", data: bytes = b"") -> bytes:
    """An .npy file that says it is of some shape."""
    header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data


IDS = array("(1,)", "<U1", b"a\0\0\0")
EVIDENCE: dict[str, Callable[[Path], object]] = {
    "nothing": lambda path: path.write_bytes(b""),
    "no archive": lambda path: path.write_bytes(b"PK"),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "an array beyond memory": npz(ids=IDS, accuracy=array("(1000000000000000, 2)")),
    "a shape beyond any number": npz(ids=IDS, accuracy=array(f"({10**30}, 2)")),
    "a shape that is code": npz(ids=IDS, accuracy=array("(__import__('os'),)")),
    "another shape": npz(ids=IDS, accuracy=array("(1, 5)", data=bytes(40))),
    "text for numbers": npz(ids=IDS, accuracy=array("(1, 2)", "<U1", bytes(8))),
    "numbers for ids": npz(ids=array("(1,)", "<f8", bytes(8)), accuracy=array("(1, 2)", data=bytes(16))),
    "not a number": npz(ids=IDS, accuracy=array("(1, 2)", data=b"\xff" * 16)),
    "objects": lambda path: np.savez(path, ids=np.array(["1"]), accuracy=np.array([{}], dtype=object)),
    "no array": npz(ids=b"", accuracy=b"PK"),
    "a pickle": npz(ids=b"\x80\x04N.", accuracy=b"\x80\x04N."),
}


@pytest.mark.parametrize("damage", EVIDENCE.values(), ids=EVIDENCE)
def test_hostile_evidence_is_one_sentence(damage: Callable[[Path], object], tmp_path: Path) -> None:
    (result, *_) = make(tmp_path)
    assert result.folder is not None
    damage(result.folder / "evidence" / "mednli.npz")
    write_checksums(result.folder)
    with pytest.raises(InputError, match=r"mednli\.npz is not as it was written \(.*\): give the command"):
        store.read_evidence(result, "mednli")


def test_evidence_that_unpacks_without_end_is_refused_before_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (result, *_) = make(tmp_path)
    assert result.folder is not None
    monkeypatch.setattr(untrusted, "EVIDENCE_BYTES", 1 << 20)
    np.savez_compressed(result.folder / "evidence" / "mednli.npz", ids=np.array(["1"]), accuracy=np.zeros((1 << 17, 2)))
    monkeypatch.setattr(untrusted, "_array", lambda *_, **__: pytest.fail("it was unpacked"))
    with pytest.raises(InputError, match="it unpacks to more than 1 MiB"):
        store.read_evidence(result, "mednli")


def test_a_name_that_steers_the_terminal_is_shown_inert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Folders are called as whoever packed them liked."""
    folder = tmp_path / "runs" / "a\x1b[2J\nerror: all is well" / "b" / "c" / "seed-0"
    folder.mkdir(parents=True)
    (folder / "result.json").touch()
    assert cli.main(["report", "--results", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "a<U+001B>[2J<U+000A>error: all is well" in said
    assert said.count("\n") == 2


def test_the_history_of_the_reference_takes_no_markup(guarded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A reason is one paragraph of text, whatever it holds."""
    why = f"x\n\n# heading\n{HOSTILE}[link](http://x)"
    assert cli.main(["check", *places(guarded), "--update", "--why", why]) == 0
    history = (guarded / "results" / "reference" / "HISTORY.md").read_text()
    assert "\x1b" not in history
    assert not re.search(r"<script|(?<!\\)\[link|^# heading|(?<!\\)\$", history, re.MULTILINE)
