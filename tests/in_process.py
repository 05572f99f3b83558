"""Stands for the process of an arm: what a worker builds there is built here, and its memory is not watched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from tasks.core.errors import InputError


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


class Echo:
    """Built in a process of its own, which finds it here: the modules of tests have other names there."""

    def __init__(self, word: str) -> None:
        self.word = word

    def say(self, more: str) -> str:
        if more == "die":
            os._exit(1)
        if more == "fail":
            raise InputError("it failed")
        return self.word + more

    def count(self, tell: Callable[[int], None]) -> None:
        tell(1)
        tell(2)
