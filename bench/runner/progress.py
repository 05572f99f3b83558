"""How far a command is: one bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Hashable
from typing import TYPE_CHECKING

from bench.store.sanitise import sanitise

if TYPE_CHECKING:
    from tqdm import tqdm

LINE_SECONDS = 10.0
"""Plain lines come no closer than this."""

WARM_SECONDS = 5.0
"""So long the first steps of a training are slow: they, and the reading of files before, tell nothing of the rest."""

_BAR = "{percentage:3.0f}% |{bar:20}| {elapsed} gone, {desc}"


class Progress:
    """The work of a command, in shares of its runs' costs; several runs may be under way."""

    def __init__(self, total: float) -> None:
        self.total = total
        self.done = 0.0  # The costs of finished runs.
        self.parts: dict[Hashable, float] = {}  # By run under way, the cost of what is done of it.
        self.begun = self.said = time.monotonic()
        self.steps = 0  # Since a run was finished; with the first of them training began.
        self.warm: tuple[float, float] | None = None  # When training was warm first, and what was done by then.
        self.bar: tqdm[None] | None = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty() and self.total:
            from tqdm import tqdm

            # tqdm's own look at a terminal that does not tell its size, as in some CI, makes it draw nothing at all.
            columns, rows = shutil.get_terminal_size()
            self.bar = tqdm(total=1.0, bar_format=_BAR, file=sys.stderr, ncols=columns - 1, nrows=rows)
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def reached(self, cost: float, fraction: float, note: str, run: Hashable = None) -> None:
        """A run under way, of this cost, has come so far."""
        now, part = time.monotonic(), cost * min(max(fraction, 0.0), 1.0)
        self.parts[run] = part
        self.begun = self.begun if self.steps else now
        self.steps += part > 0
        self._warm_if(now - self.begun >= WARM_SECONDS)
        if self.bar is not None:
            self._draw(f"{self._left()} left · {note}")
        elif now - self.said >= LINE_SECONDS:
            self.said = now
            self.say(f"{self._share():4.0%} · {self._left()} left · {note}")

    def dropped(self, run: Hashable) -> None:
        """A run is no longer under way, and what was done of it does not count."""
        self.parts.pop(run, None)

    def finished(self, cost: float, line: str, run: Hashable = None) -> None:
        """A run of this cost is done with."""
        here = self.parts.pop(run, 0.0) > 0
        self.done += cost
        if self.warm and not here:  # Another process did it: it took no time here.
            self.warm = self.warm[0], self.warm[1] + cost
        self._warm_if(self.steps > 1)
        self.steps = 0
        self.say(line)
        self._draw(f"{self._left()} left")

    def say(self, line: str) -> None:
        """A line of its own, above the bar where there is one; nothing in it steers the terminal."""
        if self.bar is not None:
            self.bar.write(sanitise(line), file=sys.stderr)
        else:
            print(sanitise(line), file=sys.stderr, flush=True)

    def _work(self) -> float:
        return self.done + sum(self.parts.values())

    def _share(self) -> float:
        return self._work() / self.total if self.total else 1.0

    def _draw(self, note: str) -> None:
        if self.bar is not None:
            self.bar.set_description_str(note, refresh=False)
            self.bar.update(self._share() - self.bar.n)

    def _warm_if(self, so: bool) -> None:
        if so and self.warm is None:
            self.warm = time.monotonic(), self._work()

    def _left(self) -> str:
        """At the mean speed since training was warm first: tasks differ in their cost for each character."""
        work = self._work()
        since, before = self.warm or (0.0, work)
        if not work > before:
            return duration(0) if self._share() >= 1 else "some time"
        return duration((time.monotonic() - since) * (self.total - work) / (work - before))


def duration(seconds: float) -> str:
    """A time for people: 45 s, 3 min, 2 h 05 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"
