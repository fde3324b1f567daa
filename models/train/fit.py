"""Fits one head: the same budget for every arm, in seconds on a CPU.

A seed decides the bootstrap of patients, the order of minibatches, the flips and the start of added parts. Arms of one
seed see the same patients in the same order, so that their difference is the arm's.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from arms import Arm
from heads import Batch, Start
from training import class_weights, learning_rate

EPOCHS, BATCH = 10, 128


@dataclass(frozen=True)
class Setting:
    """One tuning trial. ``pull`` is the weight decay towards where the head starts."""

    rate: float
    pull: float


TRIALS = tuple(Setting(rate, pull) for rate in (3e-4, 1e-3, 3e-3) for pull in (0.1, 10.0))


@dataclass(frozen=True)
class Task:
    """One arm on one backbone: its inputs for the train images, as they are and flipped behind each other [2N],
    labels and patients [N], and where heads start."""

    arm: Arm
    inputs: Batch
    label: Tensor
    patient: np.ndarray
    start: Start


def bootstrap(patient: np.ndarray, label: np.ndarray, seed: int) -> np.ndarray:
    """Rows of as many patients as there are, drawn with replacement, both classes present; seed 0 takes all once."""
    if seed == 0:
        return np.arange(len(patient))
    rng = np.random.default_rng(seed)
    rows_of = [np.flatnonzero(patient == p) for p in np.unique(patient)]
    while True:
        rows = np.concatenate([rows_of[p] for p in rng.integers(0, len(rows_of), len(rows_of))])
        if 0 < label[rows].sum() < len(rows):
            return rows


def take(inputs: Batch, rows: Tensor) -> Batch:
    return {name: values[rows].float() for name, values in inputs.items()}


def fit(task: Task, setting: Setting, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    head = task.arm.head(task.start, task.inputs, seed).train()
    rows = torch.from_numpy(bootstrap(task.patient, task.label.numpy(), seed))
    weight = class_weights(task.label[rows])
    optimiser = torch.optim.AdamW(head.parameters(), lr=setting.rate, weight_decay=setting.pull)
    rng = torch.Generator().manual_seed(seed)
    batch = min(BATCH, len(rows))
    steps = len(rows) // batch
    for epoch in range(EPOCHS):
        order = torch.randperm(len(rows), generator=rng)
        flipped = torch.randint(2, (len(rows),), generator=rng) * len(task.label)
        for step in range(steps):
            chosen = order[step * batch:(step + 1) * batch]
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(epoch * steps + step, EPOCHS * steps, setting.rate)
            logit = head(take(task.inputs, rows[chosen] + flipped[chosen]))
            loss = F.binary_cross_entropy_with_logits(logit, task.label[rows[chosen]], weight=weight[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return head.eval()


@torch.inference_mode()
def predict(head: nn.Module, inputs: Batch, seed: int) -> np.ndarray:
    """Logits float32 [N]; what a head draws in use comes from the seed, so that the same call gives the same."""
    if hasattr(head, "rng"):
        head.rng.manual_seed(seed)
    count = len(next(iter(inputs.values())))
    return torch.cat([head(take(inputs, torch.arange(at, min(at + BATCH, count))))
                      for at in range(0, count, BATCH)]).numpy()


def log_loss(label: np.ndarray, logit: np.ndarray) -> float:
    """Class-balanced log-loss: what trials are compared by."""
    y, z = torch.from_numpy(label), torch.from_numpy(logit)
    return F.binary_cross_entropy_with_logits(z, y, weight=class_weights(y)).item()
