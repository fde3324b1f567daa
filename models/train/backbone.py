"""Stage one: trains the backbone with a plain classifier, from scratch, on the train split.

    python backbone.py --data PRECOMPUTED --out DIR [--epochs-small 8 --epochs-full 6 --seed 1]

Every epoch writes a checkpoint; the same command goes on from the last one. The first epochs see the
images at 128 pixels and the last ones at 224, which halves the time on a CPU. What is kept is the
exponential average of the weights. Val is watched, the test split is never read here.
"""

import argparse
import copy
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from data import DEVIATION, MEAN, load
from metrics import auc
from network import PlainClassifier

SMALL, FULL = 128, 224


def augment(image: Tensor, rng: torch.Generator, size: int) -> Tensor:
    """u8 [B,H,W] to normalised [B,1,size,size]: flip, small affine move, gamma, contrast, blur or noise, one erased box."""
    count = len(image)
    x = image.unsqueeze(1).float() / 255

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=rng) * (high - low) + low

    angle, zoom, stretch = uniform(-0.17, 0.17), uniform(0.82, 1.12), uniform(0.88, 1.14)
    flip = (torch.rand(count, generator=rng) < 0.5).float() * -2 + 1
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    theta = torch.stack(
        [torch.stack([cos * flip * stretch, -sin, uniform(-0.1, 0.1)], 1),
         torch.stack([sin * flip * stretch, cos, uniform(-0.1, 0.1)], 1)], 1)
    grid = F.affine_grid(theta, [count, 1, size, size], align_corners=False)
    if size < x.shape[-1]:
        x = F.interpolate(x, size=(size, size), mode="area")
    x = F.grid_sample(x, grid, padding_mode="zeros", align_corners=False)
    x = x.clamp(1e-4, 1) ** torch.exp(uniform(-0.45, 0.45)).view(-1, 1, 1, 1)
    mean = x.mean(dim=(2, 3), keepdim=True)
    x = (x - mean) * uniform(0.7, 1.35).view(-1, 1, 1, 1) + mean + uniform(-0.1, 0.1).view(-1, 1, 1, 1)
    kind = torch.rand(count, generator=rng)
    blurred = F.avg_pool2d(x, 3, 1, 1)
    x = torch.where((kind < 0.2).view(-1, 1, 1, 1), blurred, x)
    x = x + torch.randn(x.shape, generator=rng) * (uniform(0, 0.06) * (kind > 0.6)).view(-1, 1, 1, 1)
    for i in range(count):
        if torch.rand(1, generator=rng).item() < 0.3:
            box = torch.randint(size // 8, size // 3, (2,), generator=rng)
            top, left = (torch.randint(0, size - int(b), (1,), generator=rng).item() for b in box)
            x[i, :, top:top + int(box[0]), left:left + int(box[1])] = torch.rand(1, generator=rng).item()
    return (x.clamp(0, 1) - MEAN) / DEVIATION


def normalise(image: np.ndarray) -> Tensor:
    """u8 [B,224,224] to the network's input [B,1,224,224]."""
    return ((torch.from_numpy(np.ascontiguousarray(image)).float() / 255 - MEAN) / DEVIATION).unsqueeze(1)


@torch.inference_mode()
def scores(model: nn.Module, raster: np.ndarray) -> np.ndarray:
    model.eval()
    parts = []
    for start in range(0, len(raster), 64):
        x = normalise(raster[start:start + 64]).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            parts.append(model(x).float())
    return torch.cat(parts).numpy()


def learning_rate(step: int, total: int, peak: float) -> float:
    """One cycle: a linear rise over the first tenth, then a cosine to a hundredth of the peak."""
    rise = total // 10
    if step < rise:
        return peak * (step + 1) / rise
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - rise) / (total - rise))))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--epochs-small", type=int, default=8)
    arguments.add_argument("--epochs-full", type=int, default=6)
    arguments.add_argument("--batch", type=int, default=32)
    arguments.add_argument("--peak", type=float, default=1.5e-3)
    arguments.add_argument("--seed", type=int, default=1)
    args = arguments.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)

    train, val = load(args.data, "train"), load(args.data, "val")
    images, labels = torch.from_numpy(np.ascontiguousarray(train.raster)), torch.from_numpy(train.label)
    positive = float(train.label.mean())
    weight = torch.where(labels > 0.5, 0.5 / positive, 0.5 / (1 - positive))
    model = PlainClassifier().to(memory_format=torch.channels_last)
    average = copy.deepcopy(model)
    optimiser = torch.optim.AdamW(model.parameters(), lr=args.peak, weight_decay=0.05)
    epochs, steps = args.epochs_small + args.epochs_full, len(labels) // args.batch
    first = 0
    checkpoint = args.out / f"backbone-{args.seed}.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["epoch"]

    for epoch in range(first, epochs):
        rng = torch.Generator().manual_seed(args.seed * 1000 + epoch)
        size = SMALL if epoch < args.epochs_small else FULL
        order = torch.randperm(len(labels), generator=rng)
        model.train()
        started, total = time.time(), 0.0
        for step in range(steps):
            chosen = order[step * args.batch:(step + 1) * args.batch]
            x = augment(images[chosen], rng, size).contiguous(memory_format=torch.channels_last)
            target = labels[chosen] * 0.94 + 0.03
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(epoch * steps + step, epochs * steps, args.peak)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(x)
            loss = F.binary_cross_entropy_with_logits(logits.float(), target, weight=weight[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item()
            decay = min(0.995, (1 + epoch * steps + step) / (10 + epoch * steps + step))
            with torch.no_grad():
                for kept, now in zip(average.state_dict().values(), model.state_dict().values()):
                    kept.lerp_(now, 1 - decay) if kept.is_floating_point() else kept.copy_(now)
            if step % 20 == 0:
                print(f"\repoch {epoch + 1}/{epochs} at {size} px: {step}/{steps}  loss {total / (step + 1):.4f}  "
                      f"{time.time() - started:.0f} s", end="", flush=True)
        record = {"epoch": epoch + 1, "size": size, "loss": round(total / steps, 4),
                  "valAuc": round(auc(val.label, scores(average, val.raster)), 5), "seconds": round(time.time() - started)}
        print("\r" + json.dumps(record), flush=True)
        with (args.out / f"backbone-{args.seed}.log.jsonl").open("a") as log:
            log.write(json.dumps(record) + "\n")
        torch.save({"model": model.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict(),
                    "epoch": epoch + 1}, checkpoint)


if __name__ == "__main__":
    main()
