"""The same grid on a Ray cluster of three nodes, whoever is killed, and nothing of a note in what Ray keeps."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.store import runs as store
from in_steps import STEPS, install
from separate import finish, start
from small_bench import PLANTED, write_corpora
from sockets_seen import SocketsSeen, descendants

pytest.importorskip("ray", reason='Ray is not installed (install ".[ray]"): runs on a cluster are not tested')
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")

NODES = Path(__file__).with_name("ray_nodes.py")
SEEDS = ("0", "1", "2")
WHERE = "--data data --tasks mednli quaero_2014 --encoder minilm".split()
COMMAND = ["-m", "bench", "run", *WHERE, "--baselines", "in_steps", "--seeds", *SEEDS, "--no-cache"]


@dataclass
class Nodes:
    """A cluster of three nodes, and the folder in which commands are given to it."""

    folder: Path
    temporary: Path
    process: subprocess.Popen[str]
    address: str
    seen: SocketsSeen
    said: dict[str, subprocess.CompletedProcess[str]]

    def tell(self, what: str) -> None:
        """Has a node be lost or added."""
        to, of = self.process.stdin, self.process.stdout
        assert to is not None
        assert of is not None
        to.write(what + "\n")
        to.flush()
        assert of.readline() == "done\n"

    def begin(self, results: str, *words: str) -> subprocess.Popen[str]:
        """The command on the cluster, under way."""
        where = ["--executor", "ray", "--address", self.address, "--results", results]
        process = start([*COMMAND, *where, *words], self.folder)
        self.seen.ancestors.add(process.pid)
        return process

    def workers(self) -> list[int]:
        """The processes of runs that are under way."""
        return [one for one in descendants(self.process.pid) if title(one).startswith("ray::in_steps")]

    def steps(self, results: str) -> list[int]:
        """How far the runs that are unfinished have come."""
        return [json.loads(kept.read_text())[0] for kept in (self.folder / results).glob("unfinished/*/*/*/*/steps.json")]


def title(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().partition(b"\0")[0].decode()
    except OSError:
        return ""


def until(true: Callable[[], object]) -> None:
    """Waits until something is so."""
    end = time.monotonic() + 60
    print(time.monotonic())
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    folder = tmp_path_factory.mktemp("ray")
    write_corpora(folder / "data")
    temporary = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))  # A longer path has no room for a socket's name.
    seen = SocketsSeen()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", os.pathsep.join([str(install(folder / "plugin")), os.environ.get("PYTHONPATH", "")]))
        patched.setenv("STEP_SECONDS", "0.03")
        process = start([str(NODES), str(temporary)], folder, stdin=subprocess.PIPE)
        seen.ancestors.add(process.pid)
        seen.start()
        patched.setenv("STEP_SECONDS", "0")
        said = {}
        for executor in ("serial", "local"):
            said[executor] = finish(start([*COMMAND, "--executor", executor, "--results", executor], folder))
        assert process.stdout is not None
        yield Nodes(folder, temporary, process, json.loads(process.stdout.readline())["address"], seen, said)
        seen.stop()
        process.communicate()
    shutil.rmtree(temporary, ignore_errors=True)


@pytest.fixture(scope="module")
def story(nodes: Nodes) -> Nodes:
    """The grid: here; in processes of this machine; on the cluster; there with a worker, a node and the driver lost."""
    nodes.said["stopped"] = stopped(nodes)
    driver = nodes.begin("killed")
    until(lambda: nodes.steps("killed"))
    os.kill(nodes.workers()[0], signal.SIGKILL)
    until(lambda: list((nodes.folder / "killed").glob("runs/*/*/*/seed-*")))
    nodes.tell("lose")
    until(lambda: any(0 < steps < STEPS // 2 for steps in nodes.steps("killed")))
    driver.kill()
    nodes.said["driver killed"] = finish(driver)
    until(lambda: not nodes.workers())
    nodes.tell("add")
    nodes.said["killed"] = finish(nodes.begin("killed"))
    return nodes


def stopped(nodes: Nodes) -> subprocess.CompletedProcess[str]:
    """What is said when Ctrl-C is pressed once some steps have been done."""
    driver = nodes.begin("stopped")
    until(lambda: any(steps > 1 for steps in nodes.steps("stopped")))
    driver.send_signal(signal.SIGINT)
    return finish(driver)


def evidence(results: Path) -> dict[str, bytes]:
    """All that was found, by file."""
    files = [*results.glob("runs/*/*/*/*/evidence/*"), *results.glob("runs/*/*/*/*/answers/*")]
    return {str(file.relative_to(results)): file.read_bytes() for file in files}


def test_what_is_found_is_the_same_to_the_bit_here_in_processes_and_on_a_cluster(story: Nodes) -> None:
    found = [evidence(story.folder / name) for name in ("serial", "local", "killed")]
    assert len(found[0]) == 2 * len(SEEDS) * 2
    assert found[0] == found[1] == found[2]
    assert len(set(found[0].values())) > len(SEEDS)


def test_a_lost_worker_node_or_driver_costs_no_run(story: Nodes) -> None:
    before, after = story.said["driver killed"], story.said["killed"]
    assert before.returncode == -signal.SIGKILL
    assert "its process was killed, as it is where memory is short, or crashed: it is tried again" in before.stderr
    assert after.returncode == 0, after.stderr
    assert not (story.folder / "killed" / store.UNFINISHED).exists()


def test_ctrl_c_ends_the_runs_at_their_checkpoints(story: Nodes) -> None:
    said = story.said["stopped"]
    assert said.returncode == 130, said.stderr
    assert "stopping: each run keeps its checkpoint first" in said.stderr
    assert "Traceback" not in said.stderr
    assert any(0 < steps < STEPS for steps in story.steps("stopped"))
