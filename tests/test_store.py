"""A result is stored whole or not at all, read strictly or not at all, and found nowhere but in its place."""

from __future__ import annotations

import errno
import io
import math
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.store import runs as store
from bench.store.atomic import Listing
from bench.store.evidence import Evidence
from bench.store.names import RunName, comparison_label, tasks_label
from bench.store.runs import Result
from killed import every_event
from made_up_results import Maker
from tasks.core.errors import InputError
from tasks.core.metrics.formulas import FORMULAS


@pytest.fixture
def stored(tmp_path: Path) -> Result:
    """A joint result in a results folder."""
    return Maker(root=tmp_path).run("multitask", ("mednli", "i2b2_2010"), 0)


def test_what_is_written_is_read_back(stored: Result, tmp_path: Path) -> None:
    (found,) = store.read_all(tmp_path)
    assert found == stored
    assert found.folder == tmp_path / "runs" / "demo-minilm" / "multitask" / "i2b2_2010+mednli" / "seed-0"
    assert store.read_evidence(found, "mednli").ids.shape == (40,)


def test_a_score_is_worked_out_from_its_evidence_and_stored_nowhere(tmp_path: Path) -> None:
    """One that is not defined is nan; null is what JSON has for a ceiling that is not."""
    flat = Maker(root=tmp_path).run("majority", ("n2c2_2019",), 0, skill=0.2)
    assert flat.folder is not None
    assert "value" not in (flat.folder / "result.json").read_text()
    assert '"ceiling": null' in (flat.folder / "result.json").read_text()
    (found,) = store.read_all(tmp_path)
    assert math.isnan(found.scores["n2c2_2019"].metrics[0].value)


def files(result: Result) -> dict[str, bytes]:
    assert result.folder is not None
    return {str(one.relative_to(result.folder)): one.read_bytes() for one in result.folder.rglob("*") if one.is_file()}


def test_a_folder_is_sealed_as_sha256sum_takes_it(stored: Result) -> None:
    """Every file that was written is in it."""
    names = {*files(stored)} - {"SHA256SUMS"}
    assert len(names) == 5
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=stored.folder, capture_output=True, text=True)
    assert (done.returncode, {line.removesuffix(": OK") for line in done.stdout.splitlines()}) == (0, names)


def read_everything(folder: Path) -> None:
    """Result, evidence and answers of a run."""
    root = folder.parents[3]
    for task in store.read(root, folder.relative_to(root)).tasks:
        with store.checksummed_file(folder, f"answers/{task}.jsonl"):
            pass


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
def test_no_flipped_bit_and_no_lost_file_is_read(stored: Result, data: st.DataObject) -> None:
    """Of result, evidence, answers and seal alike: one sentence that names the file and says what to do."""
    assert stored.folder is not None
    whole = files(stored)
    name = data.draw(st.sampled_from(sorted(whole)))
    place = data.draw(st.integers(0, len(whole[name]) * 8 - 1))
    damaged = bytearray(whole[name])
    damaged[place // 8] ^= 1 << place % 8
    if data.draw(st.booleans()):
        (stored.folder / name).write_bytes(damaged)
    else:
        (stored.folder / name).unlink()
    try:
        with pytest.raises(InputError, match=r"\(.*\): give the command that made it again, or delete") as caught:
            read_everything(stored.folder)
        assert name in str(caught.value)
    finally:
        (stored.folder / name).write_bytes(whole[name])


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.EACCES, errno.ENOMEM])
@pytest.mark.parametrize("part", ["result.json", "mednli.npz", "SHA256SUMS"])
def test_a_passing_error_of_the_system_is_no_damage(
    stored: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, part: str
) -> None:
    """It is raised as it is: a good result is never called damaged, let alone trained again."""

    def opened(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.name == part:
            raise OSError(number, os.strerror(number), str(path))
        return io.open(path, *arguments, **named)  # noqa: UP020

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(OSError, match=os.strerror(number)):
        store.read_all(tmp_path)


def test_more_tasks_than_a_name_takes_have_a_short_one_of_their_own() -> None:
    sets = (["a", "b", "c", "d"], ["d", "c", "b", "a"], ["a", "b", "c", "e"], ["a" * 80, "b" * 80])
    labels = [tasks_label(tasks) for tasks in sets]
    assert [len(label) for label in labels] == [20, 20, 20, 20]
    assert len({*labels}) == 3


PARTS = ("a", "x0.1", "x0.1-a", "a-nested", "a+nested", "nested", "A", "--", "demo", "-x1-b", "é", "a" * 300)
ENCODERS = st.one_of(
    st.sampled_from(PARTS),
    st.text(min_size=1),
    st.lists(st.sampled_from(PARTS), min_size=2).map("/".join),
    st.lists(st.sampled_from(PARTS), min_size=2).map("--".join),
)
PLAIN = st.builds(
    RunName,
    corpus=st.sampled_from(["demo", "official", "demo-x0.1", "demo-x0.10000001", "demo-x1e-05"]),
    encoder=ENCODERS,
    arm=st.sampled_from(["multitask", "multitask-loss_sum", "single_task"]),
    tasks=st.lists(st.sampled_from(["a", "b", "a_b", "ab", "c" * 80, "d"]), min_size=1, unique=True).map(tuple),
    seed=st.integers(0, 12),
    span_head=st.sampled_from(["flat", "nested"]),
)


def beside(run: RunName, start: RunName) -> RunName:
    """The start, of the same corpus, encoder, seed and span head as a plan has it."""
    return replace(start, corpus=run.corpus, encoder=run.encoder, seed=run.seed, span_head=run.span_head)


STARTED = st.builds(lambda run, start: replace(run, start=beside(run, start)), PLAIN, PLAIN)
ANY = st.builds(lambda run, start: replace(run, start=start), PLAIN, st.one_of(PLAIN, STARTED))
NAMES = st.one_of(PLAIN, STARTED, ANY)


def in_order(name: RunName) -> RunName:
    """The name with tasks in order, as they are trained."""
    return replace(name, tasks=tuple(sorted(name.tasks)), start=in_order(name.start) if name.start else None)


@given(one=NAMES, other=NAMES, starts=st.booleans())
@settings(max_examples=500)
def test_no_two_runs_share_a_path_on_any_file_system(one: RunName, other: RunName, starts: bool) -> None:
    """Nor in another letter case; and every part of it is a name that every file system takes."""
    other = replace(one, start=other.start) if starts else other
    same = in_order(one) == in_order(other)
    assert (str(one.path).lower() == str(other.path).lower()) == same
    assert all(re.fullmatch(r"[a-z0-9_.+-]{1,200}", part) for part in one.path.parts)
    assert len(one.path.parts) == 4


def test_a_path_tells_from_what_a_run_starts() -> None:
    """In words where that is a run of its seed that starts from the encoder, else with a digest, one for all seeds."""

    def label(seed: int, *arms: str) -> str:
        name = None
        for arm in arms:
            name = RunName(corpus="demo", encoder="minilm", arm=arm, tasks=tuple("edcba"), seed=seed, start=name)
        assert name is not None
        return name.path.parts[2]

    joint = tasks_label(["a", "b", "c", "d", "e"])
    assert label(0, "multitask", "tuned") == f"{joint}-from-multitask-{joint}"
    assert re.fullmatch(rf"{joint}-from-tuned-{joint}\.[0-9a-f]{{12}}", label(0, "multitask", "tuned", "again"))
    assert label(0, "multitask", "tuned", "again") == label(1, "multitask", "tuned", "again")
    assert label(0, "multitask", "tuned", "again") != label(0, "single_task", "tuned", "again")


@given(encoders=st.lists(ENCODERS, unique=True, min_size=2, max_size=2), heads=st.permutations(["flat", "nested"]))
def test_an_encoder_cannot_pass_for_corpus_or_span_head(encoders: list[str], heads: list[str]) -> None:
    """What ends or begins as one of them does is another comparison all the same."""
    labels = {
        comparison_label(corpus, one, head) for corpus in ("demo", "demo-x0.1") for one in encoders for head in heads
    }
    assert len({label.lower() for label in labels}) == 8


def test_a_result_that_lies_elsewhere_counts_once(stored: Result, tmp_path: Path) -> None:
    assert stored.folder is not None
    shutil.copytree(stored.folder, stored.folder.with_name("seed-7"))
    assert store.read_all(tmp_path) == [stored]


@pytest.mark.parametrize("dies_at", ["bench.store.runs._fill", "bench.store.atomic._sync"])
def test_a_writer_that_dies_leaves_the_older_result_and_no_litter(
    stored: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    def die(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(dies_at, die)
        with pytest.raises(KeyboardInterrupt):
            Maker(root=tmp_path).run("multitask", ("mednli", "i2b2_2010"), 0, skill=0.9)
    assert store.read_all(tmp_path) == [stored]
    assert [path.name for path in (tmp_path / "runs" / "demo-minilm" / "multitask" / "i2b2_2010+mednli").iterdir()] == [
        "seed-0"
    ]


def test_a_writer_killed_at_any_moment_loses_neither_result(stored: Result, tmp_path: Path) -> None:
    """What is read then is the older result or the newer one, whole; and the next writer leaves no litter."""
    maker, kept = Maker(root=tmp_path), tmp_path / "kept"
    assert stored.folder is not None
    shutil.copytree(stored.folder, kept)
    newer = replace(maker.run("multitask", ("mednli", "i2b2_2010"), 0, skill=0.9), folder=None)

    def before() -> None:
        shutil.rmtree(stored.folder.parent)
        shutil.copytree(kept, stored.folder)

    seen = []
    for _ in every_event(lambda: maker.run("multitask", ("mednli", "i2b2_2010"), 0, skill=0.9), before):
        (found,) = store.read_all(tmp_path)
        assert found in (stored, newer)
        seen.append(found == newer)
    assert seen == sorted(seen)
    assert 0 < sum(seen) < len(seen)
    assert [path.name for path in stored.folder.parent.iterdir()] == ["seed-0"]


def test_a_failed_renaming_leaves_what_is_finished(
    stored: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the file system refuses for a while: once it is well again, a whole result is there."""
    replace_file, calls = os.replace, []

    def failing(*arguments: Any, **named: Any) -> None:
        calls.append(arguments)
        if len(calls) > 1:
            raise OSError(errno.EIO, "Input/output error")
        replace_file(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", failing)
        with pytest.raises(OSError, match="Input/output"):
            Maker(root=tmp_path).run("multitask", ("mednli", "i2b2_2010"), 0, skill=0.9)
    (found,) = store.read_all(tmp_path)
    assert found.name == stored.name


def test_a_newer_result_takes_the_place_of_the_older(stored: Result, tmp_path: Path) -> None:
    newer = Maker(root=tmp_path).run("multitask", ("mednli", "i2b2_2010"), 0, skill=0.9)
    assert newer != stored
    assert store.read_all(tmp_path) == [newer]


def test_metrics_that_count_the_same_are_one_array_and_others_are_not(tmp_path: Path) -> None:
    """Of evidence that is read: it is packed in the same bytes."""
    maker = Maker(root=tmp_path)
    rows = maker.evidence("single_task", "i2b2_2010", 0, 0.75).rows["f1"]
    ids = np.array([f"note-{place}" for place in range(len(rows))])
    evidence = Evidence(ids, {"f1": rows, "precision": rows.copy(), "recall": rows + 1})
    result = maker.run("single_task", ("i2b2_2010",), 0)
    f1 = result.scores["i2b2_2010"].metrics[0]
    metrics = (f1, replace(f1, name="precision", formula="micro_precision"), replace(f1, name="recall"))
    score = replace(result.scores["i2b2_2010"], metrics=metrics)
    folder = maker.store(replace(result, scores={"i2b2_2010": score}), {"i2b2_2010": evidence}).folder
    assert folder is not None
    found = store.read(tmp_path / "runs", folder.relative_to(tmp_path / "runs"))
    read = found.evidence["i2b2_2010"].rows
    assert all(np.array_equal(read[name], kept) for name, kept in evidence.rows.items())
    assert read["f1"] is read["precision"] is not read["recall"]
    values = {one.name: one.value for one in found.scores["i2b2_2010"].metrics}
    sums = {name: kept.sum(axis=0) for name, kept in evidence.rows.items()}
    assert values == {one.name: float(FORMULAS[one.formula](sums[one.name], one.columns)) for one in metrics}


def test_a_listing_finds_what_is_there_and_completes_what_was_interrupted(stored: Result, tmp_path: Path) -> None:
    root, path = tmp_path / "runs", stored.name.path
    assert Listing(root).has(path)
    assert not Listing(root).has(path.with_name("seed-1"))
    assert not Listing(tmp_path / "nowhere").has(path)
    (root / path).rename(root / path.with_name(".seed-0.old"))
    assert Listing(root).has(path)
    assert (root / path).is_dir()


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
def test_no_damage_passes_unseen_where_evidence_is_not_parsed(stored: Result, data: st.DataObject) -> None:
    """As a plan reads: every file of a run is what was written, or is named."""
    assert stored.folder is not None
    root = stored.folder.parents[3]
    whole = files(stored)
    name = data.draw(st.sampled_from(sorted(whole)))
    damaged = bytearray(whole[name])
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (stored.folder / name).write_bytes(damaged)
    try:
        with pytest.raises(InputError, match="delete its run's folder") as caught:
            store.require_as_written(store.read_record(root, stored.folder.relative_to(root)))
        assert name in str(caught.value)
    finally:
        (stored.folder / name).write_bytes(whole[name])
