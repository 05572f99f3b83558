"""What is shipped, and that what the README says can be pasted."""

from __future__ import annotations

import importlib
import re
from importlib import metadata
from pathlib import Path

import pytest

from bench import __version__
from bench.cli.main import COMMANDS, Parser

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def shipped() -> list[str]:
    """The files of the installed wheel, its metadata and command left out."""
    try:
        files = metadata.files("mt-clinical-bench") or []
    except metadata.PackageNotFoundError:
        pytest.skip("mt-clinical-bench is not installed: these files are those of a wheel")
    names = [str(file) for file in files if not str(file).startswith(("..", "mt_clinical_bench-", "_mt_clinical"))]
    return names or pytest.skip("installed as editable: there is no wheel to look into")


def test_the_wheel_ships_three_packages_and_nothing_else() -> None:
    assert {name.split("/")[0] for name in shipped()} == {"bench", "tasks", "baselines"}


def test_the_wheel_ships_the_words_of_the_demo() -> None:
    here = {path.name for path in (ROOT / "tasks" / "demo").glob("*.toml")}
    assert here
    assert here == {Path(name).name for name in shipped() if name.endswith(".toml")}


def test_the_installed_version_is_that_of_the_code() -> None:
    shipped()
    assert metadata.version("mt-clinical-bench") == __version__


def pasted() -> list[str]:
    """Every `python -m bench` command of the README, comments and what follows a `&&` left out."""
    return re.findall(r"python -m bench ([^\n`#&]*[^\s`#&])", README)


@pytest.mark.parametrize("command", pasted())
def test_the_commands_of_the_readme_are_understood(command: str) -> None:
    name, *rest = command.split()
    module = importlib.import_module(COMMANDS[name][0])
    parser = Parser(prog=f"python -m bench {name}", allow_abbrev=False)
    module.add_arguments(parser)
    if "--help" not in rest:
        parser.parse_args(rest)


def test_the_folders_of_the_readmes_tree_exist() -> None:
    tree = re.search(r"## The tree\n\n(.*?)\n\n", README, re.DOTALL)
    assert tree
    for line in tree[1].splitlines():
        assert (ROOT / line.split()[0]).exists(), line
