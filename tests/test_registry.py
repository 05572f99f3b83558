"""Tasks and baselines are found by looking; what cannot be found or loaded is one clear sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench import registry
from tasks.core.errors import InputError
from tasks.demo.corpora import MAKERS

Plugins = Callable[..., None]


def test_every_task_and_baseline_is_found_under_the_name_of_its_file(plugins: Plugins) -> None:
    plugins()
    assert set(registry.MT_CLINICAL_BERT) == {maker.task.name for maker in MAKERS[:8]} <= set(registry.tasks())
    assert [task.name for task in registry.of_paper()] == list(registry.MT_CLINICAL_BERT)
    assert list(registry.baselines()) == ["majority", "multitask", "single_task"]


def test_an_unknown_name_lists_the_known_ones(plugins: Plugins) -> None:
    plugins()
    with pytest.raises(InputError, match="unknown baseline 'single': the known ones are majority, multitask, single"):
        registry.baseline("single")


def test_a_plugin_stands_beside_ours(plugins: Plugins) -> None:
    plugins(("alone", "small_bench:ALONE"))
    assert registry.baseline("alone").title == "each alone"
    assert registry.entry(registry.BASELINES, "alone").module == "small_bench"


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


def test_a_plugin_that_breaks_on_import_is_one_clear_sentence(
    plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_plugin.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    plugins(("broken", "broken_plugin:BASELINE"))
    with pytest.raises(InputError, match=r"'broken' cannot be loaded from broken_plugin \(ZeroDivisionError"):
        registry.baselines()
