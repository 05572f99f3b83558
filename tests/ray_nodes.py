"""Nodes of a Ray cluster on this machine: three, of which two are lost and replaced when asked.

`python ray_nodes.py FOLDER` prints the address, obeys the lines `lose` and `add`, and ends with its standard input.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.runner.ray_connection import NO_WEB, SILENT
from in_steps import install
from separate import start
from sockets_seen import SocketsSeen, descendants, title

WITHOUT_REPORT = """import sys
from bench.report import files
files.publish = lambda results: None
from bench.__main__ import main
sys.exit(main())
"""

FEW = 80 * 2**20
"""Bytes of each object store: the least that Ray takes."""


def main(folder: str) -> None:
    """Begins the nodes and waits for orders."""
    os.environ.update({**SILENT, **NO_WEB, "RAY_TMPDIR": folder})
    Path(folder, "ray").mkdir()
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    cluster.add_node(num_cpus=1, include_dashboard=False, object_store_memory=FEW)
    others = [cluster.add_node(num_cpus=1, object_store_memory=FEW) for _ in range(2)]
    print(json.dumps({"address": cluster.address}), flush=True)
    for line in sys.stdin:
        if line == "lose\n":
            cluster.remove_node(others.pop(0), allow_graceful=False)
        else:
            others.append(cluster.add_node(num_cpus=1, object_store_memory=FEW))
        print("done", flush=True)
    cluster.shutdown()


@dataclass
class Nodes:
    """A cluster of three nodes, and the folder in which commands are given to it."""

    folder: Path
    temporary: Path
    process: subprocess.Popen[str]
    seen: SocketsSeen
    address: str = ""

    def wait(self) -> None:
        """Until the cluster is there."""
        assert self.process.stdout is not None
        self.address = json.loads(self.process.stdout.readline())["address"]

    def tell(self, what: str) -> None:
        """Has a node be lost or added."""
        to, of = self.process.stdin, self.process.stdout
        assert to is not None
        assert of is not None
        to.write(what + "\n")
        to.flush()
        assert of.readline() == "done\n"

    def command(self, words: Sequence[str], results: str, executor: str = "ray") -> subprocess.Popen[str]:
        """`run` with these words, under way on the cluster or elsewhere."""
        where = ["--executor", executor, "--results", results]
        address = ["--address", self.address] if executor == "ray" else []
        process = start(["-c", WITHOUT_REPORT, "run", *words, *where, *address], self.folder)
        self.seen.ancestors.add(process.pid)
        return process

    def workers(self) -> list[int]:
        """The processes of runs that are under way."""
        mine = sorted(descendants(self.process.pid))
        return [one for one in mine if title(one).startswith(("ray::in_steps ", "ray::multitask "))]


@contextmanager
def three_nodes(folder: Path, step_seconds: float) -> Iterator[Nodes]:
    """A cluster that is being begun; its Python finds the baseline `in_steps`, of steps of so many seconds."""
    temporary = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))  # A longer path has no room for a socket's name.
    kept = {name: os.environ.get(name) for name in ("PYTHONPATH", "STEP_SECONDS")}
    os.environ["PYTHONPATH"] = os.pathsep.join([str(install(folder / "plugin")), *filter(None, [kept["PYTHONPATH"]])])
    os.environ["STEP_SECONDS"] = str(step_seconds)
    seen = SocketsSeen()
    process = start([__file__, str(temporary)], folder, stdin=subprocess.PIPE)
    os.environ["STEP_SECONDS"] = "0"
    seen.ancestors.add(process.pid)
    seen.start()
    try:
        yield Nodes(folder, temporary, process, seen)
    finally:
        seen.stopped.set()
        process.communicate()
        shutil.rmtree(temporary, ignore_errors=True)
        for name, value in kept.items():
            os.environ.pop(name)
            os.environ.update({name: value} if value is not None else {})


def until(true: Callable[[], object], seconds: float = 120.0) -> None:
    """Waits until something is so."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.02)


def evidence(results: Path) -> dict[str, bytes]:
    """All that was found, by file."""
    files = [*results.glob("runs/*/*/*/*/evidence/*"), *results.glob("runs/*/*/*/*/answers/*")]
    return {str(file.relative_to(results)): file.read_bytes() for file in files}


if __name__ == "__main__":
    main(sys.argv[1])
