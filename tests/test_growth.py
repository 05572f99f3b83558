"""What grows is measured as it is, and docs/performance.md shows what was measured."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from baselines.core.heads import SCHEMES, SpanHead
from baselines.core.settings import Settings
from baselines.core.tokenizer import SubwordTokenizer
from baselines.core.windows import pair_window, text_windows
from bench import registry
from bench.cli import main as cli
from bench.report.figures.speed import draw
from bench.report.formats import terminal
from bench.report.tables.speed import section
from bench.report.tables.speed_layout import SUBJECTS
from bench.runner.corpora import Corpora
from bench.speed import growth
from bench.speed.growth import StagedTraining, staged
from bench.speed.workload import Examples, full_batches, long_notes
from bench.store import speed_record as record
from bench.store.environment import environment
from bench.store.speed_record import BATCH, CORPUS, GROWTH, HEADS, LENGTH, MULTITASK, TRAINING, WARMING, Speed, Timing
from in_process import InProcess
from performance_page import FIGURES, PAGE, made
from small_bench import write_corpora
from tasks.core.errors import InputError
from tasks.core.examples import Document, Span
from tasks.core.kinds import DEV, TRAIN

TASKS = ("quaero_2014", "mednli")
SETTINGS = Settings(max_length=32, pair_max_length=32, epochs=4, span_batch=2, pair_batch=2, schedule="round_robin",
                    precision="float32")  # fmt: skip


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings take place in this process, their memory not watched."""
    monkeypatch.setattr(growth, "Worker", InProcess)


def planned(encoder: Path, source: Path | Examples, cache: Path, updates: int | None = 4) -> StagedTraining:
    return StagedTraining(
        size=1, tasks=TASKS, settings=SETTINGS, encoder=encoder, device="cpu", source=source, updates=updates,
        cache=cache, dev=True,
    )  # fmt: skip


def stages_of(against: str, base: int | None = 1_000_000) -> Speed:
    """Ten times as large at the second size, and no dearer by the unit."""
    works = ("writing", "reading", "preparing", "warming", TRAINING, "development", "second start")
    timings = tuple(
        Timing(
            arm=MULTITASK,
            work=work,
            task=task,
            size=size,
            units=1000 * size,
            tokens=1000 * size,
            seconds=((0.5 * size,),),
            peak_bytes=3_097_152,
            base_bytes=base,
        )
        for size in ((1,) if against == BATCH else (1, 10))
        for work in works
        for task in (TASKS if work == TRAINING else ("",))
    )
    return Speed(
        kind=GROWTH, subject=against, corpus="demo", encoder="minilm", tasks=TASKS, settings=Settings(),
        timings=timings, command="python -m bench speed growth", finished="2026-11-21T06:00:00Z",
        environment=environment("cpu", 1),
    )  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_window_is_taught_what_all_gold_says_of_it(tiny_encoder: Path, scheme: str) -> None:
    """Mentions over the edge of a window, around a whole window, and in fragments apart."""
    text = "the patient denies chest pain . given aspirin 50 mg daily . " * 6
    ends = [(0, 11), (4, 30), (12, 200), (60, 64), (60, 130), (340, 360)]
    gold = {Span((both,), "DISO") for both in ends} | {Span(((2, 5), (90, 95)), "CHEM")}
    note = Document("1", text, frozenset(gold))
    head = SpanHead(registry.task("quaero_2014"), 8, replace(SETTINGS, max_length=16, span_head=scheme))
    for use_gold in (True, False):
        windows = head.windows(SubwordTokenizer(tiny_encoder), note, use_gold)
        assert len(windows) > 4
        for window in windows:
            assert (window.targets == head.scheme.encode(window.offset_mapping, sorted(gold))).all()


@pytest.mark.parametrize("characters", [1, 40, 5000])
def test_a_long_note_has_just_so_many_characters_and_gold_on_its_words(tmp_path: Path, characters: int) -> None:
    write_corpora(tmp_path)
    given = long_notes(Corpora("demo", tmp_path), [registry.task("quaero_2014")], characters, 0.1)
    (note,) = given["quaero_2014", TRAIN]
    assert len(note.text) == characters
    assert {note.text[span.start : span.end] for span in note.gold} <= {"foie"}
    assert len(note.gold) == note.text.count("foie")


def test_full_batches_are_full(tmp_path: Path, tiny_encoder: Path) -> None:
    write_corpora(tmp_path)
    tasks, tokenizer = [registry.task(name) for name in TASKS], SubwordTokenizer(tiny_encoder)
    settings = replace(SETTINGS, span_batch=5, pair_batch=7)
    given = full_batches(Corpora("demo", tmp_path), tasks, settings, tiny_encoder)
    (note,), pairs = given["quaero_2014", TRAIN], given["mednli", TRAIN]
    assert [len(window.input_ids) for window in text_windows(tokenizer, note.text, 32)] == [32] * 5
    assert [len(pair_window(tokenizer, pair.first, pair.second, 32).input_ids) for pair in pairs] == [32] * 7


@pytest.mark.usefixtures("here")
def test_a_training_tells_its_stages_and_ends_when_it_has_enough(tmp_path: Path, tiny_encoder: Path) -> None:
    """The first batch of a task does not count; the corpora that were kept are found again."""
    write_corpora(tmp_path / "data", 6)
    (tmp_path / "cache").mkdir()
    asked = planned(tiny_encoder, tmp_path / "data", tmp_path / "cache")
    found = staged(asked)
    assert [(stage.work, stage.task) for stage in found] == [
        ("reading", ""), ("preparing", ""), *((name, task) for name in (WARMING, TRAINING) for task in sorted(TASKS)),
        *(("development", task) for task in TASKS),
    ]  # fmt: skip
    assert all(stage.units > 0 and stage.median_seconds > 0 for stage in found)
    assert [stage.units for stage in found if stage.work in (WARMING, TRAINING)] == [1, 1, 2, 2]
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()}
    again = staged(replace(asked, updates=0, dev=False))
    assert kept
    assert [stage.work for stage in again] == ["reading", "preparing"]
    assert kept == {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()}


@pytest.mark.usefixtures("here")
def test_a_whole_training_ends_by_itself(tmp_path: Path, tiny_encoder: Path) -> None:
    """And only its very first update is a warm-up."""
    write_corpora(tmp_path / "data")
    examples = {
        (name, split): Corpora("demo", tmp_path / "data").examples(registry.task(name), split, 0.1)[:2]
        for name in TASKS
        for split in (TRAIN, DEV)
    }
    found = staged(planned(tiny_encoder, examples, tmp_path, updates=None))
    warm, trained = ([stage for stage in found if stage.work == work] for work in (WARMING, TRAINING))
    assert sum(stage.tokens for stage in trained) > sum(stage.tokens for stage in warm) > 0
    assert {stage.task for stage in trained} == set(TASKS)


def test_a_process_of_its_own_has_memory_of_its_own(tmp_path: Path, tiny_encoder: Path) -> None:
    """And what is wrong there is the command's error."""
    write_corpora(tmp_path / "data")
    found = staged(planned(tiny_encoder, tmp_path / "data", tmp_path, updates=2))
    if not Path("/proc/self/status").exists():
        assert found[0].base_bytes is None
    else:
        assert all((stage.peak_bytes or 0) >= (stage.base_bytes or 0) > 2**20 for stage in found)
    with pytest.raises(InputError, match="no such data folder"):
        staged(planned(tiny_encoder, tmp_path / "nothing", tmp_path))


def test_a_measurement_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    assert record.read(record.write(tmp_path, stages_of(HEADS))) == stages_of(HEADS)


@pytest.mark.parametrize("against", [CORPUS, HEADS, LENGTH])
def test_what_is_flat_is_shown_as_flat(against: str) -> None:
    """Half a second for a thousand units at both sizes."""
    text = terminal.render([section(stages_of(against))])
    rows = re.findall(r"^ +10? +500 ", text, re.MULTILINE)
    assert len(rows) >= 2
    assert "2.0 MiB" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("against", record.AGAINST)
def test_the_figures_name_their_units(against: str) -> None:
    drawn = draw(stages_of(against), "svg").decode()
    for words in ["8 GB", "peak memory of the process (GB)"] if against == BATCH else [SUBJECTS[against][1]]:
        assert f">{words}<" in drawn


def test_unknown_memory_is_called_so() -> None:
    unknown = stages_of(HEADS, base=None)
    assert "unknown" in terminal.render([section(unknown)])
    assert ">unknown<" in draw(unknown, "svg").decode()


@pytest.mark.usefixtures("here")
def test_the_command_measures_and_stores(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    some = {name: registry.task(name) for name in TASKS}
    monkeypatch.setattr(registry, "tasks", lambda: some)
    write_corpora(tmp_path / "data", 6)
    monkeypatch.setattr(growth, "opened", lambda data, scale: nullcontext(Corpora("demo", tmp_path / "data")))
    monkeypatch.setitem(growth.SETTINGS, BATCH, replace(SETTINGS, epochs=1))
    words = "speed growth --scales 1 --lengths 100 --updates 2 --threads 1".split()
    assert cli.main([*words, "--encoder", str(tiny_encoder), "--results", str(tmp_path)]) == 0
    found = record.read_all(tmp_path, GROWTH)
    assert [one.subject for one in found] == sorted(record.AGAINST)
    assert found[0].command == f"python -m bench {' '.join(words)} --encoder DIR --results DIR"
    assert "Training against the number of heads" in capsys.readouterr().out


def test_the_page_is_what_the_records_say() -> None:
    """Figures too are there, and none besides: else run `tox -e page`."""
    files = made(PAGE)
    assert PAGE.read_bytes() == files.pop(PAGE.name)
    assert {f"{FIGURES}/{path.name}" for path in (PAGE.parent / FIGURES).iterdir()} == set(files)


def test_a_page_lacks_nothing_in_silence(tmp_path: Path) -> None:
    target, template = tmp_path / "page.md", tmp_path / "page.in.md"
    with pytest.raises(InputError, match=r"page\.in\.md is not there"):
        made(target)
    template.write_text("# Speed\n\n[[growth heads]]\n\nAnd so on.\n")
    with pytest.raises(InputError, match="measure with `python -m bench speed growth`"):
        made(target)
    path = record.write(tmp_path, stages_of(HEADS))
    files = made(target)
    assert re.search(r"\| +10 \| +500 \|.*[^\n]\n\nAnd so on\.", files["page.md"].decode(), re.DOTALL)
    assert f"{FIGURES}/demo-minilm-cpu-1-growth-heads.svg" in files
    path.write_text("{}")
    with pytest.raises(InputError, match=r"speed\.json is no finished measurement"):
        made(target)
    path.unlink()
    template.write_text("[[weather]]\n")
    with pytest.raises(InputError, match="no records are called 'weather'"):
        made(target)
