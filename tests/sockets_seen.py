"""Where processes are connected to: what the kernel lists of their sockets, looked at again and again meanwhile."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

FAMILIES = {"tcp": socket.AF_INET, "tcp6": socket.AF_INET6}
"""Of UDP a process may ask for a way to an address without sending anything: that is how Ray finds its own."""


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


def title(process: int) -> str:
    """What a process is called; nothing where it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().partition(b"\0")[0].decode()
    except OSError:
        return ""


def sockets(process: int) -> Iterator[str]:
    """The inodes of its sockets."""
    try:
        for path in Path(f"/proc/{process}/fd").iterdir():
            if (end := str(path.readlink())).startswith("socket:["):
                yield end[len("socket:[") : -1]
    except OSError:  # It has ended.
        return


def remote_addresses(inodes: set[str]) -> Iterator[str]:
    """The addresses at the other ends of these sockets, as far as they are connections of the Internet."""
    for name, family in FAMILIES.items():
        for row in Path("/proc/net", name).read_text().splitlines()[1:]:
            cells = row.split()
            if cells[9] in inodes:
                raw = bytes.fromhex(cells[2].partition(":")[0])
                # Each four bytes are a number in the order of this machine.
                turned = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
                yield socket.inet_ntop(family, turned).removeprefix("::ffff:")


class SocketsSeen(threading.Thread):
    """Watches processes and what they begin until it is stopped; `addresses` are those that were seen."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ancestors: set[int] = set()
        self.addresses: set[str] = set()
        self.stopped = threading.Event()

    def run(self) -> None:
        """Looks a few times a second."""
        while not self.stopped.wait(0.3):
            processes = set().union(*map(descendants, list(self.ancestors)))
            inodes = {inode for process in processes for inode in sockets(process)}
            self.addresses |= {*remote_addresses(inodes)} - {"0.0.0.0", "::"}  # Those listen.
