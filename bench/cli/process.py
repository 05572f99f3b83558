"""The process of a command: standard streams that never end it, and signals that stop it as Ctrl-C does."""

from __future__ import annotations

import errno
import io
import os
import select
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Stream(io.FileIO):
    """A standard stream: its first error is kept, what would be written after it is lost, and the command goes on."""

    error: OSError | None = None

    def write(self, data: ReadableBuffer) -> int:
        while self.error is None:
            try:
                if (count := super().write(data)) is not None:
                    return count
                select.select([], [self], [])  # Full, and made non-blocking by whoever shares it.
            except OSError as error:
                self.error = error
        return memoryview(data).nbytes


def begin() -> Stream:
    """Takes over the streams and signals of this process; its standard output."""
    # A closed stream's number would go to the next file that is opened, and what is printed into that file.
    while (number := os.open(os.devnull, os.O_RDONLY)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    output = _taken_over("stdout", 1)
    _taken_over("stderr", 2)
    for wanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(wanted) is not signal.SIG_IGN:  # As under nohup.
            signal.signal(wanted, _stop)
    return output


def end(status: int, output: Stream) -> int:
    """The exit status of a command that came to `status`: what it printed may be in vain, but not lost unnoticed."""
    sys.stdout.flush()
    error = output.error
    # Whoever read it has enough of it, or the terminal was closed: only to one are lines written as they come.
    if error is None or isinstance(error, ConnectionError) or sys.stdout.line_buffering:
        return status
    if error.errno == errno.EBADF:
        sys.stderr.write("warning: standard output is closed: what was to be printed there is lost\n")
        return status
    sys.stderr.write(f"error: standard output cannot be written ({error.strerror}): what was printed is not whole\n")
    return status or 2


def _taken_over(name: str, number: int) -> Stream:
    before, raw = getattr(sys, name), Stream(number, "wb", closefd=False)
    encoding = "utf-8" if before is None else before.encoding
    # What an encoding does not have is printed as "?". A message is seen when it is said.
    stream = io.TextIOWrapper(io.BufferedWriter(raw), encoding, "replace", line_buffering=number == 2 or raw.isatty())
    setattr(sys, name, stream)
    return raw


def _stop(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt(number)
