"""Stage two: fits the pattern A head on the frozen backbone, and the control without attention alike.

    python head.py --data PRECOMPUTED --run DIR [--seed 1]

Both are logistic regressions on pooled features of the un-augmented train images, class-balanced, L2 towards
the classifier that stage one trained (scaled by the mean of 1 + attention), by L-BFGS. The strength is the one
of a fixed list with the least log-loss on val. The test split is never read here.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from attention import load_attention
from backbone import normalise
from data import load
from metrics import auc
from network import PlainClassifier

# Weight of the mean squared change of the standardised coefficients; the last ones keep stage one's classifier.
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 1000.0)


@dataclass(frozen=True)
class Linear:
    """logit = weight · pooled + bias; float32 [512] and a number."""

    weight: np.ndarray
    bias: float

    def __call__(self, pooled: np.ndarray) -> np.ndarray:
        return pooled @ self.weight + self.bias


@torch.inference_mode()
def pooled_features(model: PlainClassifier, raster: np.ndarray, attention: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of features*(1+attention) and of features alone, float32 [N,512] each."""
    attended, plain = [], []
    for start in range(0, len(raster), 32):
        x = normalise(raster[start:start + 32]).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            features = model.backbone(x).float()
        factor = 1 + torch.from_numpy(attention[start:start + 32]).unsqueeze(1)
        attended.append((features * factor).mean(dim=(2, 3)).numpy())
        plain.append(features.mean(dim=(2, 3)).numpy())
        print(f"\rfeatures {min(start + 32, len(raster))}/{len(raster)}", end="", flush=True)
    print()
    return np.concatenate(attended), np.concatenate(plain)


def balanced(label: Tensor) -> Tensor:
    positive = label.mean()
    return torch.where(label > 0.5, 0.5 / positive, 0.5 / (1 - positive))


def fit(pooled: np.ndarray, label: np.ndarray, start: Linear, strength: float) -> Linear:
    """Class-balanced logistic regression with an L2 pull towards ``start``; deterministic."""
    mean, deviation = pooled.mean(axis=0), pooled.std(axis=0) + 1e-6
    x = torch.from_numpy((pooled - mean) / deviation).double()
    y = torch.from_numpy(label).double()
    offset = torch.from_numpy(start(pooled)).double()
    change = torch.zeros(x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([change], max_iter=500, tolerance_grad=1e-8, line_search_fn="strong_wolfe")
    weight = balanced(y)

    def loss() -> Tensor:
        optimiser.zero_grad()
        logit = offset + x @ change[:-1] + change[-1]
        value = F.binary_cross_entropy_with_logits(logit, y, weight=weight) + strength * change[:-1].square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    found = change.detach().numpy()
    added = found[:-1] / deviation
    return Linear((start.weight + added).astype(np.float32), float(start.bias + found[-1] - (added * mean).sum()))


def log_loss(label: np.ndarray, logit: np.ndarray) -> float:
    y, z = torch.from_numpy(label).double(), torch.from_numpy(logit).double()
    return F.binary_cross_entropy_with_logits(z, y, weight=balanced(y)).item()


def choose(train: np.ndarray, train_label: np.ndarray, val: np.ndarray, val_label: np.ndarray,
           start: Linear) -> tuple[Linear, dict]:
    """The head with the least balanced log-loss on val, and the table it was chosen from."""
    fits = [(strength, fit(train, train_label, start, strength)) for strength in STRENGTHS]
    table = [{"strength": strength, "valLogLoss": round(log_loss(val_label, head(val)), 5),
              "valAuc": round(auc(val_label, head(val)), 5)} for strength, head in fits]
    best = min(range(len(fits)), key=lambda i: log_loss(val_label, fits[i][1](val)))
    start_auc = round(auc(val_label, start(val)), 5)
    return fits[best][1], {"strength": STRENGTHS[best], "startValAuc": start_auc, "table": table}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--run", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    args = arguments.parse_args()

    model = PlainClassifier().to(memory_format=torch.channels_last).eval()
    state = torch.load(args.run / f"backbone-{args.seed}.pt")
    model.load_state_dict(state["average"])
    weight = model.classifier.weight.detach().numpy()[0]
    bias = float(model.classifier.bias.item())

    train, val = load(args.data, "train"), load(args.data, "val")
    train_map, val_map = load_attention(args.data, train.row), load_attention(args.data, val.row)
    train_attended, train_plain = pooled_features(model, train.raster, train_map)
    val_attended, val_plain = pooled_features(model, val.raster, val_map)
    scale = float(1 + train_map.mean())
    attended, report = choose(train_attended, train.label, val_attended, val.label, Linear(weight / scale, bias))
    control, control_report = choose(train_plain, train.label, val_plain, val.label, Linear(weight, bias))

    np.savez(args.run / f"head-{args.seed}.npz", weight=attended.weight, bias=attended.bias,
             controlWeight=control.weight, controlBias=control.bias)
    summary = {"epoch": state["epoch"], "attentionMean": round(scale - 1, 5), "attention": report,
               "control": control_report}
    (args.run / f"head-{args.seed}.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(json.dumps(summary, indent=2))


if __name__ == "__main__":
    main()
