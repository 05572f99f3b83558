"""What the processes that we begin have of this one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench import registry


@contextmanager
def inherited_environment(more: Mapping[str, str] | None = None) -> Iterator[None]:
    """What processes are begun with: they look for modules where this one does, and fetch and draw nothing."""
    # Where the user stands may lie modules of the same names.
    path = os.pathsep.join([str(Path(registry.__file__).parent.parent), *sys.path])
    ours = {"PYTHONPATH": path, "PYTHONSAFEPATH": "1", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    ours |= more or {}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            os.environ.update({name: value} if value is not None else {})
