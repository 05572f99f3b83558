"""Imported by the server from which runs are forked, and nowhere else: what each of them needs is found once for all.

It is the one module that does work when it is imported.
"""

from __future__ import annotations

from bench import registry
from bench.runner import code, processes

processes.ignore_signals()
for kind in registry.TYPES:
    for name in registry.entries(kind):
        code.digest((registry.module(kind, name),))
