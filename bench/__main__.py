"""`python -m bench`, and the console script `mt-clinical-bench`."""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path


def main() -> int:
    """Runs a command with our own packages, whatever lies in the current folder; the exit status."""
    ours, here = str(Path(__file__).resolve().parent.parent), ""
    with suppress(FileNotFoundError):  # The current folder was removed: the command says so.
        here = os.getcwd()  # noqa: PTH109
    # `-m` puts the current folder first, where a stray tasks.py, or random.py, would be taken for the real one. A stray
    # bench.py there runs in our place before we can do anything: that is what the console script and `-P` are for.
    others = [path for path in sys.path if path not in ("", here)]
    others += [] if ours in others else [ours]
    sys.path[:] = [ours, *others]
    for package in ("tasks", "baselines"):
        importlib.import_module(package)
    # Both are bound for good now; nothing else beside them may come before the standard library.
    del sys.path[0]
    process, cli = (importlib.import_module(f"bench.cli.{name}") for name in ("process", "main"))
    output = process.begin()
    return process.end(cli.main(sys.argv[1:]), output)  # type: ignore[no-any-return]


if __name__ == "__main__":
    sys.exit(main())
