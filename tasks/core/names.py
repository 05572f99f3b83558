"""What tasks, kinds, metrics and baselines may be called."""

from __future__ import annotations

import re


def is_name(text: str) -> bool:
    """Whether a task, baseline or metric may be called so: an ASCII identifier, which is in paths what it is."""
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,79}", text) is not None
