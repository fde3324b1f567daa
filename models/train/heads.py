"""Heads on stored features: small networks that all end in the same linear classifier.

The classifier starts as the backbone's own, divided by the arm's mean factor, and learns a change to it in
standardised coordinates; weight decay acts on that change and pulls back to the start.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from network import GRIDS, PlainClassifier

# A batch by the names of what the head takes.
Batch = Mapping[str, Tensor]

BRANCH = (8, 8, 16, 16)
DRAWS_AT_TEST = 8


@dataclass(frozen=True)
class Start:
    """The backbone's classifier (weight [C], bias) and the mean and deviation [C] of the plain pooled features."""

    weight: Tensor
    bias: float
    mean: Tensor
    deviation: Tensor

    @property
    def channels(self) -> int:
        return len(self.weight)


def start_of(model: PlainClassifier, pooled: Tensor) -> Start:
    """``pooled``: plain pooled features of the train images [N,C]."""
    return Start(model.classifier.weight.detach()[0].clone(), model.classifier.bias.item(),
                 pooled.mean(dim=0), pooled.std(dim=0) + 1e-6)


class Linear(nn.Module):
    """Pooled features [B,C] and ``added`` values [B,K] to logits [B]; ``factor`` is 1 + mean attention."""

    def __init__(self, start: Start, factor: float = 1.0, added: int = 0) -> None:
        super().__init__()
        self.register_buffer("weight", start.weight / factor)
        self.register_buffer("mean", start.mean * factor)
        self.register_buffer("deviation", start.deviation * factor)
        self.bias = start.bias
        self.change = nn.Parameter(torch.zeros(start.channels + added))
        self.offset = nn.Parameter(torch.zeros(()))

    def forward(self, pooled: Tensor, added: Tensor | None = None) -> Tensor:
        channels = len(self.weight)
        standard = (pooled - self.mean) / self.deviation
        logit = pooled @ self.weight + self.bias + standard @ self.change[:channels] + self.offset
        return logit if added is None else logit + added @ self.change[channels:]

    def folded(self) -> tuple[np.ndarray, float]:
        """Weight [C+K] and bias of the same classifier as one matrix product, for export."""
        channels = len(self.weight)
        change = self.change.detach().double()
        slope = change[:channels] / self.deviation.double()
        weight = torch.cat([self.weight.double() + slope, change[channels:]])
        bias = self.bias + self.offset.item() - float(slope @ self.mean.double())
        return weight.float().numpy(), bias


class Pooled(nn.Module):
    """Features that were already weighted by a fixed map and pooled: none, constant, hash and noise arms."""

    def __init__(self, start: Start, factor: float) -> None:
        super().__init__()
        self.classifier = Linear(start, factor)

    def forward(self, batch: Batch) -> Tensor:
        return self.classifier(batch["pooled"])


class Resampled(nn.Module):
    """Attention drawn anew at each step; in use, the mean logit of a fixed number of draws."""

    def __init__(self, start: Start, bank: Tensor, seed: int) -> None:
        super().__init__()
        self.classifier = Linear(start, 1 + float(bank.mean()))
        self.register_buffer("bank", bank, persistent=False)
        self.rng = torch.Generator().manual_seed(seed)

    def once(self, features: Tensor) -> Tensor:
        drawn = self.bank[torch.randint(len(self.bank), (len(features),), generator=self.rng)]
        return self.classifier(torch.einsum("bcg,bg->bc", features, 1 + drawn) / features.shape[2])

    def forward(self, batch: Batch) -> Tensor:
        if self.training:
            return self.once(batch["features"])
        return torch.stack([self.once(batch["features"]) for _ in range(DRAWS_AT_TEST)]).mean(dim=0)


class Learned(nn.Module):
    """Attention that is a sigmoid of a 1×1 convolution of the features: what attention usually means."""

    def __init__(self, start: Start) -> None:
        super().__init__()
        self.attend = nn.Linear(start.channels, 1)
        self.classifier = Linear(start, 1.5)

    def forward(self, batch: Batch) -> Tensor:
        features = batch["features"]
        attention = torch.sigmoid(torch.einsum("bcg,c->bg", features, self.attend.weight[0]) + self.attend.bias)
        return self.classifier(torch.einsum("bcg,bg->bc", features, 1 + attention) / features.shape[2])


class Branch(nn.Module):
    """The map pyramid [B,1,g,g], finest first, to [B,16]: each level joins where the convolutions reach its size."""

    def __init__(self) -> None:
        super().__init__()
        joined = (0, *BRANCH[:-1])
        strides = (2,) * (len(GRIDS) - 1) + (1,)
        self.convs = nn.ModuleList(nn.Conv2d(before + 1, after, 3, stride, 1)
                                   for before, after, stride in zip(joined, BRANCH, strides))

    def forward(self, levels: list[Tensor]) -> Tensor:
        x: Tensor | None = None
        for conv, attention in zip(self.convs, levels, strict=True):
            x = torch.relu(conv(attention if x is None else torch.cat([x, attention], dim=1)))
        assert x is not None
        return x.mean(dim=(2, 3))


class Parallel(nn.Module):
    """Pattern C: the image's pooled features and a branch of its own for the maps, side by side in the classifier."""

    def __init__(self, start: Start) -> None:
        super().__init__()
        self.branch = Branch()
        self.classifier = Linear(start, added=BRANCH[-1])

    def forward(self, batch: Batch) -> Tensor:
        levels = [batch[f"attention{grid}"].unsqueeze(1) for grid in GRIDS]
        return self.classifier(batch["pooled"], self.branch(levels))
