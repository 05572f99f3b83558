"""The connection to a Ray cluster: one that is there, or one of this machine alone that ends with the command."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from bench.runner.inherited import inherited_environment
from bench.runner.slots import cores
from tasks.core.errors import InputError

SILENT = MappingProxyType({"RAY_USAGE_STATS_ENABLED": "0", "RAY_USAGE_STATS_REPORT_URL": "http://127.0.0.1:9"})
"""What keeps Ray from reporting to its makers: without the second, `ray start` reports that it reports nothing."""

NO_WEB = MappingProxyType(
    {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "no_proxy": "", "NO_PROXY": ""}
)
"""What keeps the head node from asking the metadata service of a cloud where it is, which it does all the same."""

_QUIET = MappingProxyType({"RAY_DEDUP_LOGS": "1", "RAY_DEDUP_LOGS_SKIP_REGEX": ".*", "RAY_SCHEDULER_EVENTS": "0"})
"""What keeps the lines of other processes from our standard output: what happens to a run we say ourselves."""

OBJECT_STORE_BYTES = 80 * 2**20
"""The least that Ray takes: nothing of ours is so large that it would go there."""

REACHED_SECONDS = 20.0

LONGEST_TEMPORARY = 28
"""Sockets lie below Ray's folder, and no path of one may be longer than 107 characters."""


def connect(address: str | None) -> ExitStack:
    """Connect to the cluster at this address, or begin one here; what is returned ends that."""
    os.environ.update({**SILENT, **_QUIET})  # All is read once, when Ray is imported.
    if address is None:  # No port of the cluster serves who has no token, and nobody else is told this one.
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    with _as_it_was(), ExitStack() as begun:
        try:
            import ray
        except ImportError as error:
            raise InputError(f'--executor ray needs Ray ({error}): install ".[ray]"') from None
        usual: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            if address is None:
                folder = begun.enter_context(_folder())
                begun.callback(ray.shutdown)
                _begin(ray, folder, usual)
            else:
                _require_listening(address)
                begun.callback(ray.shutdown)
                with _folder() as folder, chdir(folder):
                    ray.init(address, **usual)
        except (OSError, RuntimeError, ValueError, ImportError, ray.exceptions.RayError) as error:
            what = f"the Ray cluster at {address}" if address else "a Ray cluster of this machine"
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(
                f"{what} cannot be reached ({reason}): see that it is there and give its --address"
            ) from None
        return begun.pop_all()


def _require_listening(address: str) -> None:
    """OSError where nobody listens at the address of a cluster: Ray itself would ask there for many minutes."""
    where = urlsplit(address if "//" in address else f"//{address}")
    if where.hostname and where.port:
        socket.create_connection((where.hostname, where.port), timeout=REACHED_SECONDS).close()


def _folder() -> tempfile.TemporaryDirectory[str]:
    """Ray has its workers look for modules where its driver stands, before all others: that is an empty folder then."""
    usual = tempfile.gettempdir()
    return tempfile.TemporaryDirectory(
        prefix="ray-", dir=usual if len(usual) <= LONGEST_TEMPORARY else "/tmp", ignore_cleanup_errors=True
    )


def _begin(ray: Any, folder: str, usual: dict[str, Any]) -> None:
    """Begin a cluster of this machine."""
    with inherited_environment(NO_WEB), chdir(folder):
        ray.init(
            "local",
            num_cpus=cores(),
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            _temp_dir=folder,
            **usual,
        )


def require_silent(environment: dict[str, str]) -> None:
    """InputError where a cluster's head was begun in an environment in which Ray reports to its makers."""
    url = environment.get("RAY_USAGE_STATS_REPORT_URL", "")
    loopback = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    if environment.get("RAY_USAGE_STATS_ENABLED") != "0" or not loopback:
        wanted = " ".join(f"{name}={value}" for name, value in SILENT.items())
        raise InputError(f"Ray reports the use of this cluster to its makers: begin it with {wanted} set on each node")


@contextmanager
def _as_it_was() -> Iterator[None]:
    """Ray takes over SIGTERM, and the hook for errors: ours are put back."""
    hook = sys.excepthook
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        sys.excepthook = hook
        for number, handler in signals.items():
            signal.signal(number, handler)
