"""A Python process of its own, whose home, caches and temporary files lie in one empty folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import bench

PACKAGES = Path(bench.__file__).parent.parent
ELSEWHERE = (
    "HOME", "TMPDIR", "HF_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "TORCH_HOME", "MPLCONFIGDIR",
    "TORCHINDUCTOR_CACHE_DIR",
)  # fmt: skip
"""Where libraries may put something that nobody asked for."""


def start(words: Sequence[str], folder: Path, *path: Path) -> subprocess.Popen[str]:
    """`python WORDS` begun in `folder`, as the first of a group of processes, with these folders on its path too."""
    places = {name: folder / "elsewhere" / name.lower() for name in ELSEWHERE}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "BENCH_"))}
    ours = [PACKAGES, Path(__file__).parent, *path]
    found = [*map(str, ours), *filter(None, [os.environ.get("PYTHONPATH")])]
    # One thread: the encoder is so small that more would only wait for each other, long so on busy cores.
    fixed = {"PYTHONPATH": os.pathsep.join(found), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env={**inherited, **{name: str(place) for name, place in places.items()}, **fixed},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        # A shell that started the tests in the background has them, and so us, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """What a command that was begun says until its end."""
    out, err = process.communicate(timeout=600)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
