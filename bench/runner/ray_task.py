"""One run as a task of Ray: done on its node once code, corpora and encoder there are found to be the driver's."""

from __future__ import annotations

import os
import pickle
import platform
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from traceback import extract_tb
from typing import Any

from baselines.core import hub
from bench.runner.device import choose_device
from bench.runner.events import Died, Event, Reached
from bench.runner.openmp import bound_spinning
from bench.runner.plan import Planned, RunContext, fingerprints
from bench.runner.ray_messages import Teller, Unfit, versions
from bench.runner.run import carry_out
from bench.store import runs as store
from tasks.core.errors import InputError
from tasks.core.private import private

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}


def serve(number: int, order: bytes, mailbox: Any) -> Event | Unfit:
    """In the task: do a run; how it ended, or why it cannot be done on this node."""
    os.environ.update(_OFFLINE)
    bound_spinning()
    node, teller = platform.node(), Teller(number, mailbox)
    try:
        # Unpacked here and not by Ray, which makes no sentence of what may be missing on this node.
        planned, context, libraries = pickle.loads(order)
        teller(Reached(0.0, f"begins on {node}"))
        try:
            here = _seen_from_here(planned, context, libraries)
        except (InputError, OSError) as error:
            return Unfit(_node_id(), f"on {node}: {error}")
        carry_out(planned, here, teller)
    except InputError as error:  # Of a plugin that is not there.
        return Unfit(_node_id(), f"on {node}: {error}")
    except Exception as error:
        # Its message may quote what it was given; where it was raised tells as much.
        at = extract_tb(error.__traceback__)[-1]
        return Died(f"on {node}: {type(error).__name__} in {Path(at.filename).name}, line {at.lineno}")
    finally:
        teller.close()
    assert teller.end is not None
    return teller.end


def _node_id() -> str:
    import ray

    return str(ray.get_runtime_context().get_node_id())


def _seen_from_here(planned: Planned, context: RunContext, had: dict[str, str]) -> RunContext:
    """The context with encoder and corpora as they are on this node; InputError where a run would be another here."""
    unfinished, stored = (context.results / part / planned.name.path for part in (store.UNFINISHED, store.RUNS))
    if not unfinished.is_dir() and not stored.is_dir():
        raise InputError(
            f"{context.results} is not the driver's results folder: give --results one that all nodes share"
        )
    encoder = context.encoder.folder if planned.run.baseline.needs_encoder else None
    for folder in filter(None, (context.corpora.folder, encoder)):
        if not folder.is_dir():
            raise InputError(f"{folder} is not there: give a folder that all nodes share")
    if context.cache is not None:
        with private():
            context.cache.mkdir(parents=True, exist_ok=True)
    if encoder and context.device == "cuda":
        choose_device("cuda")
    here = replace(context, encoder=replace(context.encoder, digest=hub.digest(encoder) if encoder else None))
    if differing := ", ".join(_differing(planned, here, had)):
        raise InputError(f"{differing}: not what the driver has, install or share the same")
    return here


def _differing(planned: Planned, context: RunContext, libraries: dict[str, str]) -> Iterator[str]:
    """What a run depends on, where it is not what the run was planned with."""
    had, now = planned.fingerprints, fingerprints(planned.run, context)
    if had.code != now.code:
        yield "the code of tasks or baselines"
    if had.encoder != now.encoder:
        yield "the encoder's files"
    if had.start != now.start:
        yield "the run it starts from"
    yield from (f"the corpus of {task}" for task, digest in had.corpora.items() if digest != now.corpora[task])
    yield from (f"{name} {version}" for name, version in versions().items() if version != libraries[name])
