"""A long row in portions, so that what is held at a time does not grow with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def chunk_by_size(items: Iterable[Item], size: Callable[[Item], int], most: int) -> Iterator[list[Item]]:
    """The items in their order, in groups of at most `most` together by their sizes, at least one in each."""
    group: list[Item] = []
    total = 0
    for item in items:
        length = size(item)
        if group and total + length > most:
            yield group
            group, total = [], 0
        group.append(item)
        total += length
    if group:
        yield group
