"""A process that dies at a moment of our choice: what it does with files is counted, and from one event on fails."""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class Killed(BaseException):
    """What nothing catches."""


@contextmanager
def killed_at(event: int) -> Iterator[None]:
    """From this event on every opening, renaming, making, removing and syncing of files fails; Killed ends here."""
    seen = 0

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen > event:
                raise Killed
            return call(*arguments, **named)

        return counted

    with pytest.MonkeyPatch.context() as patch:
        for module, names in ((os, "replace rename mkdir unlink rmdir fsync"), (io, "open"), (builtins, "open")):
            for name in names.split():
                patch.setattr(module, name, dying(getattr(module, name)))
        try:
            yield
        except Killed:
            assert seen > event


def every_event(act: Callable[[], Any], before: Callable[[], Any]) -> Iterator[int]:
    """Has `act` die at each of its events in turn, with all made anew by `before`; ends once it comes through."""
    for event in range(10_000):
        before()
        through = False
        with killed_at(event):
            act()
            through = True
        yield event
        if through:
            return
