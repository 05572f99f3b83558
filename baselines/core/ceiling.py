"""The ceiling: the recall of an oracle that says of each window what a head is taught of it.

What windows and tags cannot express is a miss. It depends on corpus, tokenizer and head, on neither seed nor weights.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from baselines.core import checksummed
from baselines.core.heads import head_for
from baselines.core.settings import Settings
from baselines.core.tokenizer import SubwordTokenizer
from tasks.core.kinds import Task
from tasks.core.metrics.formulas import micro_recall
from tasks.core.metrics.metric import Observed


def cached_ceiling(
    task: Task[Any, Any], examples: Iterable[Any], encoder: Path, settings: Settings, file: Path | None
) -> float | None:
    """The ceiling, from its file where it is whole; else it is worked out, and kept there if there is a file."""
    if file is None:
        return ceiling(task, examples, encoder, settings)
    if (kept := checksummed.read(file)) is None:
        kept = json.dumps(ceiling(task, examples, encoder, settings)).encode()
        with checksummed.write(file) as unfinished:
            unfinished.write_bytes(kept)
    recall: float | None = json.loads(kept)
    return recall


def ceiling(task: Task[Any, Any], examples: Iterable[Any], encoder: Path, settings: Settings) -> float | None:
    """The oracle's recall on examples; None where its answers are gold itself, or there is nothing to be found."""
    with torch.random.fork_rng(devices=[]):  # The head's weights are not used: they must move no random stream.
        head = head_for(task, 1, settings)
    tokenizer, observed = SubwordTokenizer(encoder), Observed(task.primary)
    for example in examples:
        answer = head.oracle(head.windows(tokenizer, example, use_gold=False))
        if answer is None:
            return None
        observed.add([example], [answer])
    recall = float(micro_recall(observed.rows().sum(axis=0), task.primary.columns))
    return recall if math.isfinite(recall) else None
