"""`python -m bench`."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Runs a command with our own packages, whatever lies in the current folder; the exit status."""
    ours = str(Path(__file__).resolve().parent.parent)
    # `-m` puts the current folder first, where a stray tasks.py (or random.py) would be taken for the real one.
    here = str(Path.cwd())
    sys.path[:] = [ours, *(path for path in sys.path if path not in ("", here, ours))]
    from bench.cli import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
