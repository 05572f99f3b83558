"""Tasks and baselines are found by looking; what cannot be found or loaded is one clear sentence."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from bench import registry
from tasks.core.errors import InputError
from tasks.core.examples import Pair
from tasks.core.kinds import Task
from tasks.core.metrics.metric import Metric
from tasks.demo.corpora import MAKERS

Plugins = Callable[..., None]


def test_every_task_and_baseline_is_found_under_the_name_of_its_file(plugins: Plugins) -> None:
    plugins()
    assert set(registry.MT_CLINICAL_BERT) == {maker.task.name for maker in MAKERS[:8]} <= set(registry.tasks())
    assert [task.name for task in registry.of_paper()] == list(registry.MT_CLINICAL_BERT)
    assert list(registry.baselines()) == ["majority", "multitask", "multitask_finetuned", "single_task"]


def test_an_unknown_name_lists_the_known_ones(plugins: Plugins) -> None:
    plugins()
    with pytest.raises(InputError, match="unknown baseline 'single': the known ones are majority, multitask, multi"):
        registry.baseline("single")


def test_a_plugin_stands_beside_ours(plugins: Plugins) -> None:
    plugins(("alone", "small_bench:ALONE"))
    assert registry.baseline("alone").title == "each alone"
    assert registry.module("baseline", "alone") == "small_bench"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("alone", "no_such_module:X", "the baseline 'alone' cannot be loaded from no_such_module"),
        ("alone", "small_bench:NOTHING", "the baseline 'alone' cannot be loaded from small_bench"),
        ("alone", "small_bench:PLANTED", "small_bench.PLANTED is no baseline named 'alone'"),
        ("alone", "small_bench:TOGETHER", "small_bench.TOGETHER is no baseline named 'alone'"),
        ("majority", "baselines.majority:BASELINE", "two baselines are called 'majority'"),
    ],
)
def test_a_plugin_that_is_none_is_one_clear_sentence(plugins: Plugins, name: str, value: str, words: str) -> None:
    plugins((name, value))
    with pytest.raises(InputError, match=words):
        registry.baselines()


def task_of(name: str, *metrics: tuple[str, str, tuple[str, ...]], labels: tuple[str, ...] = ()) -> Task[Any, Any]:
    """A task with metrics of this name, title and columns; the formula is that of accuracy."""

    made = [
        Metric(called, title, "proportion", columns, observe=lambda example, answer: (0.0, 1.0))
        for called, title, columns in metrics
    ]
    return replace(registry.task("mednli"), name=name, metrics=tuple(made), labels=labels)


TWO = ("correct", "count")


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (
            task_of("ninth", ("f1", "exact F1", TWO), ("f1", "relaxed F1", TWO)),
            "two .* called 'f1', exact F1 and relaxed",
        ),
        (task_of("ninth", ("ids", "ids", TWO)), "'ids' is no name"),
        (task_of("ninth", ("file", "file", TWO)), "'file' is no name"),
        (task_of("ninth", ("a/b", "a/b", TWO)), "'a/b' is no name"),
        (task_of("ninth", ("f1", "F1", ("a:correct", "b:count"))), "f1: its columns are not those of proportion"),
        (task_of("ninth", ("f1", "F1", (*TWO, "count"))), "f1: its columns are not those of proportion"),
        (task_of("ninth", ("f1", "F1", TWO), labels=("a", "b", "a")), "two of its labels are the same"),
        (task_of("neunte-\u00e9", ("f1", "F1", TWO)), "is no name"),
        (task_of("n" * 81, ("f1", "F1", TWO)), "is no name"),
        (task_of("MedNLI", ("f1", "F1", TWO)), "two tasks are called 'MedNLI', in tasks.mednli and ninth_plugin"),
    ],
)
def test_what_is_kept_by_name_has_one_of_its_own(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch, task: Task[Any, Any], words: str
) -> None:
    """Metrics, tasks and labels of one name would take each other's place in results: refused when they are loaded."""
    module = ModuleType("ninth_plugin")
    module.TASK = task  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ninth_plugin", module)
    plugins((task.name, "ninth_plugin:TASK"), kind="task")
    with pytest.raises(InputError, match=words) as caught:
        registry.tasks()
    assert "\n" not in str(caught.value)


class Sentence(NamedTuple):
    id: str
    text: str


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"kind": "pair/2"}, "its kind Further is called 'pair/2', which is no name"),
        ({"example_type": Sentence}, "its kind Further has Sentence for examples, which is no dataclass with an id"),
        ({"head": "baselines.core.heads"}, "its kind Further has the head 'baselines.core.heads', which is no class"),
        ({"head": "no_such_module.heads:Head"}, "its kind Further has the head 'no_such_module.heads:Head', which"),
        ({"head": None, "pipeline": None}, "its kind Further says no head and no pipeline"),
    ],
)
def test_a_plugin_whose_kind_is_none_is_one_clear_sentence(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch, variables: dict[str, Any], words: str
) -> None:
    """Said when it is loaded, not once something asks for it; what has no method that it must have cannot be made."""
    known: dict[str, Any] = {"kind": "further", "example_type": Pair, "head": "baselines.core.heads:PairHead"}
    known |= {"pipeline": "text-classification", "train_characters": lambda task, example: 1} | variables
    kind = type("Further", (Task,), {name: value for name, value in known.items() if value is not None})
    mednli = registry.task("mednli")
    module = ModuleType("further_plugin")
    given = {field.name: getattr(mednli, field.name) for field in fields(mednli)}
    module.TASK = kind(**given | {"name": "further"})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "further_plugin", module)
    plugins(("further", "further_plugin:TASK"), kind="task")
    with pytest.raises(InputError, match=re.escape(words)):
        registry.tasks()
    with pytest.raises(TypeError, match="train_characters"):
        type("Lacking", (Task,), {})(**given)


def test_a_plugin_that_breaks_on_import_is_one_clear_sentence(
    plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_plugin.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    plugins(("broken", "broken_plugin:BASELINE"))
    with pytest.raises(InputError, match=r"'broken' cannot be loaded from broken_plugin \(ZeroDivisionError"):
        registry.baselines()
