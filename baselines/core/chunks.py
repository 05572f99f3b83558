"""A stream of items in chunks, so that memory does not grow with its length."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def chunk_by_size(items: Iterable[Item], size: Callable[[Item], int], most: int) -> Iterator[list[Item]]:
    """The items in their order, in chunks whose sizes add up to `most` or less; a larger item is a chunk by itself."""
    chunk: list[Item] = []
    total = 0
    for item in items:
        length = size(item)
        if chunk and total + length > most:
            yield chunk
            chunk, total = [], 0
        chunk.append(item)
        total += length
    if chunk:
        yield chunk
