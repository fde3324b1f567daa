"""The plain ResNet-18 from scratch, and its features: what all arms start from."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from augment import NARROW, WIDE
from data import DEVIATION, MEAN, Rows
from errors import Code, TrainError
from network import PlainClassifier
from training import Plan, Trainer, device_of, half

EPOCHS, PEAK, SEEDS = 12, 1e-3, (1, 2, 3)
VARIATIONS = {"wide": WIDE, "narrow": NARROW}
BATCH = 64


def plan(variation: str, epochs: int) -> Plan:
    return Plan(VARIATIONS[variation], epochs, PEAK)


def normalise(grey: Tensor) -> Tensor:
    """Grey levels [B,1,H,W] in [0,1] to the network's input."""
    return ((grey - MEAN) / DEVIATION).contiguous(memory_format=torch.channels_last)


def from_raster(raster: np.ndarray) -> Tensor:
    """u8 [B,224,224] to the network's input [B,1,224,224]."""
    return normalise(torch.from_numpy(np.ascontiguousarray(raster)).float().unsqueeze(1) / 255)


def forward(model: nn.Module, grey: Tensor) -> Tensor:
    return model(normalise(grey).to(device_of(model)))


@torch.inference_mode()
def judge(model: nn.Module, rows: Rows) -> np.ndarray:
    """Logits of a split, float32 [N]; in bfloat16, for watching only."""
    model.eval()
    device, found = device_of(model), []
    for at in range(0, len(rows.raster), BATCH):
        with half(device):
            found.append(model(from_raster(rows.raster[at:at + BATCH]).to(device)).float().cpu())
    return torch.cat(found).numpy()


def checkpoint(run: Path, seed: int) -> Path:
    return run / f"backbone-{seed}.pt"


def train(run: Path, seed: int, how: Plan, train_rows: Rows, val_rows: Rows, width: int, device: str) -> None:
    torch.manual_seed(seed)
    model = PlainClassifier(width).to(device)
    Trainer(model, how, seed, checkpoint(run, seed)).run(train_rows, val_rows, forward, judge)


def load_backbone(run: Path, seed: int, width: int, epochs: int | None = None) -> PlainClassifier:
    """The averaged network on the CPU; with ``epochs``, refuses one that is not finished."""
    path = checkpoint(run, seed)
    if not path.exists():
        raise TrainError(Code.RUN_INCOMPLETE, f"{path} is not there: the step is `train`")
    state = torch.load(path, map_location="cpu")
    if epochs is not None and state["epoch"] < epochs:
        raise TrainError(Code.RUN_INCOMPLETE, f"{path} has {state['epoch']} of {epochs} epochs: the step is `train`")
    model = PlainClassifier(width)
    model.load_state_dict(state["average"])
    return model.to(memory_format=torch.channels_last).eval()
