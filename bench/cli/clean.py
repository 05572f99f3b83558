"""`python -m bench clean`: removes the cache of corpora made ready for training."""

from __future__ import annotations

import argparse

from bench.store.sanitise import sanitise


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has no options of its own."""


def main(args: argparse.Namespace) -> int:
    """Removes the cache and says what it held; 0."""
    from bench.store import cache

    files, size = cache.clear()
    print(f"{files} files of tokenised corpora, {size / 2**20:.1f} MiB, removed from {sanitise(str(cache.folder()))}")
    return 0
