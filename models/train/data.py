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
COLUMNS = ("file", "label", "subtype", "group", "split", "dup_of")
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
    """One row per file, every column there. @raises TrainError DATA_INDEX"""
    try:
        with index.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrainError(Code.DATA_INDEX, f"{index} cannot be read: {error}") from None
    seen: set[str] = set()
    for number, row in enumerate(rows, 2):
        if any(row.get(column) is None for column in COLUMNS):
            raise TrainError(Code.DATA_INDEX, f"{index}, line {number}: not all of {', '.join(COLUMNS)} are there")
        if row["label"] not in CLASSES:
            raise TrainError(Code.DATA_INDEX, f"{index}, line {number}: the label is {row['label']!r}")
        if row["file"] in seen:
            raise TrainError(Code.DATA_INDEX, f"{index}, line {number}: {row['file']} again")
        seen.add(row["file"])
    return rows


def patients(rows: list[dict[str, str]]) -> np.ndarray:
    """A number per patient; the same group number with another subtype is another person."""
    keys = [(r["group"], r["subtype"]) for r in rows]
    number = {key: i for i, key in enumerate(sorted(set(keys)))}
    return np.array([number[key] for key in keys])


def stored_rows(precomputed: Path) -> dict[str, int]:
    """Row of the stored arrays by file name; files that precompute refused have none."""
    return {name: row for name, row in precomputed_files(precomputed).items() if row is not None}


def precomputed_files(precomputed: Path) -> dict[str, int | None]:
    """Every file that precompute has looked at, refused ones too, with its row. @raises TrainError DATA_PRECOMPUTED"""
    try:
        with (precomputed / "index.jsonl").open() as lines:
            entries = [json.loads(line) for line in lines]
        return {Path(entry["file"]).name: entry.get("row") for entry in entries}
    except FileNotFoundError:
        raise TrainError(Code.DATA_PRECOMPUTED, f"{precomputed} has no index.jsonl") from None
    except (ValueError, TypeError, KeyError):
        raise TrainError(Code.DATA_PRECOMPUTED, f"{precomputed / 'index.jsonl'} is damaged or half written") from None


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
