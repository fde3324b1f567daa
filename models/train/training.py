"""The loop that trains networks on images end to end: the plain backbones, and pattern B with its controls.

One loop for all, so that what is compared differs in nothing else. Every epoch writes a checkpoint, and the same
command goes on from the last one. What is kept is the exponential average of the weights. Val is watched, chooses
nothing here, and the test split is never read.
"""

import copy
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from augment import Variation, vary
from data import Rows
from errors import Code, TrainError
from metrics import auc
from progress import Bar

SIZE = 224

# Grey levels [B,1,224,224] in [0,1] to logits [B]: what a network does with images that were just varied.
Forward = Callable[[nn.Module, Tensor], Tensor]
# The network's logits of a split, as it would be served.
Judge = Callable[[nn.Module, Rows], np.ndarray]


@dataclass(frozen=True)
class Plan:
    """What is done to a network. ``peak`` is the highest learning rate of one cycle, ``average`` the decay of the
    weights' moving average, ``smoothing`` what the labels 0 and 1 give to each other together."""

    variation: Variation
    epochs: int
    peak: float
    batch: int = 32
    weight_decay: float = 0.05
    average: float = 0.995
    smoothing: float = 0.06


def learning_rate(step: int, total: int, peak: float) -> float:
    """One cycle: a linear rise over the first tenth, then a cosine to a two-hundredth of the peak."""
    rise = max(total // 10, 1)
    if step < rise:
        return peak * (step + 1) / rise
    return peak * (0.005 + 0.995 * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(total - rise, 1))))


def class_weights(label: Tensor) -> Tensor:
    """A weight per image with which both classes count alike and the mean is 1."""
    positive = label.mean()
    return torch.where(label > 0.5, 0.5 / positive, 0.5 / (1 - positive))


def device_of(model: nn.Module) -> torch.device:
    return next(model.parameters()).device


def half(device: torch.device) -> torch.autocast:
    """bfloat16 where it costs no accuracy: twice as fast on CPUs and GPUs that have it."""
    return torch.autocast(device.type, dtype=torch.bfloat16)


class Trainer:
    """One network's training; ``run`` does all epochs that are still to do."""

    def __init__(self, model: nn.Module, plan: Plan, seed: int, checkpoint: Path) -> None:
        self.model = model.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(model)
        self.plan, self.seed, self.checkpoint = plan, seed, checkpoint
        self.optimiser = torch.optim.AdamW(model.parameters(), lr=plan.peak, weight_decay=plan.weight_decay)
        self.epoch = 0
        if checkpoint.exists():
            self.resume()

    def resume(self) -> None:
        state = torch.load(self.checkpoint, map_location=device_of(self.model))
        plan = json.loads(json.dumps(asdict(self.plan)))
        # A checkpoint that names no plan was made before plans were recorded: it is taken at its word.
        if state.get("plan", plan) != plan:
            raise TrainError(Code.RUN_OTHER_PLAN, f"{self.checkpoint.name} was trained otherwise: {state['plan']}")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch = state["epoch"]

    def save(self) -> None:
        state = {"model": self.model.state_dict(), "average": self.average.state_dict(),
                 "optimiser": self.optimiser.state_dict(), "epoch": self.epoch,
                 "plan": json.loads(json.dumps(asdict(self.plan)))}
        unfinished = self.checkpoint.with_suffix(".part")
        torch.save(state, unfinished)
        os.replace(unfinished, self.checkpoint)

    def run(self, train: Rows, val: Rows, forward: Forward, judge: Judge) -> nn.Module:
        """Trains what is left and returns the averaged network."""
        while self.epoch < self.plan.epochs:
            started = time.monotonic()
            loss = self.one_epoch(train, forward)
            self.epoch += 1
            watched = round(auc(val.label, judge(self.average, val)), 5)
            record = {"epoch": self.epoch, "loss": round(loss, 4), "valAuc": watched,
                      "seconds": round(time.monotonic() - started)}
            with self.checkpoint.with_suffix(".log.jsonl").open("a") as log:
                log.write(json.dumps(record) + "\n")
            print(f"{self.checkpoint.stem} {json.dumps(record)}", flush=True)
            self.save()
        return self.average.eval()

    def one_epoch(self, train: Rows, forward: Forward) -> float:
        """Mean loss; order and variation are drawn from the seed and the epoch alone."""
        images, labels = torch.from_numpy(np.ascontiguousarray(train.raster)), torch.from_numpy(train.label)
        rng = torch.Generator().manual_seed(self.seed * 1000 + self.epoch)
        order = torch.randperm(len(labels), generator=rng)
        weight, batch = class_weights(labels), min(self.plan.batch, len(labels))
        steps = len(labels) // batch
        bar, total = Bar(f"{self.checkpoint.stem} epoch {self.epoch + 1}/{self.plan.epochs}", steps), 0.0
        self.model.train()
        torch.manual_seed(self.seed * 1000 + self.epoch)
        for step in range(steps):
            chosen = order[step * batch:(step + 1) * batch]
            grey = vary(images[chosen], rng, self.plan.variation, SIZE)
            at = self.epoch * steps + step
            total += self.one_step(grey, labels[chosen], weight[chosen], forward, at, self.plan.epochs * steps)
            bar.show(step + 1, f"loss {total / (step + 1):.4f}")
        return total / steps

    def one_step(self, grey: Tensor, label: Tensor, weight: Tensor, forward: Forward, at: int, of: int) -> float:
        device = device_of(self.model)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(at, of, self.plan.peak)
        with half(device):
            logit = forward(self.model, grey)
        target = label * (1 - self.plan.smoothing) + self.plan.smoothing / 2
        loss = F.binary_cross_entropy_with_logits(logit.float(), target.to(device), weight=weight.to(device))
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.follow(min(self.plan.average, (1 + at) / (10 + at)))
        return loss.item()

    @torch.no_grad()
    def follow(self, decay: float) -> None:
        """Moves the average towards the network; counters are copied."""
        for kept, now in zip(self.average.state_dict().values(), self.model.state_dict().values(), strict=True):
            if kept.is_floating_point():
                kept.lerp_(now, 1 - decay)
            else:
                kept.copy_(now)
