"""Stands for the process of an arm: what a worker builds there is built here, and its memory is not watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


class InProcess:
    """Does what bench.speed.worker.Worker does, in this process."""

    build_seconds = 1.0

    def __init__(self, arm: str, build: Callable[..., Any], *given: Any) -> None:
        self.arm, self.made = arm, build(*given)

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *error: object) -> None:
        """There is nothing to end."""

    def ask(self, what: str, *given: Any) -> Any:
        return getattr(self.made, what)(*given)

    def told(self, what: str, *given: Any) -> Iterator[tuple[Any, None]]:
        found: list[Any] = []
        getattr(self.made, what)(found.append, *given)
        return ((one, None) for one in found)
