"""Arguments in, exit status out. Only the module of the command that was given is imported."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, NoReturn

from bench import __version__
from bench.store.sanitise import sanitise
from tasks.core.errors import InputError, passing_error

COMMANDS = MappingProxyType(
    {
        "tasks": ("bench.cli.tasks", "list the tasks, and with --data whether their corpora are there and whole"),
        "plan": ("bench.cli.plan", "print the runs of a comparison: which are done, which are missing, how long"),
        "run": ("bench.cli.run", "do what is missing of a comparison, and report it"),
        "report": ("bench.cli.report", "print the results as tables, or write them in other formats"),
        "speed": ("bench.cli.speed", "measure how fast models answer and train, beside others, and how that grows"),
        "check": ("bench.cli.check", "compare results with their reference: 0 steady, 1 drifted, 2 cannot be judged"),
        "clean": ("bench.cli.clean", "remove the cache of tokenised corpora"),
        "demo": ("bench.cli.demo", "write the made-up corpora of the demo to a folder"),
    }
)
_DESCRIPTION = "Compares single-task and multitask models on clinical text."


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are InputErrors; an unknown option gets the known ones listed."""

    def error(self, message: str) -> NoReturn:
        """Raises what argparse would print with the whole usage."""
        raise InputError(f"{message} ({self.prog} --help)")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The arguments, and none besides: argparse asks the parser of a part of a command so."""
        found, extra = super().parse_known_args(args, namespace)
        if extra:
            known = ", ".join(sorted(name for name in self._option_string_actions if name.startswith("--")))
            raise InputError(f"unknown option or argument {extra[0]!r}: the known options are {known}")
        return found, extra


def main(argv: Sequence[str]) -> int:
    """Runs a command; its exit status. What the user can mend is one sentence and status 2, never a traceback."""
    # No library reports to its makers; each says so when it is imported, so it is said before any is.
    os.environ.update(HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")
    try:
        return _run(argv)
    except SystemExit:  # argparse has printed the help of a command.
        return 0
    except KeyboardInterrupt as stopped:
        sys.stderr.write("stopped; what is finished is kept; the same command goes on\n")
        return 128 + next(iter(stopped.args), signal.SIGINT)  # As shells have it.
    except (InputError, ImportError, OSError, MemoryError) as error:
        # It may name files and labels, and those may hold anything: it stays one line that steers no terminal.
        sys.stderr.write(f"error: {sanitise(_sentence(error))}\n")
        return 2


def _run(argv: Sequence[str]) -> int:
    name, *rest = argv or ["--help"]
    if name in ("-h", "--help"):
        rows = [f"  {name:<14} {what}" for name, (_, what) in COMMANDS.items()]
        first = ["usage: python -m bench COMMAND [OPTIONS]", "", _DESCRIPTION, "", "commands:"]
        last = ["", "`python -m bench COMMAND --help` lists the options of a command.", ""]
        sys.stdout.write("\n".join([*first, *rows, *last]))
        return 0
    if name == "--version":
        sys.stdout.write(__version__ + "\n")
        return 0
    if name not in COMMANDS:
        raise InputError(f"unknown command {name!r}: the known ones are {', '.join(COMMANDS)}")
    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        raise InputError("the current folder was removed: change to one that is there") from None
    module, what = COMMANDS[name]
    command = importlib.import_module(module)
    parser = Parser(prog=f"python -m bench {name}", description=what[0].upper() + what[1:] + ".", allow_abbrev=False)
    command.add_arguments(parser)
    args = parser.parse_args(rest)
    args.given = (*parser.prog.split(), *rest)
    return int(command.main(args))


def _sentence(error: InputError | ImportError | OSError | MemoryError) -> str:
    """What went wrong, and what to do about it."""
    if isinstance(error, InputError):
        if (passing := passing_error(error)) is None:
            return str(error)
        error = passing
    if isinstance(error, ImportError):  # Too little memory to load it, or an installation that is not whole.
        return f"a library cannot be loaded ({error}): end what else uses memory, or install it again"
    if isinstance(error, MemoryError) or error.errno == errno.ENOMEM:
        return "there is too little memory: end what else uses it, or give the command less at a time"
    path = error.filename2 or error.filename  # What is copied, and where to.
    where = f"{path}: " if path else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}the disk is full: make room and give the same command again; what is finished is kept"
    return f"{where}{error.strerror or error}; what is finished is kept"
