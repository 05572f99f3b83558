"""What `python -m bench report` prints, for the tests of the report."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pytest

from bench.report import command


def report(results: Path, *options: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command prints."""
    parser = ArgumentParser()
    command.add_arguments(parser)
    assert command.main(parser.parse_args(["--results", str(results), *options])) == 0
    return capsys.readouterr().out
