"""Where processes are connected to: what the kernel lists of their sockets, looked at again and again meanwhile."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

FAMILIES = {"tcp": socket.AF_INET, "udp": socket.AF_INET, "tcp6": socket.AF_INET6, "udp6": socket.AF_INET6}


def descendants(ancestor: int) -> set[int]:
    """A process and all that it and these have begun, as far as their parents live."""
    parents = dict(_parents())
    found = {ancestor}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                # pid (name) state parent: the name may hold anything.
                yield int(folder.name), int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # It has ended.
                continue


def remote_addresses(process: int) -> Iterator[str]:
    """The addresses at the other ends of its Internet sockets."""
    try:
        ends = [os.readlink(path) for path in Path(f"/proc/{process}/fd").iterdir()]
        tables = {name: Path(f"/proc/{process}/net/{name}").read_text() for name in FAMILIES}
    except OSError:
        return
    ours = {end[len("socket:[") : -1] for end in ends if end.startswith("socket:[")}
    for name, table in tables.items():
        for row in table.splitlines()[1:]:
            cells = row.split()
            if cells[9] in ours:
                raw = bytes.fromhex(cells[2].partition(":")[0])
                # Each four bytes are a number in the order of this machine.
                turned = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
                yield socket.inet_ntop(FAMILIES[name], turned)


class SocketsSeen(threading.Thread):
    """Watches processes and what they begin until it is stopped; `addresses` are those that were seen."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ancestors: set[int] = set()
        self.addresses: set[str] = set()
        self.stopped = threading.Event()

    def run(self) -> None:
        """Looks ten times a second."""
        while not self.stopped.wait(0.1):
            for ancestor in list(self.ancestors):
                for process in descendants(ancestor):
                    self.addresses.update(remote_addresses(process))

    def stop(self) -> set[str]:
        """The addresses, IPv4 as such."""
        self.stopped.set()
        self.join()
        return {one.removeprefix("::ffff:") for one in self.addresses} - {"0.0.0.0", "::"}
