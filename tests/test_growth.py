"""What grows is measured as it is, and docs/performance.md shows what was measured."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest

from baselines.core.heads import SCHEMES, SpanHead
from baselines.core.settings import Settings
from baselines.core.tokenizer import SubwordTokenizer
from baselines.core.windows import pair_window, text_windows
from bench import registry
from bench.cli import main as cli
from bench.report import page
from bench.report.figures.growth import draw
from bench.report.formats import terminal
from bench.report.tables import growth as tables
from bench.runner.corpora import Corpora
from bench.speed import growth_course as course
from bench.speed import growth_measure as measure
from bench.speed import growth_watch as watch
from bench.speed.growth_course import Course, Given
from bench.speed.growth_workload import full_batches, long_notes
from bench.store import growth_record as record
from bench.store import strict_json
from bench.store.environment import environment
from bench.store.growth_record import BATCH, CORPUS, HEADS, LENGTH, TRAINING, WARMING, Growth, Point, Stage
from small_bench import write_corpora
from tasks.core.errors import InputError
from tasks.core.examples import Document, Span
from tasks.core.kinds import DEV, TRAIN

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
TASKS = ("quaero_2014", "mednli")
SETTINGS = Settings(max_length=32, pair_max_length=32, epochs=4, span_batch=2, pair_batch=2, schedule="round_robin",
                    precision="float32")  # fmt: skip


class Told:
    """The parent's end of a process: what it was told."""

    def __init__(self) -> None:
        self.all: list[Any] = []

    def send(self, told: Any) -> None:
        self.all.append(told)


def planned(encoder: Path, source: Path | Given, cache: Path, batches: int | None = 2) -> Course:
    return Course(
        tasks=TASKS, settings=SETTINGS, encoder=encoder, device="cpu", threads=1, source=source, batches=batches,
        cache=cache, develop=True,
    )  # fmt: skip


def in_process(size: int, asked: Course) -> Point:
    """A course carried out here, its memory not watched."""
    told = Told()
    course.serve(told, asked)  # type: ignore[arg-type]
    assert told.all.pop() is None
    return Point(size=size, libraries_bytes=None, stages=watch.joined(told.all[1:]))


def made_up(against: str) -> Growth:
    """Ten times as large at the second size, and no dearer by the unit."""
    names = ("writing", "reading", "preparing", "warming", TRAINING, "development", "second start")
    points = tuple(
        Point(
            size=size,
            libraries_bytes=1_000_000,
            stages=tuple(
                Stage(name=name, task=task, units=1000 * size, seconds=0.5 * size, peak_bytes=3_097_152)
                for name in names
                for task in (TASKS if name == TRAINING else ("",))
            ),
        )
        for size in (1, 10)
    )
    return Growth(
        against=against, corpus="demo", encoder="minilm", tasks=TASKS, settings=Settings(), updates=4,
        points=points[:1] if against == BATCH else points, command="python -m bench growth",
        finished="2026-11-21T06:00:00Z", environment=environment("cpu", 1),
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
    (note,) = given.examples["quaero_2014", TRAIN]
    assert len(note.text) == given.characters == characters
    assert {note.text[span.start : span.end] for span in note.gold} <= {"foie"}
    assert len(note.gold) == note.text.count("foie")


def test_full_batches_are_full(tmp_path: Path, tiny_encoder: Path) -> None:
    write_corpora(tmp_path)
    tasks, tokenizer = [registry.task(name) for name in TASKS], SubwordTokenizer(tiny_encoder)
    settings = replace(SETTINGS, span_batch=5, pair_batch=7)
    given = full_batches(Corpora("demo", tmp_path), tasks, settings, tiny_encoder)
    (note,), pairs = given.examples["quaero_2014", TRAIN], given.examples["mednli", TRAIN]
    assert [len(window.input_ids) for window in text_windows(tokenizer, note.text, 32)] == [32] * 5
    assert [len(pair_window(tokenizer, pair.first, pair.second, 32).ids) for pair in pairs] == [32] * 7


def test_a_course_tells_its_stages_and_ends_when_it_has_enough(tmp_path: Path, tiny_encoder: Path) -> None:
    """The first batch of a task does not count; the corpora that were kept are found again."""
    write_corpora(tmp_path / "data", 6)
    (tmp_path / "cache").mkdir()
    asked = planned(tiny_encoder, tmp_path / "data", tmp_path / "cache")
    point = in_process(1, asked)
    assert [(stage.name, stage.task) for stage in point.stages] == [
        ("reading", ""), ("preparing", ""), *((name, task) for name in (WARMING, TRAINING) for task in sorted(TASKS)),
        *(("development", task) for task in TASKS),
    ]  # fmt: skip
    assert all(stage.units > 0 and stage.seconds > 0 for stage in point.stages)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()}
    again = in_process(1, replace(asked, batches=0, develop=False))
    assert kept
    assert [stage.name for stage in again.stages] == ["reading", "preparing"]
    assert kept == {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()}


def test_a_whole_training_ends_by_itself(tmp_path: Path, tiny_encoder: Path) -> None:
    """And only its very first update is a warm-up."""
    write_corpora(tmp_path / "data")
    examples = {
        (name, split): Corpora("demo", tmp_path / "data").examples(registry.task(name), split, 0.1)[:2]
        for name in TASKS
        for split in (TRAIN, DEV)
    }
    point = in_process(1, planned(tiny_encoder, Given(examples=examples, characters=9), tmp_path, batches=None))
    warm, trained = point.stage(WARMING), point.stage(TRAINING)
    assert warm is not None
    assert trained is not None
    assert trained.units > warm.units
    assert {stage.task for stage in point.stages if stage.name == TRAINING} == set(TASKS)


def test_a_process_of_its_own_has_memory_of_its_own(tmp_path: Path, tiny_encoder: Path) -> None:
    write_corpora(tmp_path / "data")
    point = watch.measured(1, planned(tiny_encoder, tmp_path / "data", tmp_path, batches=1))
    if not Path("/proc/self/status").exists():
        assert point.libraries_bytes is None
        return
    assert point.libraries_bytes is not None
    assert all((stage.peak_bytes or 0) > 2**20 for stage in point.stages)


def test_an_error_of_the_process_is_the_commands(tmp_path: Path, tiny_encoder: Path) -> None:
    """What it tells is raised; one that ends in silence has run out of memory."""
    ours, theirs = Pipe()
    course.serve(theirs, planned(tiny_encoder, tmp_path, tmp_path))
    with pytest.raises(InputError, match="quaero_2014"):
        list(watch.stages(ours, None))
    theirs.close()
    with pytest.raises(InputError, match="where memory is short"):
        list(watch.stages(ours, None))


def test_a_measurement_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    path = record.write(tmp_path, made_up(HEADS))
    assert strict_json.loads(Growth, path.read_bytes()) == made_up(HEADS)


@pytest.mark.parametrize("against", [CORPUS, HEADS, LENGTH])
def test_what_is_flat_is_shown_as_flat(against: str) -> None:
    """Half a second for a thousand units at both sizes."""
    text = terminal.render([tables.section(made_up(against))])
    rows = re.findall(r"^ +10? +500 ", text, re.MULTILINE)
    assert len(rows) >= 2
    assert "2.0 MiB" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("against", record.AGAINST)
def test_the_figures_name_their_units(against: str) -> None:
    drawn = draw(made_up(against), "svg").decode()
    for words in ["8 GB", "peak memory of the process (GB)"] if against == BATCH else [tables.SHOWN[against].size]:
        assert f">{words}<" in drawn


def test_unknown_memory_is_called_so() -> None:
    whole = made_up(HEADS)
    unknown = replace(whole, points=tuple(replace(point, libraries_bytes=None) for point in whole.points))
    assert "unknown" in terminal.render([tables.section(unknown)])
    assert draw(unknown, "svg")


def test_the_command_measures_and_stores(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    some = {name: registry.task(name) for name in TASKS}
    monkeypatch.setattr(registry, "tasks", lambda: some)
    monkeypatch.setattr(measure, "measured", in_process)
    write_corpora(tmp_path / "data", 6)
    monkeypatch.setattr(measure, "opened", lambda data, scale: nullcontext(Corpora("demo", tmp_path / "data")))
    monkeypatch.setitem(measure.SETTINGS, BATCH, replace(SETTINGS, epochs=1))
    words = f"growth --scales 1 --lengths 100 --updates 2 --threads 1 --encoder {tiny_encoder} --results {tmp_path}"
    assert cli.main(words.split()) == 0
    found = [strict_json.loads(Growth, path.read_bytes()) for path in sorted(tmp_path.rglob(record.RESULT))]
    assert [one.against for one in found] == sorted(record.AGAINST)
    assert found[0].command == "python -m bench " + words.replace(str(tiny_encoder), "DIR").replace(
        str(tmp_path), "DIR"
    )
    assert "Training against the number of heads" in capsys.readouterr().out


def test_the_page_is_what_the_command_makes_of_the_records() -> None:
    """Figures too are there, and none besides."""
    files = page.made(PAGE)
    assert PAGE.read_bytes() == files.pop(PAGE.name)
    assert {f"{page.FIGURES}/{path.name}" for path in (PAGE.parent / page.FIGURES).iterdir()} == set(files)


def test_a_page_lacks_nothing_in_silence(tmp_path: Path) -> None:
    target, template = tmp_path / "page.md", tmp_path / "page.in.md"
    with pytest.raises(InputError, match=r"page\.in\.md is not there"):
        page.made(target)
    template.write_text("# Speed\n\n[[growth heads]]\n\nAnd so on.\n")
    with pytest.raises(InputError, match="measure with `python -m bench growth`"):
        page.made(target)
    path = record.write(tmp_path, made_up(HEADS))
    page.write(target)
    assert re.search(r"\| +10 \| +500 \|.*[^\n]\n\nAnd so on\.", target.read_text(), re.DOTALL)
    assert (tmp_path / page.FIGURES / "demo-minilm-cpu-1-growth-heads.svg").exists()
    path.write_text("{}")
    with pytest.raises(InputError, match=r"growth\.json is no finished measurement"):
        page.made(target)
    template.write_text("[[weather]]\n")
    with pytest.raises(InputError, match="no records are called 'weather'"):
        page.made(target)
