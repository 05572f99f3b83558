"""Named random streams: every random choice has a name, and the same name gives the same numbers in any company."""

from __future__ import annotations

import hashlib

import numpy as np


def rng_seed(seed: int, *names: object) -> int:
    """The 64-bit seed of a named stream."""
    text = "/".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def rng(seed: int, *names: object) -> np.random.Generator:
    """The generator of a named rng, as in `rng(seed, task, "order", epoch)`."""
    # SFC64 is the fastest of NumPy's generators, and dropout draws a byte for every hidden unit.
    return np.random.Generator(np.random.SFC64(rng_seed(seed, *names)))
