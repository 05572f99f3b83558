"""The one training loop: single task and multitask differ in the tasks they are given, and in nothing else."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from baselines.core import checkpoint
from baselines.core.baseline import TaskCounts, TrainSpec, TrainStats
from baselines.core.bf16_weights import Bf16Weights
from baselines.core.cached_windows import cached_dev_windows, cached_train_windows, read_ids
from baselines.core.checkpoint import Progress, Training
from baselines.core.chunks import chunk_by_size
from baselines.core.model import MultitaskModel
from baselines.core.resources import EnergyMeter, begin_peak, keep_freed, peak_bytes
from baselines.core.schedules import Step, TaskPlan, best_round, rate_factor, rounds
from baselines.core.settings import Settings
from baselines.core.windows import ExampleWindows, Window
from tasks.core.errors import InputError
from tasks.core.kinds import DEV, TRAIN, Task
from tasks.core.metrics import Observed

TOKENS_AT_ONCE = MappingProxyType({"cpu": 4096, "cuda": 8192})
"""Real sub-words that go through at a time: a batch of more does so in parts, so that memory does not grow with it."""

KERNELS_KEPT = 512
"""What oneDNN keeps of the kernels that it makes, one for each shape of a product: about what batches in few sizes ask
for. Its own limit is 1,024, at half a MB each."""

METER_SECONDS = 10.0
"""Energy is read so often: a GPU's counter takes its time, a processor's starts again after minutes."""

CHECKPOINT_SHARE = 0.05
"""The part of the time that may go into checkpoints, where they are dear."""


def train(job: TrainSpec) -> tuple[MultitaskModel, TrainStats]:
    """Train one model on the tasks of a job, or finish a training that was cut off."""
    begin(job)
    trainer = Trainer(job, MultitaskModel(job))
    trainer.run()
    record = trainer.progress.record
    record.parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    record.weights_bytes = sum(tensor.nbytes for tensor in trainer.model.state_dict().values())
    record.peak_memory_bytes = peak_bytes(job.device)
    record.precision = trainer.model.precision
    return trainer.model, record


def begin(job: TrainSpec) -> None:
    """Set what holds for the whole process of a training, before its model is made."""
    _make_deterministic(job)
    keep_freed()
    begin_peak(job.device)


class Trainer:
    """One training: its data, its plan of steps, its optimiser and how far it has come."""

    def __init__(self, job: TrainSpec, model: MultitaskModel) -> None:
        # It is read when a process makes its first kernel.
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS_KEPT))
        self.job, self.model = job, model
        self.data = {task.name: _data(model, job, task) for task in job.tasks}
        self.development = {task.name: _development(model, job, task) for task in job.tasks}
        if job.settings.word_embeddings == "frozen":
            model.encoder.freeze_words()
        else:
            model.encoder.restrict_vocabulary(
                np.unique(np.concatenate([read_ids(part) for part in self.data.values()]))
            )
        self.shares = {name: self._share(name, len(windows)) for name, windows in self.data.items()}
        self.rounds = rounds(list(self.shares.values()), job.seed, job.settings)
        self.updates = sum(len(steps) for steps in self.rounds)
        self.optimiser = _optimiser(model, job.settings)
        self.halves = Bf16Weights(model)
        self.meter = EnergyMeter(job.device)
        joules = 0.0 if self.meter.known else None
        self.progress = Progress(
            record=TrainStats(task_counts={task.name: TaskCounts() for task in job.tasks}, energy_joules=joules)
        )
        self.best: dict[str, Tensor] = {}
        self.saved_at, self.save_seconds = time.perf_counter(), 0.0
        self.counted_at = self.metered_at = self.saved_at

    def _share(self, task: str, windows: int) -> TaskPlan:
        return TaskPlan(task, windows, self.model.head(task).batch, self.job.settings.epochs_for(task))

    def run(self) -> None:
        """Train to the end, from the last checkpoint if there is one, and leave the chosen weights in the model."""
        if not checkpoint.load(self.job.checkpoints, self._state()):
            self.job.say("what was kept of the unfinished training is not what was written: it begins anew")
        rates = [group["lr"] for group in self.optimiser.param_groups]
        self.model.train()
        self._begin_count()
        while self.progress.round < len(self.rounds):
            self._round(self.rounds[self.progress.round], rates)
            self._evaluate_and_keep_best()
            self._begin_count()
            self.progress.round, self.progress.step = self.progress.round + 1, 0
            self._save_if_due()
        self.model.load_state_dict(self.best)
        self.model.encoder.trained()

    def _round(self, steps: Sequence[Step], rates: Sequence[float]) -> None:
        total = torch.zeros((), device=self.job.device)
        while self.progress.step < len(steps):
            for group, rate in zip(self.optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * rate_factor(self.progress.updates, self.updates, self.job.settings)
            total += self._update(steps[self.progress.step])
            self.progress.step += 1
            self.progress.updates += 1
            self._count()
            note = f"round {self.progress.round + 1} of {len(self.rounds)}"
            self.job.progress(self.progress.updates / self.updates, note)
            self._save_if_due()
        self.synchronize()
        if not (math.isfinite(float(total)) and all(weights.isfinite().all() for weights in self.model.parameters())):
            raise InputError(
                "training diverged (loss or weights overflow): lower --encoder-lr, --head-lr or --weight-decay"
            )

    def synchronize(self) -> None:
        """Wait for what a GPU has still to do, and count it as training; nothing within a round waits for it else."""
        if self.job.device != "cpu":
            torch.cuda.synchronize()
        self._count(energy=True)

    def _begin_count(self) -> None:
        """What was done up to here is no training."""
        self.meter.lap_joules()
        self.counted_at = self.metered_at = time.perf_counter()

    def _count(self, energy: bool = False) -> None:
        """Count what went into training since it was counted last: time, and now and then energy."""
        now, record = time.perf_counter(), self.progress.record
        record.train_seconds += now - self.counted_at
        self.counted_at = now
        if energy or now - self.metered_at > METER_SECONDS:
            record.add_energy(self.meter.lap_joules())
            self.metered_at = now

    def _update(self, step: Step) -> Tensor:
        """One step of the optimiser on the summed losses of a step's batches."""
        total = torch.zeros((), device=self.job.device)
        self.halves.refresh()
        for task, number in step:
            share, seen = self.shares[task], self.progress.record.task_counts[task]
            windows = [self.data[task][place] for place in share.indices(self.job.seed, number)]
            self.model.dropout.begin(self.job.device, self.job.seed, task, "dropout", number)
            total += self._forward_backward(task, windows)
            seen.updates += 1
            seen.examples += len(windows)
            seen.tokens += sum(len(window.input_ids) for window in windows)
            seen.epochs = seen.examples / share.windows
        if self.job.settings.max_grad_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.job.settings.max_grad_norm)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return total

    def _forward_backward(self, task: str, windows: Sequence[Window]) -> Tensor:
        """The mean loss of a batch, whose gradients are added; a large batch goes through in parts."""
        head, places = self.model.head(task), sum(len(window.read_positions) for window in windows)
        total = torch.zeros((), device=self.job.device)
        for part in chunk_by_size(windows, lambda window: len(window.input_ids), TOKENS_AT_ONCE[self.job.device]):
            batch = self.model.pack(part)
            with self.halves.in_use():
                logits = self.model(task, batch)
            loss = head.loss(logits, batch.targets) * (sum(batch.reads) / places)
            torch.autograd.backward(loss)
            total += loss.detach()
        return total

    def _evaluate_and_keep_best(self) -> None:
        """Score the development splits, and keep these weights if no round so far was better."""
        begun, record = time.perf_counter(), self.progress.record
        scores = {task.name: self.model.score(task, self.development[task.name]) for task in self.job.tasks}
        record.dev_scores.append(scores)
        record.best_epoch = best_round(record.dev_scores)
        if record.best_epoch == len(record.dev_scores):
            self.best.update({name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()})
        record.dev_seconds += time.perf_counter() - begun

    def _state(self) -> Training:
        return Training(self.model, self.optimiser, self.best, self.progress)

    def _save_if_due(self) -> None:
        due = self.saved_at + max(self.job.checkpoint_seconds, self.save_seconds / CHECKPOINT_SHARE)
        if time.perf_counter() < due:
            return
        self.synchronize()
        checkpoint.save(self.job.checkpoints, self._state())
        self.saved_at = time.perf_counter()
        self.save_seconds = self.saved_at - self.counted_at
        self._begin_count()


def _data(model: MultitaskModel, job: TrainSpec, task: Task[Any, Any]) -> Sequence[Window]:
    """The windows of a training set; it is read only where they are not kept."""
    made = (window for example in job.examples(task, TRAIN) for window in model.windows(task, example, use_gold=True))
    windows = cached_train_windows(made, job.kept(task, TRAIN))
    if not windows:
        raise InputError(
            f"the training set of {task.name} is empty: give it a corpus that holds some, or leave the task out"
        )
    return windows


def _development(model: MultitaskModel, job: TrainSpec, task: Task[Any, Any]) -> Iterable[ExampleWindows]:
    """The development set with its windows, cut once; it is read only where they are not kept.

    None of it where even its gold has no score: false alarms where there is nothing to find must not beat silence.
    """
    cuts, gold = (
        cached_dev_windows(model.cut(task, job.examples(task, DEV)), job.kept(task, DEV)),
        Observed(task.primary),
    )
    for example, _ in cuts:
        gold.add([example], [example.gold])
    return cuts if math.isfinite(task.primary.value(gold.rows().sum(axis=0))) else ()


def _optimiser(model: MultitaskModel, settings: Settings) -> torch.optim.Optimizer:
    """AdamW with rates of their own for encoder and heads; biases and norms do not decay."""
    groups = []
    for part, rate in ((model.encoder, settings.encoder_lr), (model.heads, settings.head_lr)):
        parameters = list(part.parameters())
        for decays in (True, False):
            chosen = [parameter for parameter in parameters if (parameter.ndim > 1) is decays]
            groups.append({"params": chosen, "lr": rate, "weight_decay": settings.weight_decay if decays else 0.0})
    return torch.optim.AdamW(groups, fused=True)


def _make_deterministic(job: TrainSpec) -> None:
    if job.device != "cpu":
        # cuBLAS reads it at the first product of a process.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # Strict: with warn_only the backward of attention stays nondeterministic.
    torch.use_deterministic_algorithms(job.deterministic)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
