"""The corpora of a command: official ones below a folder, or the demo's, written to files and read the same way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.runner import code
from bench.runner.corpora import DEMO, OFFICIAL, Corpora
from bench.store.atomic import atomic_write
from bench.store.locks import lock, temporary_folder
from tasks import demo
from tasks.core.errors import InputError, about
from tasks.core.private import private
from tasks.demo.corpora import write_demo


@contextmanager
def opened(data: Path | None, scale: float, cache: Path | None = None) -> Iterator[Corpora]:
    """The corpora below a folder; without one the demo's, which lie in the cache or go with the block."""
    if data is not None:
        if not data.is_dir():
            raise InputError(f"the data folder {data} is not there: give --data the folder in which the downloads lie")
        yield Corpora(OFFICIAL, data, cache)
        return
    # Results on corpora of another size are other results, and lie elsewhere.
    name = DEMO if scale == 1 else f"{DEMO}-x{str(float(scale)).removesuffix('.0')}"
    if cache is None:
        with temporary_folder() as folder:
            with about(folder):
                write_demo(folder, scale)
            yield Corpora(name, folder)
        return
    folder = cache / f"{name}-{_demo_digest()}"
    # One process writes it, others wait; who dies meanwhile leaves no folder of that name.
    with private(), lock(folder.with_name(f"{folder.name}.lock"), blocking=True):
        if not folder.is_dir():
            with atomic_write(folder) as new:
                write_demo(new, scale)
    yield Corpora(name, folder, cache)


def _demo_digest() -> str:
    """What the demo's corpora are written by: code, and lists of words."""
    digest = hashlib.sha256(code.digest(("tasks.demo.corpora",)).encode())
    for words in sorted(Path(demo.__path__[0]).glob("*.toml")):
        digest.update(words.read_bytes())
    return digest.hexdigest()[:32]
