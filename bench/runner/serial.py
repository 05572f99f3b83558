"""Runs in this process, one after the other."""

from __future__ import annotations

import time

from bench.runner.events import Ended, Tell
from bench.runner.plan import Planned, RunContext
from bench.runner.run import carry_out


class Serial:
    """An executor: for debuggers and for systems that fork none."""

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self.begun: tuple[Planned, Tell] | None = None

    def has_room(self, planned: Planned, alone: bool) -> bool:
        """Whether none has begun."""
        return not self.is_busy()

    def is_busy(self) -> bool:
        """Whether one has begun."""
        return self.begun is not None

    def begin(self, planned: Planned, alone: bool, tell: Tell) -> None:
        """Take the run to be done next."""
        self.begun = planned, tell

    def wait(self, seconds: float) -> None:
        """Do the run from its begin to its end."""
        if self.begun is None:
            time.sleep(seconds)
        else:
            (planned, tell), self.begun = self.begun, None
            try:
                carry_out(planned, self.context, tell)
            except BaseException:  # Such as Ctrl-C: the last checkpoint is kept.
                tell(Ended())
                raise

    def stop(self) -> None:
        """Nothing: what stops the command has stopped the run."""

    def close(self) -> None:
        """Nothing is left."""
