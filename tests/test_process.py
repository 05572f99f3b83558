"""A command does its work and ends with what it came to, whoever reads what it prints and whatever stops it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli import main as cli
from bench.runner.device import memory_suffices
from planted import in_task, make, plant, run, shuffle_labels
from separate import PACKAGES
from tasks.core.errors import InputError, about

CHECK = "check --results . --reference reference --margin 3 --limit 10"
CLOSED = "warning: standard output is closed: what was to be printed there is lost\n"
FULL = "error: standard output cannot be written (No space left on device): what was printed is not whole\n"


def shell(line: str, folder: Path, **variables: str) -> tuple[int, str, str]:
    """The status of a line of bash, of its first command where there is a pipe, what is printed and what is said."""
    path = os.pathsep.join([str(PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        ["bash", "-c", f'bench() {{ {sys.executable} -m bench "$@"; }}; {line}; exit "${{PIPESTATUS[0]}}"'],
        cwd=folder, env={**os.environ, "PYTHONPATH": path, **variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results that left their reference."""
    root = tmp_path_factory.mktemp("drifted")
    make(root)
    run(root, "--update", "--why", "the first")
    plant(root, in_task("mednli", shuffle_labels))
    return root


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        (f"bench {CHECK} | true", 1, ""),
        (f"bench {CHECK} --json | head -c1", 1, ""),
        (f"bench {CHECK} --github 2>&1 | true", 1, ""),
        (f"bench {CHECK} >&- 2>&- <&-", 1, ""),
        (f"bench {CHECK} >/dev/full", 1, FULL),
        ("bench report --results . --html | true", 0, ""),
        ("bench report --results . >&-", 0, CLOSED),
        ("bench report --results . >/dev/full", 2, FULL),
        ("bench report --help >/dev/full", 2, FULL),
        ("bench --version >/dev/full", 2, FULL),
        ("bench tusks 2>/dev/full", 2, ""),
        ("bench tusks 2>&-", 2, ""),
    ],
)
def test_the_status_is_what_the_command_came_to_whoever_reads_it(
    drifted: Path, line: str, status: int, said: str
) -> None:
    """What was printed in vain is said, unless the reader had enough; Python adds nothing of its own."""
    found, _, error = shell(line, drifted)
    assert (found, error) == (status, said)


@pytest.mark.parametrize("closed", ["2>&1 | head -1", ">&- 2>&-"])
def test_a_run_ends_and_writes_its_report_though_nobody_listens(tmp_path: Path, closed: str) -> None:
    tasks = "mednli n2c2_2019 i2b2_2010"
    line = f"bench run --tasks {tasks} --baselines majority --scale 0.05 --results results {closed}"
    status, _, said = shell(line, tmp_path)
    assert (status, said) == (0, "")
    assert len(list(tmp_path.glob("results/runs/*/majority/*/*/result.json"))) == 3
    assert (tmp_path / "results/report/report.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    "variables", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": ""}], ids=str
)
def test_an_encoding_without_our_characters_prints_question_marks(
    drifted: Path, tmp_path: Path, variables: dict[str, str]
) -> None:
    """What is written to files is UTF-8 all the same."""
    out = tmp_path / "report"
    assert shell(f"bench report --results . --out {out}", drifted, **variables)[0] == 0
    assert "±" in (out / "report.md").read_text(encoding="utf-8")
    assert (
        "majority ? mednli ? seed 0"
        in shell(f"bench plan --tasks mednli --results {tmp_path}", drifted, **variables)[1]
    )


def test_figures_look_alike_whatever_the_user_set_for_matplotlib(tmp_path: Path) -> None:
    """A matplotlibrc where the command is given, one that is not even text, and a notebook's backend."""
    code = "from bench.report.figure import bench_style\n"
    code += "with bench_style():\n  import matplotlib\n  print(matplotlib.rcParams)"
    found = []
    for settings, backend in (
        (b"", "agg"),
        (b"text.usetex: True\nsvg.fonttype: path\nsavefig.bbox: tight\nbackend: TkAgg\n", "TkAgg"),
        (b"\xff", "module://matplotlib_inline.backend_inline"),
    ):
        (tmp_path / "matplotlibrc").write_bytes(settings)
        found.append(shell(f"{sys.executable} -c '{code}'", tmp_path, MPLBACKEND=backend))
    assert found[0][0] == 0
    assert "text.usetex: False" in found[0][1]
    assert found[0] == found[1] == found[2]


def test_a_current_folder_that_was_removed_is_one_sentence(tmp_path: Path) -> None:
    said = "error: the current folder was removed: change to one that is there\n"
    assert shell('mkdir gone && cd gone && rmdir "$PWD" && bench report', tmp_path) == (2, "", said)


@pytest.mark.parametrize(
    ("number", "before", "status"),
    [
        (signal.SIGINT, signal.SIG_DFL, 130),
        (signal.SIGTERM, signal.SIG_DFL, 143),
        (signal.SIGHUP, signal.SIG_DFL, 129),
        (signal.SIGHUP, signal.SIG_IGN, 0),
    ],
)
def test_a_signal_stops_a_command_as_ctrl_c_does(
    tmp_path: Path, number: signal.Signals, before: signal.Handlers, status: int
) -> None:
    """With one sentence, and what a block cleans up is cleaned up; under nohup it is not even noticed."""
    code = f"""import signal, sys
from bench.cli import main as cli
from bench.cli import process
from bench.cli import clean
from tempfile import TemporaryDirectory
def main(args):
    with TemporaryDirectory():
        signal.raise_signal({int(number)})
    return 0
clean.main = main
signal.signal({int(number)}, signal.Handlers({int(before)}))
process.begin()
sys.exit(cli.main(["clean"]))
"""
    (tmp_path / "code.py").write_text(code)
    path = os.pathsep.join([str(PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "code.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == status
    assert done.stderr == ("stopped; what is finished is kept; the same command goes on\n" if status else "")
    assert [one.name for one in tmp_path.iterdir()] == ["code.py"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "here/x: the disk is full: make room and give the same "),
        (RuntimeError("Error while serializing: I/O error (os error 28)"), "here/x: the disk is full: make room and "),
        (OSError(errno.EMFILE, "Too many open files", "there"), "there: Too many open files; what is finished is kept"),
        (OSError(errno.EIO, "Input/output error", "from", None, "to"), "to: Input/output error; what is finished is "),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "there is too little memory: "),
        (MemoryError(), "the memory of this machine is too small: end what else uses it, "),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
                         "you tried to allocate 104857600 bytes. Error code 12 (Cannot allocate memory)"),
            "the memory of this machine is too small (100 MiB more were needed): end what else uses it, ",
        ),
        (ImportError("libtorch_cpu.so: failed to map segment"), "a library cannot be loaded (libtorch_cpu.so: "),
    ],
    ids=lambda one: type(one).__name__,
)  # fmt: skip
def test_an_error_of_the_system_is_one_sentence_that_names_the_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, said: str
) -> None:
    def fails(args: object) -> None:
        with memory_suffices(), about(Path("here/x")):
            raise error

    monkeypatch.setattr("bench.cli.clean.main", fails)
    assert cli.main(["clean"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {said}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "Too many open files", "x.zip"), MemoryError()], ids=str)
def test_an_error_that_passes_is_never_called_damage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    """Whoever reads a file takes what goes wrong for its fault; the system knows better."""

    def fails(args: object) -> None:
        with memory_suffices():
            try:
                raise error
            except (OSError, MemoryError) as found:
                raise InputError("x.zip: it is damaged, fetch it anew") from found

    monkeypatch.setattr("bench.cli.clean.main", fails)
    assert cli.main(["clean"]) == 2
    assert "damaged" not in capsys.readouterr().err
