"""The laws of training: what a run depends on, and what it does not."""

from __future__ import annotations

import errno
import gc
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

from baselines.core import checkpoint
from baselines.core.baseline import TrainSpec
from baselines.core.ceiling import ceiling
from baselines.core.hub import PACKABLE
from baselines.core.rng import Dropout, DropoutRng
from baselines.core.schedules import best_epoch, lr_factor
from baselines.core.settings import SCHEDULES, SPAN_HEADS, WORD_EMBEDDINGS, Settings
from baselines.core.training import Trainer, train
from conftest import make_encoder
from tasks.core.errors import InputError
from tasks.core.examples import Document, Pair, Span
from tasks.core.kinds import PairTask, SimilarityTask, Source, SpanTask, Task
from tasks.core.metrics.pairs import ACCURACY, PEARSON
from tasks.core.metrics.spans import exact_f1

WORDS = ["the", "patient", "was", "seen", "in", "clinic", "denies", "chest", "pain", "given", "aspirin", "daily"]
SOURCE = Source(licence="", url="", citation="", files={}, sizes={})
SMALL = Settings(epochs=2, span_batch=4, pair_batch=4, max_length=24, pair_max_length=24, precision="float32")


def unread(*_: Any) -> Any:
    raise AssertionError("these tasks have no files")


def key(example: Any) -> str:
    return str(example.id)


PARTS: dict[str, Any] = {"source": SOURCE, "read": unread, "write": unread, "group": key}
SPANS = SpanTask(name="spans", title="", labels=("problem", "drug"), metrics=(exact_f1(("problem", "drug")),), **PARTS)
CLASSES = PairTask(name="classes", title="", labels=("no", "yes"), metrics=(ACCURACY,), **PARTS)
SCORES = SimilarityTask(name="scores", title="", labels=(), metrics=(PEARSON,), scale=(0.0, 5.0), **PARTS)
TASKS = (SPANS, CLASSES, SCORES)


def document(number: int, words: list[str]) -> Document:
    text, gold = "", set()
    for word in words:
        if word in ("pain", "aspirin"):
            gold.add(Span(((len(text), len(text) + len(word)),), "problem" if word == "pain" else "drug"))
        text += word + " "
    return Document(str(number), text, frozenset(gold))


def examples(task: Task[Any, Any], split: str) -> Sequence[Any]:
    """Twenty examples that a small encoder can learn something from."""
    draw = random.Random(f"{task.name}:{split}")
    sentences = [draw.choices(WORDS, k=12) for _ in range(20)]
    if isinstance(task, SpanTask):
        return [document(number, words) for number, words in enumerate(sentences)]
    pairs = [(str(n), " ".join(words[:6]), " ".join(words[6:])) for n, words in enumerate(sentences)]
    if isinstance(task, PairTask):
        return [Pair(*pair, gold="yes" if "pain" in pair[1] else "no") for pair in pairs]
    return [Pair(*pair, gold=5.0 * len(set(pair[1].split()) & set(pair[2].split())) / 6) for pair in pairs]


def spec(tmp_path: Path, encoder: Path, tasks: Sequence[Task[Any, Any]], **changes: Any) -> TrainSpec:
    fields: dict[str, Any] = {
        "seed": 0,
        "settings": SMALL,
        "progress": lambda fraction, note: None,
        "checkpoint_seconds": 1e9,
    }
    return TrainSpec(
        tasks=tuple(tasks), examples=examples, encoder=encoder, device="cpu", checkpoints=tmp_path, **(fields | changes)
    )  # fmt: skip


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_two_identical_trainings_give_bitwise_identical_weights(tmp_path: Path, tiny_encoder: Path) -> None:
    first, second = (train(spec(tmp_path, tiny_encoder, TASKS))[0] for _ in range(2))
    assert same(weights(first), weights(second))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("span_head", SPAN_HEADS)
def test_one_task_multitask_equals_single_task_bit_for_bit(
    tmp_path: Path, tiny_encoder: Path, task: Task[Any, Any], schedule: str, span_head: str
) -> None:
    from baselines.multitask import BASELINE as MULTITASK
    from baselines.single_task import BASELINE as SINGLE_TASK

    settings = replace(SMALL, schedule=schedule, span_head=span_head)
    alone, _ = SINGLE_TASK.train(spec(tmp_path, tiny_encoder, [task], settings=replace(SMALL, span_head=span_head)))
    joint, _ = MULTITASK.train(spec(tmp_path, tiny_encoder, [task], settings=settings))
    assert same(weights(alone), weights(joint))
    assert alone.predict(task, examples(task, "test")) == joint.predict(task, examples(task, "test"))


@pytest.mark.parametrize("kind", [*PACKABLE, "mpnet"])
def test_nothing_of_a_training_outlives_it(tmp_path: Path, kind: str) -> None:
    """Its memory is free at once, on a GPU too: no circle of references holds a tensor or a module of it."""
    folder = make_encoder(tmp_path / kind, kind)
    gc.collect()
    gc.disable()
    try:
        before = _held()
        train(spec(tmp_path, folder, [SPANS], settings=replace(SMALL, epochs=1, precision="bfloat16")))
        assert _held() == before
    finally:
        gc.enable()


def _held() -> int:
    """How many tensors and modules are alive, collected or not."""
    return sum(issubclass(type(one), (torch.Tensor, torch.nn.Module)) for one in gc.get_objects())


def test_a_head_begins_the_same_alone_and_in_company(tmp_path: Path, tiny_encoder: Path) -> None:
    from baselines.core.model import MultitaskModel

    alone, company = (MultitaskModel(spec(tmp_path, tiny_encoder, tasks)) for tasks in ([SPANS], TASKS))
    assert same(weights(alone.heads["spans"]), weights(company.heads["spans"]))


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the engine may catch it."""


@pytest.mark.parametrize("at", [1, 7, 15, 16, 17, 29])
def test_a_killed_training_goes_on_to_the_same_bits(tmp_path: Path, tiny_encoder: Path, at: int) -> None:
    """Killed after any update, in either epoch, it ends with the weights, scores and counts of one never killed."""
    whole, stats = train(spec(tmp_path / "whole", tiny_encoder, TASKS))
    calls = 0

    def kill(fraction: float, note: str) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise Killed

    with pytest.raises(Killed):
        train(spec(tmp_path / "killed", tiny_encoder, TASKS, progress=kill, checkpoint_seconds=0))
    resumed, after = train(spec(tmp_path / "killed", tiny_encoder, TASKS))
    assert same(weights(whole), weights(resumed))
    assert (after.dev_scores, after.task_counts, after.best_epoch) == (
        stats.dev_scores,
        stats.task_counts,
        stats.best_epoch,
    )


@pytest.fixture(scope="module")
def cut_short(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> tuple[bytes, dict[str, torch.Tensor]]:
    """The last checkpoint of a training that was killed, and the weights that it ends with."""
    folder = tmp_path_factory.mktemp("cut")
    with pytest.raises(Killed):
        train(spec(folder, tiny_encoder, [SPANS], progress=_killed_late, checkpoint_seconds=0))
    return (folder / checkpoint.FILE).read_bytes(), weights(train(spec(folder, tiny_encoder, [SPANS]))[0])


def _killed_late(fraction: float, note: str) -> None:
    if fraction > 0.8:
        raise Killed


def damaged(data: bytes, draw: random.Random) -> bytes:
    """A checkpoint with a bit flipped, anywhere or among the names and counts at its head, or with its end cut off."""
    head = int.from_bytes(data[:8], "little") + 8
    place = draw.randrange(draw.choice((8, head, len(data))))
    if draw.random() < 0.2:
        return data[:place]
    return data[:place] + bytes([data[place] ^ 1 << draw.randrange(8)]) + data[place + 1 :]


def test_whatever_is_changed_in_a_checkpoint_is_seen(
    tmp_path: Path, tiny_encoder: Path, cut_short: tuple[bytes, dict[str, torch.Tensor]]
) -> None:
    """A flipped bit among the weights must not train on to other weights, nor one among counts to a traceback."""
    asked, model = _begun(tmp_path, tiny_encoder, [SPANS])
    trainer, before, draw = Trainer(asked, model), weights(model), random.Random(0)
    for _ in range(200):
        (tmp_path / checkpoint.FILE).write_bytes(damaged(cut_short[0], draw))
        assert not checkpoint.load(tmp_path, trainer.state)
    assert same(weights(model), before)
    assert trainer.progress.updates == 0


@pytest.mark.parametrize("change", [(b'step\\": ', b'step\\":-'), (b'"digest"', b'"dig_st"')])
def test_a_damaged_checkpoint_begins_anew_and_says_so(
    tmp_path: Path, tiny_encoder: Path, cut_short: tuple[bytes, dict[str, torch.Tensor]], change: tuple[bytes, bytes]
) -> None:
    data, whole = cut_short
    assert change[0] in data
    (tmp_path / checkpoint.FILE).write_bytes(data.replace(*change, 1))
    said: list[str] = []
    again, _ = train(spec(tmp_path, tiny_encoder, [SPANS], say=said.append))
    assert same(weights(again), whole)
    assert said == ["what was kept of the unfinished training is not what was written: it begins anew"]


def full_safetensors(tensors: object, path: Path, metadata: object) -> None:
    path.write_bytes(b"half a state")
    raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")


def full_system(handle: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("name", "full"), [("save_file", full_safetensors), ("os.fsync", full_system)])
def test_a_disk_that_fills_at_a_checkpoint_leaves_the_one_before(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, name: str, full: Callable[..., None]
) -> None:
    whole, _ = train(spec(tmp_path / "whole", tiny_encoder, [SPANS]))
    folder = tmp_path / "full"
    monkeypatch.setattr("baselines.core.training.CHECKPOINT_SHARE", 1e9)  # A slow disk must not put off the second.

    def fill(fraction: float, note: str) -> None:
        if (folder / checkpoint.FILE).exists():
            monkeypatch.setattr(f"baselines.core.checkpoint.{name}", full)

    with pytest.raises(OSError, match="No space left") as caught:
        train(spec(folder, tiny_encoder, [SPANS], progress=fill, checkpoint_seconds=0))
    assert caught.value.errno == errno.ENOSPC
    assert [path.name for path in folder.iterdir()] == [checkpoint.FILE]
    monkeypatch.undo()
    resumed, _ = train(spec(folder, tiny_encoder, [SPANS]))
    assert same(weights(whole), weights(resumed))


def test_what_a_kill_left_half_written_is_removed(tmp_path: Path, tiny_encoder: Path) -> None:
    """safetensors writes to a hidden file beside the one it is asked for."""
    (tmp_path / ".tmpA1b2C3").write_bytes(b"half a state")
    train(spec(tmp_path, tiny_encoder, [SPANS]))
    assert list(tmp_path.iterdir()) == []


def test_training_moves_the_encoder_and_every_head(tmp_path: Path, tiny_encoder: Path) -> None:
    """The papers' code left the heads out of the optimiser: they stayed at their random start."""
    asked, model = _begun(tmp_path, tiny_encoder)
    before = weights(model)
    trainer = Trainer(asked, model)
    trainer.run()
    after = weights(trainer.model)
    still = {name for name in before if torch.equal(before[name], after[name])}
    assert not {name for name in still if "position" not in name and "token_type" not in name}


def test_training_the_rows_that_are_read_is_training_all_rows(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit where nothing but gradients moves a row; the rows that nobody reads stay as they were."""
    from baselines.core.encoder import SharedEncoder

    plain = replace(SMALL, weight_decay=0.0, max_grad_norm=0.0)
    some, _ = train(spec(tmp_path, tiny_encoder, TASKS, settings=plain))
    monkeypatch.setattr(SharedEncoder, "restrict_vocabulary", lambda self, read: None)
    monkeypatch.setattr(SharedEncoder, "restore_vocabulary", lambda self: None)
    everything, _ = train(spec(tmp_path, tiny_encoder, TASKS, settings=plain))
    assert same(weights(some), weights(everything))


@pytest.mark.parametrize("kind", [*PACKABLE, "mpnet"])
def test_frozen_word_embeddings_do_not_tell_what_was_read(tmp_path: Path, kind: str) -> None:
    """Each row stays as the encoder had it, to the bit; trained, those that differ are just the tokens read."""
    from baselines.core.cached_windows import read_ids
    from baselines.core.model import MultitaskModel

    folder = make_encoder(tmp_path / kind, kind)
    moved: dict[str, list[int]] = {}
    for word_embeddings in WORD_EMBEDDINGS:
        asked = spec(tmp_path, folder, [SPANS], settings=replace(SMALL, epochs=1, word_embeddings=word_embeddings))
        trainer = Trainer(asked, MultitaskModel(asked))
        before = MultitaskModel(asked).encoder.model.get_input_embeddings().weight
        trainer.run()
        after = trainer.model.encoder.model.get_input_embeddings().weight
        moved[word_embeddings] = (before != after).any(1).nonzero().flatten().tolist()
    assert moved["frozen"] == []
    assert set(moved["trained"]) == set(read_ids(trainer.train_windows["spans"])) - {0}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_training_is_what_a_plain_loop_does(tmp_path: Path, tiny_encoder: Path, task: Task[Any, Any]) -> None:
    """Nothing that makes it fast shows: padded batches, one optimiser over all and the usual schedule, written out with
    torch and transformers alone, end at the same weights."""
    from transformers import AutoModel

    from baselines.core.model import MultitaskModel
    from baselines.core.schedules import TaskPlan
    from bench.speed.trainer import InOurOrder

    def padded(rows: Sequence[np.ndarray]) -> torch.Tensor:
        return torch.nn.utils.rnn.pad_sequence([torch.from_numpy(row) for row in rows], batch_first=True)

    settings = replace(SMALL, epochs=3, encoder_lr=1e-3, head_lr=1e-3, dropout=0.0, warmup=0.0)
    asked = spec(tmp_path, tiny_encoder, [task], settings=settings)
    start = MultitaskModel(asked)
    windows = [window for example in examples(task, "train") for window in start.windows(task, example, use_gold=True)]
    order = InOurOrder(TaskPlan(task.name, len(windows), 4, settings.epochs), asked.seed)
    encoder, head = AutoModel.from_pretrained(tiny_encoder), start.head(task.name).layer
    encoder.pooler = None
    plain = torch.nn.ModuleList([encoder.eval(), head])
    decays, rests = ([one for one in plain.parameters() if (one.ndim > 1) is many] for many in (True, False))
    optimiser = torch.optim.AdamW([{"params": decays}, {"params": rests, "weight_decay": 0.0}], lr=1e-3)
    batches = [batch for _ in range(settings.epochs) for batch in torch.tensor(list(order)).split(4)]
    for done, batch in enumerate(batches):
        some = [windows[number] for number in batch.tolist()]
        ids, segments, real = (
            padded(rows)
            for rows in zip(
                *((one.input_ids, one.token_type_ids, np.ones_like(one.input_ids)) for one in some), strict=True
            )
        )
        hidden = encoder(input_ids=ids, token_type_ids=segments, attention_mask=real).last_hidden_state
        read = torch.cat([row[one.read_positions] for row, one in zip(hidden, some, strict=True)])
        targets = torch.from_numpy(np.concatenate([one.targets for one in some]))
        start.head(task.name).loss(head(read), targets).backward()
        torch.nn.utils.clip_grad_norm_(plain.parameters(), settings.max_grad_norm)
        for group in optimiser.param_groups:
            group["lr"] = 1e-3 * (len(batches) - done) / len(batches)
        optimiser.step()
        optimiser.zero_grad()

    ours = Trainer(asked, MultitaskModel(asked))
    ours.dev_windows = {task.name: []}
    ours.run()
    assert ours.progress.updates == len(batches) == 15
    expected = [*weights(encoder).values(), *weights(head).values()]
    found = [*weights(ours.model.encoder).values(), *weights(ours.model.heads).values()]
    assert all(torch.allclose(*both, rtol=0, atol=1e-5) for both in zip(found, expected, strict=True))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("span_head", SPAN_HEADS)
def test_a_batch_in_parts_teaches_what_the_whole_batch_does(
    tmp_path: Path, tiny_encoder: Path, task: Task[Any, Any], span_head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from baselines.core import training
    from baselines.core.model import MultitaskModel

    asked = spec(tmp_path, tiny_encoder, [task], settings=replace(SMALL, dropout=0.0, span_head=span_head))
    trainer = Trainer(asked, MultitaskModel(asked))
    found = []
    for most in (10_000, 30):
        monkeypatch.setattr(training, "TOKENS_AT_ONCE", {"cpu": most})
        trainer.optimiser.zero_grad()
        loss = trainer._forward_backward(task.name, list(trainer.train_windows[task.name][:9]))
        found.append(
            (loss, torch.cat([one.grad.flatten() for one in trainer.model.parameters() if one.grad is not None]))
        )
    (whole, gradient), (parts, summed) = found
    assert torch.allclose(whole, parts, rtol=1e-5)
    assert torch.allclose(gradient, summed, atol=1e-5 * float(gradient.abs().max()))


def _begun(tmp_path: Path, encoder: Path, tasks: Sequence[Task[Any, Any]] = TASKS) -> tuple[TrainSpec, Any]:
    from baselines.core.model import MultitaskModel

    asked = spec(tmp_path, encoder, tasks)
    return asked, MultitaskModel(asked)


def test_training_learns(tmp_path: Path, tiny_encoder: Path) -> None:
    """On mentions that two words give away, a few epochs are enough to find them all."""
    settings = replace(SMALL, epochs=12, encoder_lr=3e-3, head_lr=1e-2)
    model, _ = train(spec(tmp_path, tiny_encoder, [SPANS], settings=settings))
    assert model.score(SPANS, model.cut(SPANS, examples(SPANS, "test"))) > 0.9


def test_the_best_epoch_is_the_best_on_the_dev_set(tmp_path: Path, tiny_encoder: Path) -> None:
    settings = replace(SMALL, epochs=5, encoder_lr=3e-3)
    model, stats = train(spec(tmp_path, tiny_encoder, TASKS, settings=settings))
    means = [np.mean(list(scores.values())) for scores in stats.dev_scores]
    means = [mean if np.isfinite(mean) else -1.0 for mean in means]
    assert stats.best_epoch == max(range(5), key=lambda number: (means[number], number)) + 1
    chosen = stats.dev_scores[stats.best_epoch - 1]
    assert {task.name: model.score(task, model.cut(task, examples(task, "dev"))) for task in TASKS} == chosen


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [([0.5, 0.9, 0.9, 0.1], 3), ([np.nan, np.nan, np.nan, np.nan], 4), ([np.nan, 0.2, np.nan, 0.1], 2)],
)
def test_of_equal_epochs_the_later_is_chosen(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, scores: list[float], chosen: int
) -> None:
    from baselines.core.model import MultitaskModel

    said = iter(scores)
    monkeypatch.setattr(MultitaskModel, "score", lambda *_: next(said))
    _, stats = train(spec(tmp_path, tiny_encoder, [CLASSES], settings=replace(SMALL, epochs=4)))
    assert stats.best_epoch == chosen


def without_mentions(task: Task[Any, Any], split: str) -> Sequence[Any]:
    """Development splits in which there is nothing to find, and in which all scores are alike."""
    found = examples(task, split)
    if split != "dev" or task is CLASSES:
        return found
    return [replace(one, gold=frozenset() if task is SPANS else 2.5) for one in found]


@pytest.mark.parametrize("tasks", [TASKS, (SPANS,), (SCORES,)], ids=len)
def test_a_task_without_a_dev_score_has_no_say(
    tmp_path: Path, tiny_encoder: Path, tasks: Sequence[Task[Any, Any]]
) -> None:
    """The others choose, alone it keeps its last epoch: false alarms that come and go are never better than silence."""
    given = replace(spec(tmp_path, tiny_encoder, tasks, settings=replace(SMALL, epochs=4)), examples=without_mentions)
    _, stats = train(given)
    undefined = [name for name in stats.task_counts if all(np.isnan(scores[name]) for scores in stats.dev_scores)]
    assert undefined == [task.name for task in tasks if task is not CLASSES]
    classes = [scores.get("classes", 0.0) for scores in stats.dev_scores]
    assert stats.best_epoch == max(range(4), key=lambda number: (classes[number], number)) + 1


NONE = float("nan")


@pytest.mark.parametrize(
    ("dev_scores", "chosen"),
    [
        ([{"a": NONE, "b": 0.9}, {"a": NONE, "b": 0.2}], 1),
        ([{"a": 0.1, "b": 0.1}, {"a": NONE, "b": 0.9}], 1),
        ([{"a": -0.5}, {"a": NONE}], 1),
        ([{"a": NONE}, {"a": -0.5}, {"a": NONE}], 2),
        ([{"a": NONE, "b": 0.3}, {"a": 0.8, "b": NONE}, {"a": NONE, "b": 0.2}], 2),
        ([{"a": NONE}, {"a": NONE}], 2),
    ],
)
def test_an_epoch_in_which_a_score_is_undefined_loses_to_one_in_which_it_is_not(
    dev_scores: list[dict[str, float]], chosen: int
) -> None:
    """As where all answers are alike once, and Pearson's r has no value; what has none in any epoch decides nothing."""
    assert best_epoch(dev_scores) == chosen


def test_what_a_task_saw_is_what_its_own_training_saw(tmp_path: Path, tiny_encoder: Path) -> None:
    _, joint = train(spec(tmp_path, tiny_encoder, TASKS))
    for task in TASKS:
        _, alone = train(spec(tmp_path, tiny_encoder, [task]))
        assert joint.task_counts[task.name] == alone.task_counts[task.name]
        assert joint.task_counts[task.name].epochs == SMALL.epochs


def test_answers_do_not_depend_on_their_company(tmp_path: Path, tiny_encoder: Path) -> None:
    model, _ = train(spec(tmp_path, tiny_encoder, TASKS))
    for task in (SPANS, CLASSES):
        asked = examples(task, "test")
        assert model.predict(task, asked) == [model.predict(task, [example])[0] for example in asked]


def test_perfect_tags_say_gold_but_for_a_mention_that_cannot_be_tagged(tiny_encoder: Path) -> None:
    """The ceiling is the recall of that; where nothing is lost, or there is nothing to be found, there is none."""
    plain = Document("1", "chest pain seen", frozenset({Span(((0, 10),), "problem")}))
    nested = Document("2", "chest pain seen", frozenset({Span(((0, 10),), "problem"), Span(((6, 10),), "drug")}))
    assert ceiling(SPANS, [plain, nested], tiny_encoder, SMALL) == 2 / 3
    assert ceiling(SPANS, [plain, nested], tiny_encoder, replace(SMALL, span_head="nested")) == 1.0
    assert ceiling(SPANS, [Document("1", "", frozenset())], tiny_encoder, SMALL) is None
    assert ceiling(CLASSES, examples(CLASSES, "test"), tiny_encoder, SMALL) is None


def test_a_similarity_answer_stays_on_its_scale(tmp_path: Path, tiny_encoder: Path) -> None:
    model, _ = train(spec(tmp_path, tiny_encoder, [SCORES]))
    head = model.heads["scores"]
    assert head.decode_windows([], np.array([[-3.0], [0.5], [9.0]])) == [0.0, 2.5, 5.0]


def test_a_training_that_diverges_is_one_clear_sentence(tmp_path: Path, tiny_encoder: Path) -> None:
    with pytest.raises(InputError, match="diverged"):
        train(
            spec(
                tmp_path, tiny_encoder, TASKS, settings=replace(SMALL, encoder_lr=1e30, head_lr=1e30, max_grad_norm=0.0)
            )
        )


def test_windows_longer_than_the_encoder_takes_are_refused(tmp_path: Path, tiny_encoder: Path) -> None:
    with pytest.raises(InputError, match="lower --max-length"):
        train(spec(tmp_path, tiny_encoder, [SPANS], settings=replace(SMALL, max_length=512)))


def test_scoring_and_saving_are_no_training(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may take long: what counts as training does not grow with them."""
    save, score = checkpoint.save, Trainer._evaluate_and_keep_best
    monkeypatch.setattr(checkpoint, "save", lambda *given: (time.sleep(0.05), save(*given)))
    monkeypatch.setattr(Trainer, "_evaluate_and_keep_best", lambda *given: (time.sleep(1), score(*given)))
    begun = time.perf_counter()
    _, stats = train(spec(tmp_path, tiny_encoder, [CLASSES], checkpoint_seconds=0.0))
    assert 0 < stats.train_seconds < time.perf_counter() - begun - 2


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    source = DropoutRng()
    source.begin("cpu", 0, "a")
    ones = torch.ones(400, 400)
    dropped = Dropout(0.25, source)(ones)
    assert float((dropped == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert float(dropped.mean()) == pytest.approx(1.0, abs=0.01)
    source.begin("cpu", 0, "a")
    assert torch.equal(Dropout(0.25, source)(ones), dropped)


def test_rates_warm_up_then_decay_to_nothing() -> None:
    settings = replace(SMALL, warmup=0.1)
    factors = [lr_factor(update, 100, settings) for update in range(100)]
    assert max(factors) == pytest.approx(1.0, abs=0.01)
    assert factors[:10] == sorted(factors[:10])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[-1] == pytest.approx(0.0, abs=0.02)
    assert lr_factor(99, 100, replace(settings, lr_schedule="constant")) == 1.0
