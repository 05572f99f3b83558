"""The joint encoder of the multitask model, fine-tuned for each task alone: MT-BlueBERT (arXiv 2005.02799)."""

from __future__ import annotations

from baselines.core.baseline import Baseline
from baselines.multitask import train

BASELINE = Baseline(
    name="multitask_finetuned",
    title="the multitask model, fine-tuned for each task",
    joint=False,
    needs_encoder=True,
    start="multitask",
    train=train,
)
