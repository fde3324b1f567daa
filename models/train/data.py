"""Rasters and splits as the training sees them.

The pixels are what ``./lv06 precompute`` wrote, so that training and serving cannot disagree. The split of every file
is fixed in ``kermany224.csv`` (names only, no pixels); another index of the same columns may be given.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from errors import Code, TrainError

SPLITS = Path(__file__).parent / "kermany224.csv"
CLASSES = ("NORMAL", "PNEUMONIA")
# Grey level mean and deviation over the training split, in units of 255.
MEAN, DEVIATION = 0.4817, 0.2360


@dataclass(frozen=True)
class Rows:
    """One split: raster u8 [N,224,224], label 1 for PNEUMONIA, file names, rows as stored, patient numbers."""

    raster: np.ndarray
    label: np.ndarray
    file: list[str]
    row: np.ndarray
    patient: np.ndarray


def read_index(index: Path = SPLITS) -> list[dict[str, str]]:
    with index.open(newline="") as lines:
        return list(csv.DictReader(lines))


def patients(rows: list[dict[str, str]]) -> np.ndarray:
    """A number per patient; the same group number with another subtype is another person."""
    keys = [(r["group"], r["subtype"]) for r in rows]
    number = {key: i for i, key in enumerate(sorted(set(keys)))}
    return np.array([number[key] for key in keys])


def stored_rows(precomputed: Path) -> dict[str, int]:
    """Row of the stored arrays by file name; files that precompute refused have none."""
    where = {}
    try:
        with (precomputed / "index.jsonl").open() as lines:
            for line in lines:
                entry = json.loads(line)
                if entry.get("row") is not None:
                    where[Path(entry["file"]).name] = entry["row"]
    except FileNotFoundError:
        raise TrainError(Code.DATA_PRECOMPUTED, f"{precomputed} has no index.jsonl") from None
    return where


def load(precomputed: Path, split: str, index: Path = SPLITS) -> Rows:
    """Reads one split; pixel-identical duplicates are left out (32 of them in this set, never across splits)."""
    where = stored_rows(precomputed)
    wanted = [r for r in read_index(index) if r["split"] == split and not r["dup_of"]]
    missing = [r["file"] for r in wanted if r["file"] not in where]
    if missing:
        raise TrainError(Code.DATA_PRECOMPUTED,
                         f"{len(missing)} files of split '{split}' are not in {precomputed}, the first is {missing[0]}")
    row = np.array([where[r["file"]] for r in wanted])
    raster = np.load(precomputed / "raster.npy", mmap_mode="r")[row]
    label = np.array([r["label"] == "PNEUMONIA" for r in wanted], dtype=np.float32)
    return Rows(raster, label, [r["file"] for r in wanted], row, patients(wanted))
