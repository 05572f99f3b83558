"""The same grid on a Ray cluster of three nodes, whoever is killed, and nothing of a note in what Ray keeps."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bench.cli import options
from bench.cli.request import planned_runs, requested
from bench.runner.events import Died, Event, Failed, Stored
from bench.runner.plan import Planned, RunContext
from bench.runner.ray_cluster import _fitting
from bench.runner.ray_connection import SILENT, require_silent
from bench.runner.ray_task import order, serve
from bench.store import runs as store
from bench.store.environment import environment
from in_steps import STEPS, install
from separate import finish, start
from small_bench import PLANTED, write_corpora
from sockets_seen import SocketsSeen, descendants
from tasks.core.errors import InputError

pytest.importorskip("ray", reason='Ray is not installed (install ".[ray]"): runs on a cluster are not tested')
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")

NODES = Path(__file__).with_name("ray_nodes.py")
WITHOUT_REPORT = """import sys
from bench.report import files
files.publish = lambda results: None
from bench.__main__ import main
sys.exit(main())
"""
SEEDS = ("0", "1", "2")
WHERE = "--data data --tasks mednli quaero_2014 --encoder minilm".split()
COMMAND = ["-c", WITHOUT_REPORT, "run", *WHERE, "--baselines", "in_steps", "--seeds", *SEEDS, "--no-cache"]


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
        return [
            json.loads(kept.read_text())[0] for kept in (self.folder / results).glob("unfinished/*/*/*/*/steps.json")
        ]


def title(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().partition(b"\0")[0].decode()
    except OSError:
        return ""


def until(true: Callable[[], object]) -> None:
    """Waits until something is so."""
    end = time.monotonic() + 60
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
        patched.setenv(
            "PYTHONPATH", os.pathsep.join([str(install(folder / "plugin")), os.environ.get("PYTHONPATH", "")])
        )
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
        seen.stopped.set()
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


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[tuple[RunContext, list[Planned]]]:
    """A context and the runs of a grid, as a driver has them."""
    write_corpora(tmp_path / "data")
    parser = ArgumentParser()
    options.add_arguments(parser)
    where = ["--data", str(tmp_path / "data"), "--results", str(tmp_path / "results")]
    args = parser.parse_args([*where, *"--tasks mednli quaero_2014 --encoder minilm --baselines majority".split()])
    with planned_runs(args, requested(args), fetch=False) as (context, runs):
        yield context, runs


class Hears:
    """Stands for the mailbox: no run here has anything to say before it ends."""

    class put:  # noqa: N801
        @staticmethod
        def remote(number: int, event: Event) -> None:
            """Takes it, and gives nothing to wait for."""


def test_what_travels_of_a_run_is_small_and_holds_no_text(planned: tuple[RunContext, list[Planned]]) -> None:
    context, runs = planned
    for one in runs:
        travels = order(one, context)
        assert len(travels) < 4000
        assert PLANTED.encode() not in travels
        again, there, _ = pickle.loads(travels)
        assert (again.name, again.fingerprints, there.corpora.folder) == (
            one.name,
            one.fingerprints,
            context.corpora.folder,
        )


def test_a_run_is_done_where_all_is_as_the_driver_has_it(planned: tuple[RunContext, list[Planned]]) -> None:
    context, (one, *_) = planned
    (context.results / store.UNFINISHED / one.name.path).mkdir(parents=True)
    assert isinstance(serve(0, order(one, context), Hears), Stored)


@pytest.mark.parametrize(
    ("differs", "said"),
    [
        ("results", r"on \S+: \S+results is not the driver's results folder: give --results one that all nodes share"),
        ("corpora", r"on \S+: \S+data is not there: give a folder that all nodes share"),
        ("corpus", r"on \S+: the corpus of mednli: not what the driver has, install or share the same"),
        ("code", r"on \S+: the code of tasks or baselines: not what the driver has, install or share the same"),
        ("library", r"on \S+: torch 1.0: not what the driver has, install or share the same"),
    ],
)
def test_what_a_node_has_otherwise_than_the_driver_is_one_sentence(
    planned: tuple[RunContext, list[Planned]], monkeypatch: pytest.MonkeyPatch, differs: str, said: str
) -> None:
    context, (one, *_) = planned
    (context.results / store.UNFINISHED / one.name.path).mkdir(parents=True)
    travels = order(one, context)
    if differs == "results":
        shutil.rmtree(context.results)
    elif differs == "corpora":
        shutil.rmtree(context.corpora.folder)
    elif differs == "corpus":
        write_corpora(context.corpora.folder, documents=5)
    elif differs == "code":
        monkeypatch.setattr("bench.runner.code.digest", lambda modules: "another")
    else:
        here = environment()
        monkeypatch.setattr("bench.runner.ray_task.environment", lambda: replace(here, torch="1.0"))
    failed = serve(0, travels, Hears)
    assert isinstance(failed, Failed)
    assert re.fullmatch(said, failed.reason)


def test_the_message_of_an_unforeseen_error_stays_where_it_is(
    planned: tuple[RunContext, list[Planned]], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, (one, *_) = planned

    def fails(*given: object) -> None:
        raise KeyError(PLANTED)

    monkeypatch.setattr("bench.runner.ray_task.carry_out", fails)
    (context.results / store.UNFINISHED / one.name.path).mkdir(parents=True)
    died = serve(0, order(one, context), Hears)
    assert isinstance(died, Died)
    assert re.fullmatch(r"on \S+: KeyError in test_ray.py, line \d+", died.reason)


@pytest.mark.parametrize(
    ("environment", "silent"),
    [
        (SILENT, True),
        ({**SILENT, "RAY_USAGE_STATS_REPORT_URL": "http://localhost"}, True),
        ({}, False),
        ({"RAY_USAGE_STATS_ENABLED": "0"}, False),
        ({**SILENT, "RAY_USAGE_STATS_ENABLED": "1"}, False),
        ({**SILENT, "RAY_USAGE_STATS_REPORT_URL": "https://usage-stats.ray.io/"}, False),
    ],
)
def test_a_cluster_in_which_ray_reports_to_its_makers_is_refused(environment: dict[str, str], silent: bool) -> None:
    """`RAY_USAGE_STATS_ENABLED=0` alone is reported once."""
    with nullcontext() if silent else pytest.raises(InputError, match="begin it with RAY_USAGE_STATS_ENABLED=0 RAY_"):
        require_silent(environment)


def test_a_node_has_room_for_as_many_runs_as_its_cores_and_parts_of_gpus_allow() -> None:
    assert _fitting({"CPU": 8.0}, 2, 0) == 4
    assert _fitting({"CPU": 7.0, "GPU": 4.0}, 2, 1.0) == 3
    assert _fitting({"CPU": 64.0, "GPU": 2.0}, 1, 1 / 3) == 6
    assert _fitting({"CPU": 64.0}, 1, 0.5) == 0


def test_no_word_of_a_note_is_in_what_ray_keeps(story: Nodes) -> None:
    """Neither in its logs nor among its sockets and spilled objects."""
    kept = [path for path in story.temporary.rglob("*") if path.is_file()]
    assert any("in_steps" in path.read_text(errors="replace") for path in kept)
    assert [path for path in kept if PLANTED.encode() in path.read_bytes()] == []
    assert PLANTED not in "".join(one.stdout + one.stderr for one in story.said.values())


def test_nothing_leaves_this_machine(story: Nodes) -> None:
    """The other ends of all sockets of driver, nodes and runs are loopback or the cluster's own address."""
    cluster = story.address.partition(":")[0]
    assert cluster in story.seen.addresses
    assert story.seen.addresses <= {"127.0.0.1", "::1", cluster}


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
