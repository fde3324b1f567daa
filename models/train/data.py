"""Rasters, attention and splits as the training sees them.

The pixels and the attention maps are what ``./lv06 precompute`` wrote, so that training and serving
cannot disagree. The split of every file is fixed in ``kermany224.csv`` (names only, no pixels).
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SPLITS = Path(__file__).parent / "kermany224.csv"
# Grey level mean and deviation over the training split, in units of 255.
MEAN, DEVIATION = 0.4817, 0.2360


@dataclass(frozen=True)
class Rows:
    """One split: raster u8 [N,224,224], label 1 for PNEUMONIA, file names, and rows of the precomputed arrays."""

    raster: np.ndarray
    label: np.ndarray
    file: list[str]
    row: np.ndarray


def load(precomputed: Path, split: str) -> Rows:
    """Reads one split; pixel-identical duplicates are left out (facts: 32 of them, never across splits)."""
    where = {}
    with (precomputed / "index.jsonl").open() as lines:
        for line in lines:
            entry = json.loads(line)
            where[Path(entry["file"]).name] = entry["row"]
    wanted = [r for r in csv.DictReader(SPLITS.open()) if r["split"] == split and not r["dup_of"]]
    missing = [r["file"] for r in wanted if r["file"] not in where]
    if missing:
        raise SystemExit(f"{len(missing)} files of split '{split}' are not in {precomputed}, the first is {missing[0]}: "
                         "run ./lv06 precompute over the whole data set")
    row = np.array([where[r["file"]] for r in wanted])
    raster = np.load(precomputed / "raster.npy", mmap_mode="r")[row]
    label = np.array([r["label"] == "PNEUMONIA" for r in wanted], dtype=np.float32)
    return Rows(raster, label, [r["file"] for r in wanted], row)
