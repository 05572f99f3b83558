"""What the user types: every mistake is one sentence and exit status 2, and help costs nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bench as bench_package
from baselines.core.settings import Settings
from bench.cli import main as cli
from bench.cli import options
from bench.store import strict_json
from bench.store.model_cards import Card
from bench.store.runs import Fingerprints

HOME = Path(bench_package.__file__).parent.parent
HEAVY = ("torch", "transformers", "datasets", "pandas", "matplotlib", "numpy")


def python(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A Python of its own, in a folder, that finds the packages as an installation would."""
    path = os.pathsep.join([str(HOME), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


MISTAKES = [
    ([], 0, ""),
    (["tusks"], 2, "unknown command 'tusks': the known ones are tasks, plan, run, "),
    (["run"], 2, "say what to run: --all, or --tasks with some of i2b2_2010, "),
    (["run", "--all", "--tasks", "mednli"], 2, "not both"),
    (["run", "--tasks", "mednil"], 2, "unknown task 'mednil': the known ones are i2b2_2010, "),
    (["run", "--all", "--baselines", "bert"], 2, "unknown baseline 'bert': the known ones are majority, "),
    (["run", "--all", "--encoder", "brt"], 2, "unknown encoder 'brt': "),
    (["plan", "--all", "--encoder", "brt"], 2, "unknown encoder 'brt': "),
    (["run", "--all", "--learning-rate", "1"], 2, "'--learning-rate': the known options are --address, --all, "),
    (["run", "--all", "--schedule", "fifo"], 2, "choose from 'interleaved', 'round_robin', 'loss_sum', 'temperature'"),
    (["run", "--all", "--device", "tpu"], 2, "choose from 'auto', 'cpu', 'cuda'"),
    (["run", "--all", "--dropout", "1"], 2, "argument --dropout: '1' is no number from 0 and below 0.99"),
    (["run", "--all", "--max-grad-norm", "nan"], 2, "'nan' is no number"),
    (["run", "--all", "--encoder-lr", "inf"], 2, "'inf' is no number above 0"),
    (["run", "--all", "--span-batch", "0"], 2, "'0' is not a whole number from 1 to 9223372036854775807"),
    (["run", "--all", "--seeds", "-1"], 2, "--seeds"),
    (["run", "--all", "--epochs", "six"], 2, "--epochs: 'six' is not a whole number"),
    (["run", "--all", "--epochs", "mednli=" + "9" * 20], 2, "--epochs: '99999999999999999999' is not a whole number"),
    (["run", "--all", "--epochs", "1000000000"], 2, "--epochs: '1000000000' is not a whole number from 1 to 10000"),
    (["run", "--all", "--seeds", str(2**63)], 2, "--seeds: '9223372036854775808' is not a whole number from 0"),
    (["run", "--all", "--seeds", "1" * 5000], 2, "--seeds: '1111"),
    (["run", "--all", "--span-batch", str(10**19)], 2, "argument --span-batch"),
    (["run", "--all", "--temperature", "1e-300"], 2, "argument --temperature: '1e-300' is no number from 0.1"),
    (["run", "--all", "--scale", "1e300"], 2, "argument --scale: '1e300' is no number from 0.02 and below 10000"),
    (["speed"], 2, "inference|training|growth"),
    (["speed", "inference", "--threads", str(10**18)], 2, "argument --threads"),
    (["speed", "growth", "--lengths", str(10**18)], 2, "argument --lengths"),
    (["speed", "growth", "--notes", "3"], 2, "--scales"),
    (["speed", "training", "--tusk", "mednli"], 2, "python -m bench speed training --help"),
    (["run", "--all", "--epochs", "mednil=3"], 2, "unknown task 'mednil'"),
    (["run", "--all", "--data", "no/such/folder"], 2, "the data folder no/such/folder is not there"),
    (["run", "--all", "--data", ".", "--scale", "2"], 2, "--scale is for the demo corpora"),
]


@pytest.mark.parametrize(("words", "status", "said"), MISTAKES)
def test_a_mistake_is_one_sentence_and_nothing_is_done(
    words: list[str], status: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BENCH_DATA", raising=False)
    assert cli.main(words) == status
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == (1 if status else 0)
    assert list(tmp_path.rglob("*.json")) == []


@given(
    name=st.sampled_from(sorted(options.FLAGS)),
    text=st.one_of(
        st.floats().map(repr), st.integers().map(str), st.integers(2**62).map(str), st.text("0123456789e-._٣")
    ),
    seed=st.one_of(st.integers(0, 2**70).map(str), st.text("01٣")),
)
def test_what_is_accepted_of_numbers_can_be_stored_and_read_again(name: str, text: str, seed: str) -> None:
    """A training whose result nobody can read is refused before it begins."""
    try:
        settings = replace(Settings(), **{name: options.FLAGS[name].get("type", str)(text)})
        number = options.whole(0)(seed)
    except ArgumentTypeError:
        return
    stored = strict_json.dumps(Card(labels={}, seed=number, settings=settings, fingerprints=NOTHING))
    assert strict_json.loads(Card, stored).settings == settings
    assert strict_json.loads(Card, stored).seed == number


NOTHING = Fingerprints(settings="", corpora={}, encoder=None, code="")


def test_every_setting_can_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(options.FLAGS) == {field.name for field in fields(Settings)} - {"profile", "epochs", "epochs_of"}


def test_settings_come_from_the_profile_and_what_is_given_instead(bench: Callable[..., int], tmp_path: Path) -> None:
    bench("--max-grad-norm", "0.5", "--epochs", "4", "mednli=2", "--tasks", "mednli", baselines=("majority",))
    (path,) = (tmp_path / "results").rglob("result.json")
    settings = json.loads(path.read_text())["settings"]
    assert (settings["profile"], settings["max_grad_norm"], settings["span_batch"]) == ("paper", 0.5, 25)
    assert (settings["epochs"], settings["epochs_of"]) == (4, [["mednli", 2]])


def test_a_results_folder_that_cannot_be_written_is_said_before_anything_else(
    bench: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert bench("--results", str(tmp_path / "file" / "below")) == 2
    assert "results cannot be written to" in capsys.readouterr().err


def test_a_missing_corpus_names_its_file_and_what_is_there(
    bench: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("--tasks", "mednli", "n2c2_2018") == 2
    error = capsys.readouterr().err
    assert "n2c2_2018: training_20180910.zip" in error
    assert "what is there runs with --tasks mednli" in error


def test_the_tasks_are_listed_with_the_state_of_their_corpora(
    bench: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench("--dry-run")  # It writes the corpora.
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "data"))
    capsys.readouterr()
    assert cli.main(["tasks"]) == 0
    printed = capsys.readouterr().out
    assert "mednli        pair        accuracy        entailment, neutral, contradiction" in printed
    assert "mednli: of another size than expected" in printed
    assert "4 examples where 1395 are expected" in printed
    assert "n2c2_2018: missing" in printed


def test_the_plan_says_what_is_done_and_what_is_not(
    bench: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    bench("--tasks", "mednli")
    capsys.readouterr()
    assert bench(command="plan") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["done", "alone", "·", "mednli", "·", "seed", "0"]
    assert lines[1].startswith("missing")
    assert lines[2].startswith("2 runs, 1 done, 1 to do")


@pytest.mark.parametrize("command", [[], ["run"], ["plan"], ["tasks"], ["demo"], ["report"], ["check"]])
def test_help_imports_nothing_heavy(command: list[str], tmp_path: Path) -> None:
    words = [*command, "--help"]
    run = f"import sys; from bench.cli import main as cli\ntry: cli.main({words})\nexcept SystemExit: pass\n"
    code = run + f"print(sorted(set({HEAVY}) & set(sys.modules)))"
    assert python("-c", code, cwd=tmp_path).stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("stray", ["tasks.py", "baselines.py", "tasks/__init__.py", "random.py", "bench/notes.txt"])
def test_what_lies_in_the_current_folder_does_not_come_in_our_place(stray: str, tmp_path: Path) -> None:
    (tmp_path / stray).parent.mkdir(exist_ok=True)
    (tmp_path / stray).write_text("raise SystemExit('stray')\n")
    assert "mednli" in python("-m", "bench", "tasks", cwd=tmp_path).stdout


@pytest.mark.parametrize("words", [["-P", "-m", "bench"], ["-c", "import bench.__main__ as m; m.main()"]])
def test_beside_a_stray_bench_the_console_script_and_p_work(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "bench.py").write_text("raise SystemExit('stray')\n")
    safe = words if words[0] == "-P" else ["-P", *words]
    done = python(*safe, *(["tasks"] if words[0] == "-P" else []), cwd=tmp_path)
    assert "stray" not in done.stderr
    assert "mednli" in done.stdout or "usage" in done.stdout


@pytest.mark.parametrize("name", [os.fsdecode(b"d\xe9p\xf4t"), "red\x1b[31m\nerror: none", "\u202etxt"])
def test_a_folder_of_any_name_is_printed_as_text(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bytes that are not UTF-8 and escape sequences in a path neither end a command nor reach the terminal."""
    folder = tmp_path / name
    monkeypatch.setenv("BENCH_CACHE", str(folder / "cache"))
    data, results = ["--data", str(folder / "data")], ["--results", str(folder / "results")]
    for words in (
        ["demo", str(folder / "data"), "--scale", "0.05"],
        ["tasks", *data, "--verbose"],
        ["plan", "--tasks", "mednli", "--baselines", "majority", *data, *results],
        ["run", "--tasks", "mednli", "--baselines", "majority", *data, *results, "--answers", str(folder / "answers")],
        ["report", *results],
        ["clean"],
    ):
        assert cli.main(words) == 0
    (folder / "data" / "mednli" / "mli_dev_v1.jsonl").rename(folder / "data" / "mednli" / name.partition("\n")[0])
    assert cli.main(["tasks", *data, "--verbose"]) == 0
    assert cli.main(["plan", "--tasks", "mednli", *data]) == 2
    printed = capsys.readouterr()
    assert all(line.isprintable() for line in (printed.out + printed.err).split("\n"))
