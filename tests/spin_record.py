"""The record of how OpenMP's threads wait: tokens a second of each setting under each load, and which settings hold.

`tox -e spin` measures it, `tox -e page` shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from bench.report import numbers
from bench.report.table import draw_table
from bench.store import strict_json
from bench.store.environment import Environment
from tasks.core.errors import InputError

SPIN, FILE = "spin", "spin.json"
AS_IT_COMES, PASSIVE, WATCHED, ONE_THREAD = "as libgomp comes", "passive", "ours", "one thread"

QUIET_SHARE, BUSY_SHARE = 0.97, 0.5
"""What a setting must reach of the best one: on a quiet machine, and beside other processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpinCell:
    """The tokens a second of a setting beside so many busy processes, one for each round."""

    setting: str
    busy: int
    tokens_per_second: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpinRecord:
    """A measurement: in each round every setting does the same `updates` under each load, one after the other."""

    command: str
    finished: str
    environment: Environment
    updates: int
    cells: tuple[SpinCell, ...]

    @property
    def settings(self) -> list[str]:
        return list(dict.fromkeys(cell.setting for cell in self.cells))

    @property
    def loads(self) -> list[int]:
        return sorted({cell.busy for cell in self.cells})

    def rates(self, setting: str, busy: int) -> tuple[float, ...]:
        """Tokens a second by round."""
        (found,) = (cell.tokens_per_second for cell in self.cells if (cell.setting, cell.busy) == (setting, busy))
        return found

    def share(self, setting: str, busy: int) -> float:
        """What a setting reaches of the best one under a load: the median over rounds, in which both were measured."""
        best = max((self.rates(one, busy) for one in self.settings), key=median)
        return median(own / other for own, other in zip(self.rates(setting, busy), best, strict=True))

    def least_busy_share(self, setting: str) -> float:
        """What it reaches of the best where the machine is busy, under the load that it stands worst."""
        return min(self.share(setting, busy) for busy in self.loads if busy)

    def holds(self, setting: str) -> bool:
        """Whether a setting is good enough on a quiet machine and on a busy one."""
        return self.share(setting, 0) >= QUIET_SHARE and self.least_busy_share(setting) >= BUSY_SHARE

    def holding(self) -> list[str]:
        """The settings that are good enough, the one that stands a busy machine best first."""
        return sorted(filter(self.holds, self.settings), key=self.least_busy_share, reverse=True)


def spins(count: int) -> str:
    """What the setting of a spin count is called."""
    return f"{count:,} spins"


def read(folder: Path) -> SpinRecord:
    """The record that lies in a folder."""
    try:
        return strict_json.loads(SpinRecord, (folder / FILE).read_bytes())
    except FileNotFoundError:
        raise InputError(f"{folder / FILE} is not there: measure with `tox -e spin -- --store`") from None


def table(record: SpinRecord, form: str) -> str:
    """Settings by load: tokens a second, and of the best; the best of each load stands in its column as 100 %."""
    names = {0: "quiet", 1: "beside one process"}
    header = ["setting", *(names.get(busy, f"beside {busy}") for busy in record.loads), "holds both"]
    cell = partial(_cell, record)
    rows = [
        [one, *(cell(one, busy) for busy in record.loads), "yes" if record.holds(one) else "no"]
        for one in record.settings
    ]
    return draw_table(header, rows, "l" + "r" * len(record.loads) + "l", form)


def _cell(record: SpinRecord, setting: str, busy: int) -> str:
    rates = record.rates(setting, busy)
    low, high = numbers.count(min(rates)), numbers.count(max(rates))
    return f"{numbers.count(median(rates))} ({low} to {high}) {record.share(setting, busy):.0%}"


def shown(record: SpinRecord) -> str:
    """The record as Markdown."""
    here, rounds = record.environment, len(record.cells[0].tokens_per_second)
    return (
        f"```\n{record.command}\n```\n\n"
        f"Measured on {record.finished[:10]}: {here.processor}, threads {here.threads}, torch {here.torch}, "
        f"Python {here.python}. Real tokens a second of {record.updates} updates, rounds: {rounds}. The median, from "
        f"least to most, and what it is of the best.\n\n"
        f"{table(record, 'pipe')}\n"
    )
