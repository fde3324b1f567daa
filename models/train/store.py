"""Features of a frozen backbone, stored once as float16 [N,512,7,7]: every arm's head is trained on the same numbers.

Train is stored as it is and flipped left to right; val and test as they are. float32 arithmetic, so that the figures
do not hang on a CPU's half-precision units.
"""

import os
from pathlib import Path

import numpy as np
import torch

from backbone import BATCH, from_raster
from data import Rows
from network import PlainClassifier
from progress import Bar

FLIPPED = "flipped"


def path_of(run: Path, backbone: int, part: str) -> Path:
    return run / "features" / f"b{backbone}-{part}.npy"


def flip(raster: np.ndarray) -> np.ndarray:
    """Left to right, u8 [N,224,224]."""
    return np.ascontiguousarray(raster[:, :, ::-1])


@torch.inference_mode()
def extract(model: PlainClassifier, raster: np.ndarray, label: str) -> np.ndarray:
    """u8 [N,224,224] to float16 [N,512,7,7]."""
    found, bar = [], Bar(label, len(raster))
    for at in range(0, len(raster), BATCH):
        found.append(model.backbone(from_raster(raster[at:at + BATCH])).half().numpy())
        bar.show(min(at + BATCH, len(raster)))
    return np.concatenate(found)


def store(run: Path, backbone: int, part: str, model: PlainClassifier, rows: Rows) -> None:
    """Writes one part unless it is there."""
    path = path_of(run, backbone, part)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part.npy")
    raster = flip(rows.raster) if part == FLIPPED else rows.raster
    np.save(unfinished, extract(model, raster, f"features b{backbone} {part}"))
    os.replace(unfinished, path)


def features(run: Path, backbone: int, part: str) -> torch.Tensor:
    """float16 [N,C,49]."""
    stored = torch.from_numpy(np.load(path_of(run, backbone, part)))
    return stored.flatten(2)
