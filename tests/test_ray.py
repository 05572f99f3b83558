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
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bench.cli import options
from bench.cli.request import planned_runs, requested
from bench.runner.events import Died, Event, Stored
from bench.runner.plan import Planned, RunContext
from bench.runner.ray_cluster import Asked, _fitting, _gpus
from bench.runner.ray_connection import SILENT, require_silent
from bench.runner.ray_messages import Unfit, order
from bench.runner.ray_task import serve
from bench.store import runs as store
from bench.store.environment import environment
from in_steps import STEPS
from ray_nodes import WITHOUT_REPORT, Nodes, evidence, three_nodes, until
from separate import finish, start
from small_bench import PLANTED, write_corpora
from sockets_seen import descendants, title
from tasks.core.errors import InputError

pytest.importorskip("ray", reason='Ray is not installed (install ".[ray]"): runs on a cluster are not tested')
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")

SEEDS = ("0", "1", "2")
GRID = "--data data --tasks mednli quaero_2014 --encoder minilm --baselines in_steps --no-cache --seeds".split()
GRID += SEEDS


@dataclass
class Story:
    """What was said of the grid here, in processes of this machine, and on a cluster whose parts are lost meanwhile."""

    nodes: Nodes
    said: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)

    def steps(self, results: str) -> list[int]:
        """How far the runs that are unfinished have come."""
        kept = (self.nodes.folder / results).glob("unfinished/*/*/*/*/steps.json")
        return [json.loads(one.read_text())[0] for one in kept]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("ray")
    write_corpora(folder / "data")
    with three_nodes(folder, step_seconds=0.04) as nodes:
        told = Story(nodes)
        for executor in ("serial", "local"):
            told.said[executor] = finish(nodes.command(GRID, executor, executor))
        nodes.wait()
        ctrl_c(told)
        lose_all(told)
        told.said["killed"] = finish(nodes.command(GRID, "killed"))
        yield told


def ctrl_c(story: Story) -> None:
    """Presses it once some steps have been done."""
    driver = story.nodes.command(GRID, "stopped")
    until(lambda: any(steps > 1 for steps in story.steps("stopped")))
    driver.send_signal(signal.SIGINT)
    story.said["stopped"] = finish(driver)


def lose_all(story: Story) -> None:
    """A worker is lost, then a node, then the driver; the runs under way end with it."""
    nodes = story.nodes
    driver = nodes.command(GRID, "killed")
    until(lambda: story.steps("killed"))
    os.kill(nodes.workers()[0], signal.SIGKILL)
    until(lambda: list((nodes.folder / "killed").glob("runs/*/*/*/seed-*")))
    nodes.tell("lose")
    until(lambda: any(0 < steps < STEPS // 2 for steps in story.steps("killed")))
    driver.kill()
    story.said["driver killed"] = finish(driver)
    until(lambda: not nodes.workers())
    nodes.tell("add")


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
        monkeypatch.setattr("bench.runner.ray_messages.environment", lambda: replace(here, torch="1.0"))
    monkeypatch.setattr("bench.runner.ray_task._node_id", lambda: "here")
    unfit = serve(0, travels, Hears)
    assert isinstance(unfit, Unfit)
    assert re.fullmatch(said, unfit.reason)


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


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9"])
def test_a_cluster_that_is_not_there_is_one_sentence_at_once(tmp_path: Path, address: str) -> None:
    write_corpora(tmp_path / "data")
    words = "-m bench run --data data --tasks mednli --baselines majority --no-cache --executor ray --address".split()
    said = finish(start([*words, address], tmp_path))
    assert said.returncode == 2
    last = f"error: the Ray cluster at {address} cannot be reached ([Errno 111] Connection refused): see that it is"
    assert said.stderr.splitlines()[-1].startswith(last)


@pytest.mark.parametrize(
    ("device", "part", "there", "gpus"),
    [
        ("auto", None, 0.0, 0.0),
        ("auto", None, 2.0, 1.0),
        ("auto", 0.25, 2.0, 0.25),
        ("cpu", None, 2.0, 0.0),
        ("cuda", None, 0.0, None),
        ("auto", 0.25, 0.0, None),
    ],
)
def test_a_run_gets_a_gpu_or_a_part_of_one_where_there_are_any(
    device: str, part: float | None, there: float, gpus: float | None
) -> None:
    asked, nodes = Asked(None, None, device, part), [{"CPU": 4.0}, {"CPU": 4.0, "GPU": there}]
    with nullcontext() if gpus is not None else pytest.raises(InputError, match="the cluster has no GPU: leave out"):
        assert _gpus(asked, nodes) == gpus


def test_where_ray_is_not_installed_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    write_corpora(tmp_path / "data")
    words = "run --data data --tasks mednli --baselines majority --no-cache --executor ray".split()
    said = finish(start(["-c", f"import sys; sys.modules['ray'] = None\n{WITHOUT_REPORT}", *words], tmp_path))
    assert said.returncode == 2
    assert re.fullmatch(r'error: --executor ray needs Ray \(.+\): install ".\[ray\]"', said.stderr.splitlines()[-1])


def test_without_an_address_a_cluster_is_begun_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    """Nor do the modules that lie where the command is given stand for ours there."""
    write_corpora(tmp_path / "data")
    for name in ("random.py", "tasks.py", "bench.py"):
        (tmp_path / name).write_text("raise SystemExit('a stray module')")
    before = {*Path("/tmp").glob("ray-*")}
    words = "run --data data --tasks mednli --baselines majority --no-cache --results results --executor ray".split()
    driver = start(["-P", "-c", WITHOUT_REPORT, *words], tmp_path)
    until(lambda: any("raylet" in title(one) for one in descendants(driver.pid)) or driver.poll() is not None)
    begun = descendants(driver.pid)
    said = finish(driver)
    assert said.returncode == 0, said.stderr
    assert said.stdout == ""
    assert len(begun) > 2
    until(lambda: not any(title(one) for one in begun))
    assert {*Path("/tmp").glob("ray-*")} <= before
    assert not (tmp_path / "elsewhere" / "home" / ".ray").exists()


def test_a_node_has_room_for_as_many_runs_as_its_cores_and_parts_of_gpus_allow() -> None:
    assert _fitting({"CPU": 8.0}, 2, 0) == 4
    assert _fitting({"CPU": 7.0, "GPU": 4.0}, 2, 1.0) == 3
    assert _fitting({"CPU": 64.0, "GPU": 2.0}, 1, 1 / 3) == 6
    assert _fitting({"CPU": 64.0}, 1, 0.5) == 0


def test_no_word_of_a_note_is_in_what_ray_keeps(story: Story) -> None:
    """Neither in its logs nor among its sockets and spilled objects."""
    kept = [path for path in story.nodes.temporary.rglob("*") if path.is_file()]
    assert any("in_steps" in path.read_text(errors="replace") for path in kept)
    assert [path for path in kept if PLANTED.encode() in path.read_bytes()] == []
    assert PLANTED not in "".join(one.stdout + one.stderr for one in story.said.values())


def test_nothing_leaves_this_machine(story: Story) -> None:
    """The other ends of all sockets of driver, nodes and runs are loopback or the cluster's own address."""
    cluster = story.nodes.address.partition(":")[0]
    assert cluster in story.nodes.seen.addresses
    assert story.nodes.seen.addresses <= {"127.0.0.1", "::1", cluster}


def test_what_is_found_is_the_same_to_the_bit_here_in_processes_and_on_a_cluster(story: Story) -> None:
    found = [evidence(story.nodes.folder / name) for name in ("serial", "local", "killed")]
    assert len(found[0]) == 2 * len(SEEDS) * 2
    assert found[0] == found[1] == found[2]
    assert len(set(found[0].values())) > len(SEEDS)


def test_a_lost_worker_node_or_driver_costs_no_run(story: Story) -> None:
    before, after = story.said["driver killed"], story.said["killed"]
    assert before.returncode == -signal.SIGKILL
    assert "its process was killed, as it is where memory is short, or crashed: it is tried again" in before.stderr
    assert after.returncode == 0, after.stderr
    assert not (story.nodes.folder / "killed" / store.UNFINISHED).exists()


def test_ctrl_c_ends_the_runs_at_their_checkpoints(story: Story) -> None:
    said = story.said["stopped"]
    assert said.returncode == 130, said.stderr
    assert "stopping: each run keeps its checkpoint first" in said.stderr
    assert "Traceback" not in said.stderr
    assert any(0 < steps < STEPS for steps in story.steps("stopped"))


def test_a_node_that_is_unfit_gets_no_more_runs_and_where_none_is_left_they_are(story: Story, tmp_path: Path) -> None:
    """The three nodes see another corpus than the driver has planned with."""
    write_corpora(tmp_path / "data")
    words = "run --data data --tasks mednli --baselines majority in_steps --no-cache --results results --executor ray"
    code = f"""import bench.runner.ray_cluster as cluster, pathlib, sys
from small_bench import write_corpora
begin = cluster.RayCluster.begin
def late(*given):
    write_corpora(pathlib.Path("data"), documents=5)
    begin(*given)
cluster.RayCluster.begin = late
{WITHOUT_REPORT}"""
    said = finish(start(["-c", code, *words.split(), "--address", story.nodes.address], tmp_path))
    assert said.returncode == 2
    reason = r"on \S+: the corpus of mednli: not what the driver has, install or share the same"
    assert len(re.findall(rf"no run can be done {reason}: it is tried again from its checkpoint\n", said.stderr)) >= 2
    assert re.search(rf"error: 2 of 2 runs are missing, .*: {reason}, and 1 more\n", said.stderr)
