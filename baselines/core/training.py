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
from baselines.core.baseline import Stopped, TrainSpec
from baselines.core.bf16_weights import Bf16Weights
from baselines.core.cached_windows import cached_dev_windows, cached_train_windows, read_ids
from baselines.core.checkpoint import TrainProgress, TrainState
from baselines.core.chunks import chunk_by_size
from baselines.core.model import MultitaskModel
from baselines.core.resources import EnergyMeter, begin_peak, keep_freed, peak_bytes
from baselines.core.schedules import Step, TaskPlan, best_epoch, epochs, lr_factor
from baselines.core.settings import Settings
from baselines.core.stats import TaskCounts, TrainStats
from baselines.core.windows import ExampleWindows, Window
from tasks.core.errors import InputError
from tasks.core.kinds import DEV, TRAIN, Task
from tasks.core.metrics.metric import Observed

TOKENS_AT_ONCE = MappingProxyType({"cpu": 4096, "cuda": 8192})
"""Tokens in one pass: a larger batch goes through in parts whose gradients add up, which bounds memory."""

KERNELS_KEPT = 512
"""Kernels that oneDNN keeps, one for each shape of a product: about as many as bucketed batches ask for. Its own limit
is 1,024, at half a MB each."""

METER_SECONDS = 10.0
"""How often energy is read: a GPU's counter takes its time, a processor's starts again after minutes."""

CHECKPOINT_SHARE = 0.05
"""The part of the time that may go into checkpoints, where they are slow."""


def train(spec: TrainSpec) -> tuple[MultitaskModel, TrainStats]:
    """Train one model on all tasks of a spec, or finish a training that was cut off."""
    begin(spec)
    trainer = Trainer(spec, MultitaskModel(spec))
    trainer.run()
    model, stats = trainer.model, trainer.progress.stats
    stats.parameters = sum(parameter.numel() for parameter in model.parameters())
    stats.weights_bytes = sum(tensor.nbytes for tensor in model.state_dict().values())
    stats.peak_memory_bytes = peak_bytes(spec.device)
    stats.precision = model.precision
    return model, stats


def begin(spec: TrainSpec) -> None:
    """Set what holds for the whole process of a training, before its model is made."""
    # oneDNN reads it when a process makes its first kernel, cuBLAS at the first product.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS_KEPT))
    if spec.device != "cpu":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # Strict: with warn_only the backward of attention stays nondeterministic.
    torch.use_deterministic_algorithms(spec.deterministic)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    keep_freed()
    begin_peak(spec.device)


class Trainer:
    """One training: its data, its plan of steps, its optimiser and its progress."""

    def __init__(self, spec: TrainSpec, model: MultitaskModel) -> None:
        self.spec, self.model, settings = spec, model, spec.settings
        self.train_windows = {task.name: _train_windows(model, spec, task) for task in spec.tasks}
        self.dev_windows = {task.name: _dev_windows(model, spec, task) for task in spec.tasks}
        if settings.word_embeddings == "frozen":
            model.encoder.freeze_word_embeddings()
        else:
            ids = [read_ids(windows) for windows in self.train_windows.values()]
            model.encoder.restrict_vocabulary(np.unique(np.concatenate(ids)))
        self.plans = {
            name: TaskPlan(name, len(windows), model.head(name).batch, settings.epochs_for(name))
            for name, windows in self.train_windows.items()
        }
        self.epochs = epochs(list(self.plans.values()), spec.seed, settings)
        self.updates = sum(map(len, self.epochs))
        self.optimiser = _optimiser(model, settings)
        self.bf16_weights = Bf16Weights(model)
        self.meter = EnergyMeter(spec.device)
        counts = {task.name: TaskCounts() for task in spec.tasks}
        joules = 0.0 if self.meter.known else None
        self.progress = TrainProgress(stats=TrainStats(task_counts=counts, energy_joules=joules))
        self.state = TrainState(model, self.optimiser, {}, self.progress)
        self.saved_at, self.save_seconds = time.perf_counter(), 0.0
        self.counted_at = self.metered_at = self.saved_at

    def run(self) -> None:
        """Train to the end, from the last checkpoint if there is one, and leave the best weights in the model."""
        if not checkpoint.load(self.spec.checkpoints, self.state):
            self.spec.say("what was kept of the unfinished training is not what was written: it begins anew")
        rates = [group["lr"] for group in self.optimiser.param_groups]
        self.model.train()
        self._begin_count()
        while self.progress.epoch < len(self.epochs):
            self._epoch(self.epochs[self.progress.epoch], rates)
            self._evaluate_and_keep_best()
            self._begin_count()
            self.progress.epoch, self.progress.step = self.progress.epoch + 1, 0
            self._save_if_due()
        if self.state.best:  # Without an epoch the weights are those it began with.
            self.model.load_state_dict(self.state.best)
        self.model.encoder.restore_vocabulary()

    def _epoch(self, steps: Sequence[Step], rates: Sequence[float]) -> None:
        total = torch.zeros((), device=self.spec.device)
        while self.progress.step < len(steps):
            for group, rate in zip(self.optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * lr_factor(self.progress.updates, self.updates, self.spec.settings)
            total += self._update(steps[self.progress.step])
            self.progress.step += 1
            self.progress.updates += 1
            self._count()
            note = f"epoch {self.progress.epoch + 1} of {len(self.epochs)}"
            try:
                self.spec.progress(self.progress.updates / self.updates, note)
            except Stopped:
                self._save()
                raise
            self._save_if_due()
        self.synchronize()
        # Looked at once in an epoch: to read a loss makes the CPU wait for the GPU.
        if not (math.isfinite(float(total)) and all(weights.isfinite().all() for weights in self.model.parameters())):
            raise InputError(
                "training diverged (loss or weights overflow): lower --encoder-lr, --head-lr or --weight-decay"
            )

    def _update(self, step: Step) -> Tensor:
        """One step of the optimiser on the summed losses of a step's batches."""
        total = torch.zeros((), device=self.spec.device)
        self.bf16_weights.refresh()
        for task, number in step:
            plan, counts = self.plans[task], self.progress.stats.task_counts[task]
            windows = [self.train_windows[task][index] for index in plan.indices(self.spec.seed, number)]
            self.model.dropout.begin(self.spec.device, self.spec.seed, task, "dropout", number)
            total += self._forward_backward(task, windows)
            counts.updates += 1
            counts.examples += len(windows)
            counts.tokens += sum(len(window.input_ids) for window in windows)
            counts.epochs = counts.examples / plan.windows
        if self.spec.settings.max_grad_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.spec.settings.max_grad_norm)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return total

    def _forward_backward(self, task: str, windows: Sequence[Window]) -> Tensor:
        """The mean loss of a batch, whose gradients are added; a large batch goes through in parts."""
        head, reads = self.model.head(task), sum(len(window.read_positions) for window in windows)
        total = torch.zeros((), device=self.spec.device)
        for part in chunk_by_size(windows, lambda window: len(window.input_ids), TOKENS_AT_ONCE[self.spec.device]):
            batch = self.model.pack(part)
            with self.bf16_weights.in_use():
                logits = self.model(task, batch)
            # The loss of a part is a mean over its read positions: weighted by them, parts add up to that of the batch.
            loss = head.loss(logits, batch.targets) * (len(batch.read_positions) / reads)
            torch.autograd.backward(loss)
            total += loss.detach()
        return total

    def _evaluate_and_keep_best(self) -> None:
        """Score the dev sets, and keep these weights if no epoch so far was better."""
        begun, stats = time.perf_counter(), self.progress.stats
        stats.dev_scores.append(
            {task.name: self.model.score(task, self.dev_windows[task.name]) for task in self.spec.tasks}
        )
        stats.best_epoch = best_epoch(stats.dev_scores)
        if stats.best_epoch == len(stats.dev_scores):
            self.state.best.update({name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()})
        stats.dev_seconds += time.perf_counter() - begun

    def synchronize(self) -> None:
        """Wait for the GPU to finish, and count that as training; within an epoch nothing else waits for it."""
        if self.spec.device != "cpu":
            torch.cuda.synchronize()
        self._count(energy=True)

    def _begin_count(self) -> None:
        """Count training from here on: what was done before is none."""
        self.meter.lap_joules()
        self.counted_at = self.metered_at = time.perf_counter()

    def _count(self, energy: bool = False) -> None:
        """Count the time since the last count, and now and then the energy."""
        now, stats = time.perf_counter(), self.progress.stats
        stats.train_seconds += now - self.counted_at
        self.counted_at = now
        if energy or now - self.metered_at > METER_SECONDS:
            stats.add_energy(self.meter.lap_joules())
            self.metered_at = now

    def _save_if_due(self) -> None:
        due = self.saved_at + max(self.spec.checkpoint_seconds, self.save_seconds / CHECKPOINT_SHARE)
        if time.perf_counter() >= due:
            self._save()

    def _save(self) -> None:
        self.synchronize()
        checkpoint.save(self.spec.checkpoints, self.state)
        self.saved_at = time.perf_counter()
        self.save_seconds = self.saved_at - self.counted_at
        self._begin_count()


def _train_windows(model: MultitaskModel, spec: TrainSpec, task: Task[Any, Any]) -> Sequence[Window]:
    """The windows of a training set, which is read only where they are not cached."""
    made = (window for example in spec.examples(task, TRAIN) for window in model.windows(task, example, use_gold=True))
    windows = cached_train_windows(made, spec.windows_file(task, TRAIN))
    if not windows:
        raise InputError(
            f"the training set of {task.name} is empty: give it a corpus that holds some, or leave the task out"
        )
    return windows


def _dev_windows(model: MultitaskModel, spec: TrainSpec, task: Task[Any, Any]) -> Iterable[ExampleWindows]:
    """The dev set with its windows; it is read only where they are not cached.

    Empty where even gold has no score, as without any mention: false positives must not beat silence.
    """
    examples = cached_dev_windows(task, model.cut(task, spec.examples(task, DEV)), spec.windows_file(task, DEV))
    gold = Observed(task.primary)
    for example, _ in examples:
        gold.add([example], [example.gold])
    return examples if math.isfinite(task.primary.value(gold.rows().sum(axis=0))) else ()


def _optimiser(model: MultitaskModel, settings: Settings) -> torch.optim.Optimizer:
    """AdamW with rates of their own for encoder and heads; biases and norms do not decay."""
    groups = []
    for part, rate in ((model.encoder, settings.encoder_lr), (model.heads, settings.head_lr)):
        for decay, matrices in ((settings.weight_decay, True), (0.0, False)):
            chosen = [parameter for parameter in part.parameters() if (parameter.ndim > 1) is matrices]
            groups.append({"params": chosen, "lr": rate, "weight_decay": decay})
    return torch.optim.AdamW(groups, fused=True)
