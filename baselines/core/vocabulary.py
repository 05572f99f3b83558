"""Word embeddings of which only the rows that training reads are trained.

V sub-words of the vocabulary, K of them that training reads, H hidden units. A row that is never read has no gradient;
leaving it out of the optimiser spares what is most of a small encoder's weights, and a tenth to a fifth of BERT-base's.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TrainableRows(nn.Module):
    """Stands in for an embedding [V, H] while it is trained: `rows` [K, H] of it are trained, the rest stays."""

    def __init__(self, whole: nn.Embedding, read: np.ndarray) -> None:
        super().__init__()
        device = whole.weight.device
        self.whole = [whole]  # In a list it is no part of this module: neither trained nor saved with it.
        self.read = torch.from_numpy(read).to(device)
        self.place = torch.zeros(whole.num_embeddings, dtype=torch.int64, device=device)
        self.place[self.read] = torch.arange(len(read), device=device)
        self.rows = nn.Parameter(whole.weight.detach()[self.read].clone())

    def forward(self, ids: Tensor) -> Tensor:
        """[...] -> [..., H]; the development split may read what training does not."""
        if self.training:
            return F.embedding(self.place[ids], self.rows)
        return F.embedding(ids, self.merged().weight)

    @torch.no_grad()
    def merged(self) -> nn.Embedding:
        """The whole embedding with the rows as they are now."""
        (whole,) = self.whole
        whole.weight[self.read] = self.rows
        return whole
