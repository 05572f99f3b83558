"""Everything there is to do with corpora, one command after another in a process that may use no network.

`python every_command.py ENCODER` in a folder with the corpora `data` and `data-damaged`; prints a Story as JSON.
"""

from __future__ import annotations

import no_network

NATIVE_TOO = no_network.forbid()  # Before anything else has been imported.

import contextlib  # noqa: E402
import io  # noqa: E402
import json  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from bench.cli import main as cli  # noqa: E402

COMPARED = "--tasks mednli quaero_2014 --epochs 1 --max-length 64 --pair-max-length 64 --precision float32".split()
LATE = Path("data-damaged/QUAERO_FrenchMed/corpus/test/EMEA/test-0.ann")


def hook(event: str, arguments: tuple[object, ...]) -> None:
    """Damages a corpus, and presses Ctrl-C, in the middle of a training."""
    path = str(arguments[0]) if event in ("os.mkdir", "os.remove") else ""
    if event == "os.mkdir" and path.startswith("broken/unfinished/") and path.endswith("single_task/mednli/seed-0"):
        # All corpora were looked through and found whole; this is the test set of the other task, read at the very end.
        LATE.write_text("T1 DISO 27 37 quxholmite".ljust(LATE.stat().st_size, "."))
    if event == "os.remove" and path.startswith("stopped/unfinished/") and path.endswith(".part"):
        signal.raise_signal(signal.SIGINT)  # A checkpoint has been written.


def every_command(encoder: str) -> dict[str, tuple[str, ...]]:
    """The commands, by name."""
    run = ("run", *COMPARED, "--encoder", encoder, "--checkpoint-seconds", "0")
    watched = (*run, "--executor", "serial")  # In this process, whose hook does something in the middle.
    check = ("check", "--corpus", "official")
    return {
        "tasks": ("tasks", "--data", "data", "--verbose"),
        "run": (*run, "--data", "data"),
        "answers": (*run, "--data", "data", "--answers", "answers"),
        "plan": ("plan", *COMPARED, "--encoder", encoder, "--data", "data"),
        **{form: ("report", f"--{form}") for form in ("json", "csv", "markdown", "latex")},
        "pages": ("report", "--out", "pages"),
        "update": (*check, "--update", "--why", "a first reference"),
        "check": check,
        "stopped": (*watched, "--data", "data", "--results", "stopped", "--baselines", "multitask"),
        "broken": (*watched, "--data", "data-damaged", "--results", "broken", "--baselines", "majority", "single_task"),
        "clean": ("clean",),
    }


def main(encoder: str) -> None:
    """Gives every command; what each said goes to stdout, and so does what was tried of the network."""
    sys.addaudithook(hook)
    said = {}
    for name, words in every_command(encoder).items():
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.main(words)
        said[name] = {"status": status, "out": out.getvalue(), "err": err.getvalue()}
    from huggingface_hub import constants

    told = {"telemetry": not constants.HF_HUB_DISABLE_TELEMETRY, "offline": constants.HF_HUB_OFFLINE}
    json.dump({"said": said, "attempts": no_network.ATTEMPTS, "native_too": NATIVE_TOO, **told}, sys.stdout)


if __name__ == "__main__":  # Not in the processes of runs, which import it too.
    main(sys.argv[1])
