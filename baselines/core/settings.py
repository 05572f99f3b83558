"""Every setting of a training, and the two named profiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

SCHEDULES = ("interleaved", "round_robin", "loss_sum", "temperature")
PRECISIONS = ("auto", "float32", "bfloat16")
LR_SCHEDULES = ("linear", "constant")
SPAN_HEADS = ("flat", "nested")
WORD_EMBEDDINGS = ("trained", "frozen")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What decides how a model is trained; each result holds all of them.

    `epochs_of` holds (task, epochs) for tasks that differ from `epochs`; a training that starts from another one has
    `finetune_epochs`. Lengths are in tokens, special ones included. `max_grad_norm` 0 is no clipping. `temperature` T
    draws tasks in proportion to size ** (1 / T).
    """

    profile: str = "demo"
    epochs: int = 4
    epochs_of: tuple[tuple[str, int], ...] = ()
    finetune_epochs: int = 2
    span_batch: int = 2
    pair_batch: int = 16
    encoder_lr: float = 2e-4
    head_lr: float = 1e-3
    warmup: float = 0.2
    lr_schedule: str = "linear"
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    dropout: float = 0.1
    max_length: int = 128
    pair_max_length: int = 128
    dev_fraction: float = 0.1
    precision: str = "auto"
    span_head: str = "flat"
    word_embeddings: str = "trained"
    schedule: str = "interleaved"
    temperature: float = 2.0

    def epochs_for(self, task: str) -> int:
        """The epochs of a task's training set."""
        return dict(self.epochs_of).get(task, self.epochs)

    def finetuning(self) -> Settings:
        """The settings of a training that starts from one of these."""
        return replace(self, epochs=self.finetune_epochs, epochs_of=())


# JAMIA 28(10):2108 and its code: Adam at a constant 5e-5 for encoder and heads, 6 epochs, batches of 25 and 40, windows
# of 512 and pairs of 128 tokens. Adam without weight decay is AdamW with none. It fine-tunes nothing: those
# epochs are the fewest in the code of MT-BlueBERT (arXiv 2005.02799), which has 10 for MedNLI and up to 30 for STS.
PAPER = Settings(
    profile="paper", epochs=6, finetune_epochs=10, span_batch=25, pair_batch=40, encoder_lr=5e-5, head_lr=5e-5,
    warmup=0.0, lr_schedule="constant", weight_decay=0.0, max_grad_norm=0.0, max_length=512,
)  # fmt: skip
PROFILES = MappingProxyType({"demo": Settings(), "paper": PAPER})
