"""Runs on a Ray cluster: each is one task of Ray, in a process of its own, on a node that has room for it.

Ray moves names, paths, settings and events of runs. What is found is written by the run itself to the results folder,
which all nodes share, as on one machine; whoever is lost, the same command goes on from there.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.runner.events import Died, Ended, Event, Failed, Stored, Tell
from bench.runner.plan import Planned, RunContext
from bench.runner.ray_connection import connect, require_silent
from bench.runner.ray_messages import Mailbox, Unfit, order
from bench.store import runs as store
from bench.store.atomic import remove_empty
from tasks.core.errors import InputError

NODES_SECONDS = 5.0
"""Nodes that come and go are looked for so often."""

MAIL_SECONDS = 10.0
"""A mailbox that has not answered by then is lost, or begun anew on another node."""


@dataclass(frozen=True)
class Asked:
    """What the user asked of a cluster: `device` is auto, cpu or cuda, `gpus_per_run` a part of one."""

    address: str | None
    jobs: int | None
    device: str
    gpus_per_run: float | None


Serve = Callable[[int, bytes, Any], Event | Unfit]
"""In a task: does the run of an order, which tells in the mailbox by its number; how it ended."""


@dataclass(frozen=True)
class _Task:
    number: int
    planned: Planned
    tell: Tell


class RayCluster:
    """An executor: as many runs at once as the nodes have room for, and as many again that wait for it there."""

    def __init__(self, context: RunContext, asked: Asked, serve: Serve) -> None:
        self.connection = connect(asked.address)
        import ray

        with self.connection:  # Ended where something is wrong with it.
            # On the head node, without which there is no cluster.
            mailbox = ray.remote(Mailbox).options(
                num_cpus=0, resources={"node:__internal_head__": 0.001}, max_restarts=-1, max_concurrency=1
            )
            self.mailbox: Any = mailbox.remote()
            self._look_at_head(ray, local=asked.address is None)
            self.task = ray.remote(max_calls=1, max_retries=0)(serve)
            self.jobs, self.cpus = asked.jobs, context.threads or context.default_threads
            self.unfit: dict[str, str] = {}  # Node -> why no run can be done there.
            self.nodes, self.looked = _nodes(ray), time.monotonic()
            self.gpus = _gpus(asked, self.nodes.values())
            self.context = replace(context, device="cuda" if self.gpus else "cpu")
            if not self._capacity():
                gpus = f" and {self.gpus:g} GPUs" if self.gpus else ""
                raise InputError(f"no node of the cluster has the {self.cpus} CPUs{gpus} of a run: see --threads")
            self.connection = self.connection.pop_all()
        self.ray = ray
        self.numbers = itertools.count()
        self.under_way: dict[Any, _Task] = {}
        self.heard: set[int] = set()
        self.stopping = False

    def _look_at_head(self, ray: Any, local: bool) -> None:
        try:
            environment = ray.get(self.mailbox.environment.remote())
        except ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[-1]
            raise InputError(f"this program cannot be imported on the head node ({reason}): install it there") from None
        if not local:
            require_silent(environment)

    def has_room(self, planned: Planned, alone: bool) -> bool:
        """Whether a node has room for the run, or will have soon: a place that is left is taken at once."""
        self._look_at_nodes()
        return len(self.under_way) < (self.jobs or 2 * self._capacity() + 1)

    def _look_at_nodes(self) -> None:
        if time.monotonic() - self.looked > NODES_SECONDS:
            self.nodes, self.looked = _nodes(self.ray), time.monotonic()

    def is_busy(self) -> bool:
        """Whether Ray has a run that has not ended."""
        return bool(self.under_way)

    def _capacity(self) -> int:
        return sum(_fitting(node, self.cpus, self.gpus) for node in self._fit())

    def _fit(self) -> list[Mapping[str, float]]:
        return [node for key, node in self.nodes.items() if key not in self.unfit]

    def begin(self, planned: Planned, alone: bool, tell: Tell) -> None:
        """Hand the run to Ray; one that is to be alone takes a node, and a GPU of it, for itself."""
        if self.unfit and not self._capacity():
            tell(Failed(next(reversed(self.unfit.values()))))
            return
        # By this folder a node knows that it sees the same results folder.
        while not (folder := self._unfinished(planned)).is_dir():
            with suppress(FileNotFoundError):  # A run that ends removes folders that are empty.
                folder.mkdir(parents=True, exist_ok=True)
        trains = planned.run.baseline.needs_encoder
        cpus, gpus = (float(self.cpus), self.gpus) if trains else (1.0, 0.0)
        if alone:
            cpus = max((node["CPU"] for node in self._fit() if _fitting(node, cpus, gpus)), default=cpus)
            gpus = math.ceil(gpus)
        task = _Task(next(self.numbers), planned, tell)
        name = f"{planned.run.arm} {planned.run.seed}"
        where = {"label_selector": {"ray.io/node-id": f"!in({','.join(self.unfit)})"}} if self.unfit else {}
        options = self.task.options(num_cpus=cpus, num_gpus=gpus, name=name, **where)
        self.under_way[options.remote(task.number, order(planned, self.context), self.mailbox)] = task

    def wait(self, seconds: float) -> None:
        """Tell what the runs have left in the mailbox, and which have ended."""
        if not self.under_way:
            time.sleep(seconds)
            return
        self._look_at_nodes()
        if self.unfit and not self._capacity():  # What waits in Ray would wait for ever.
            self._cancel_unheard()
        ended, _ = self.ray.wait(list(self.under_way), timeout=seconds)
        tells = {task.number: task.tell for task in self.under_way.values()}
        # Of a run that has ended already, what is left is told first.
        for number, event in self._mail():
            self.heard.add(number)
            if number in tells:
                tells[number](event)
        for reference in ended:
            task, event = self.under_way.pop(reference), self._outcome(reference)
            if isinstance(event, Stored):  # If by another: who did it has removed its folder, but not this one.
                remove_empty(self._unfinished(task.planned), self.context.results / store.UNFINISHED)
            task.tell(event)

    def _unfinished(self, planned: Planned) -> Path:
        return self.context.results / store.UNFINISHED / planned.name.path

    def _mail(self) -> list[tuple[int, Event]]:
        with suppress(self.ray.exceptions.RayError):
            return self.ray.get(self.mailbox.take.remote(self.stopping), timeout=MAIL_SECONDS)  # type: ignore[no-any-return]
        return []

    def _outcome(self, reference: Any) -> Event:
        known = self.ray.exceptions
        try:
            told = self.ray.get(reference)
            if not isinstance(told, Unfit):
                return told  # type: ignore[no-any-return]
            self.unfit[told.node] = told.reason  # Else it would be the fastest of all to be done with runs.
            return Died(f"no run can be done {told.reason}", blameless=True)
        except known.TaskCancelledError:
            return Ended() if self.stopping else Failed(next(reversed(self.unfit.values())))
        except known.NodeDiedError:
            return Died("its node was lost", blameless=True)
        except known.OutOfMemoryError:
            return Died("Ray killed its process, as the memory of its node was short", alone=True)
        except known.WorkerCrashedError:  # Ray does not tell by what signal.
            return Died("its process was killed, as it is where memory is short, or crashed", alone=True)
        except known.RayTaskError as error:
            if isinstance(error.cause, known.TaskCancelledError):
                return Ended()
            kind = type(error.cause).__name__
            return Failed(f"this program cannot be begun on a node ({kind}): install the same version on each")
        except known.RayError as error:
            return Died(f"Ray lost it ({type(error).__name__})", blameless=True)

    def stop(self) -> None:
        """Ask the runs to keep a checkpoint and end; those that wait for room do not begin."""
        self.stopping = True
        self._mail()
        self._cancel_unheard()

    def _cancel_unheard(self) -> None:
        for reference, task in self.under_way.items():
            if task.number not in self.heard:
                self.ray.cancel(reference)

    def close(self) -> None:
        """End the connection, and with it what is still under way."""
        self.connection.close()


def _nodes(ray: Any) -> dict[str, Mapping[str, float]]:
    """The resources of each node."""
    return {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}


def _gpus(asked: Asked, nodes: Iterable[Mapping[str, float]]) -> float:
    """The GPUs of a run."""
    there = any(node.get("GPU") for node in nodes)
    if (asked.device == "cuda" or asked.gpus_per_run) and not there:
        raise InputError("the cluster has no GPU: leave out --device cuda and --gpus-per-run")
    return (asked.gpus_per_run or 1.0) if there and asked.device != "cpu" else 0.0


def _fitting(node: Mapping[str, float], cpus: float, gpus: float) -> int:
    """How many such runs a node has room for at once."""
    by_cpu = int(node.get("CPU", 0) / cpus + 1e-6)
    return min(by_cpu, int(node.get("GPU", 0)) * int(1 / gpus + 1e-6)) if gpus else by_cpu
