"""How long runs will take: from runs that are finished, or else roughly, from the speed of this processor."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from baselines.core.settings import Settings
from bench.runner.plan import DONE, Planned, Run, RunContext, cost

CHARACTERS_PER_TOKEN = 4
FLOPS_PER_PARAMETER = 6
"""Operations for each parameter and token: two forward, four backward (Kaplan et al., arXiv 2001.08361)."""

REACHED = MappingProxyType({"float32": 0.5, "bfloat16": 0.3})
"""The part of the speed of a bare matrix product of its precision that a training reaches (docs/performance.md)."""

_SIDE = 768

Kind = tuple[str, tuple[str, ...]]
"""An arm and its tasks."""


@dataclass(frozen=True)
class Estimate:
    """Seconds for each character read in training, None where they are not known, and what that is taken from.

    `of_kind` has them by arm and tasks, where runs of these are finished.
    """

    seconds_per_character: float | None
    grounds: str
    of_kind: Mapping[Kind, float] = field(default_factory=dict)

    def seconds(self, runs: Iterable[Planned]) -> float | None:
        """What the runs that are not done will take."""
        mean = self.seconds_per_character
        if mean is None:
            return None
        return sum(one.cost * self.of_kind.get(_kind(one.run), mean) for one in runs if one.state != DONE)


def estimate(runs: Sequence[Planned], context: RunContext) -> Estimate:
    """The estimate for a plan."""
    finished = [(each.run, each.result) for each in runs if each.result and each.run.baseline.needs_encoder]
    if finished:
        seconds: defaultdict[Kind, float] = defaultdict(float)
        characters: defaultdict[Kind, float] = defaultdict(float)
        for run, result in finished:
            seconds[_kind(run)] += result.training.train_seconds + result.training.dev_seconds + result.test_seconds
            characters[_kind(run)] += cost(run, result.settings, context)
        devices = " and ".join(sorted({result.environment.device for _, result in finished}))
        return Estimate(
            sum(seconds.values()) / sum(characters.values()),
            f"from {len(finished):,} finished runs on {devices}",
            {kind: seconds[kind] / characters[kind] for kind in seconds},
        )
    rough = _from_processor(context, runs[0].run.settings)
    return Estimate(rough, "rough: from this processor's speed; a GPU is faster")


def _kind(run: Run) -> Kind:
    return run.arm, run.names


def _from_processor(context: RunContext, settings: Settings) -> float | None:
    if context.encoder.folder is None:
        return None
    config = json.loads((context.encoder.folder / "config.json").read_text())
    try:
        hidden, layers, inner = (int(config[key]) for key in ("hidden_size", "num_hidden_layers", "intermediate_size"))
    except KeyError:
        return None
    parameters = layers * (4 * hidden**2 + 2 * hidden * inner)
    return (
        FLOPS_PER_PARAMETER * parameters / CHARACTERS_PER_TOKEN / _flops_per_second(settings, context.default_threads)
    )


def _flops_per_second(settings: Settings, threads: int) -> float:
    import torch

    from baselines.core.model import precision

    torch.set_num_threads(threads)
    reached = precision(settings.precision, "cpu")
    matrix = torch.ones((_SIDE, _SIDE), dtype=getattr(torch, reached))
    matrix @ matrix  # The first product starts the threads.
    started, times = time.perf_counter(), 0
    while time.perf_counter() - started < 0.1:
        matrix @ matrix
        times += 1
    return REACHED[reached] * times * 2 * _SIDE**3 / (time.perf_counter() - started)
