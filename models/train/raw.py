"""Reads the raw results: logits of every arm, ablation and served model, one row per image.

``raw/ARM.csv`` and ``raw/ablation-ARM.KIND.csv``: columns ``file,split,label``, then logits in columns ``bB-hH``
(backbone, head seed). ``serving/NAME.json`` says which served model was run, and by what; ``NAME.csv`` beside it has
``file`` and ``logit`` (empty where it gave no probability). Rows are checked against the split index, not believed.
"""

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data import SPLITS, patients, read_index
from errors import Code, TrainError

SEED_COLUMN = re.compile(r"b(\d+)-h(\d+)")
ABLATION = "ablation-"


@dataclass(frozen=True)
class Cases:
    """The images of one split in the index's order: names, labels, patient numbers, subtypes, each [N]."""

    file: list[str]
    label: np.ndarray
    patient: np.ndarray
    subtype: np.ndarray


@dataclass(frozen=True)
class Raw:
    """Logits [N,S] by split, and what each column's (backbone, head) is."""

    name: str
    seeds: list[tuple[int, int]]
    logits: dict[str, np.ndarray]


@dataclass(frozen=True)
class Served:
    """One measured model: ``about`` is its JSON; logits [N] by split, nan where it gave no probability."""

    name: str
    about: dict[str, Any]
    logits: dict[str, np.ndarray]


def bad(path: Path, found: str) -> TrainError:
    return TrainError(Code.EVIDENCE_RAW, f"{path.name}: {found}")


def cases(index: Path = SPLITS) -> dict[str, Cases]:
    """Val and test without pixel-identical duplicates."""
    found = {}
    for split in ("val", "test"):
        rows = [r for r in read_index(index) if r["split"] == split and not r["dup_of"]]
        found[split] = Cases([r["file"] for r in rows], np.array([float(r["label"] == "PNEUMONIA") for r in rows]),
                             patients(rows), np.array([r["subtype"] for r in rows]))
        if len(set(found[split].label)) != 2:
            raise bad(index, f"split {split} does not hold both classes")
    return found


def read_rows(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    with path.open(newline="") as lines:
        reader = csv.DictReader(lines)
        return list(reader.fieldnames or []), list(reader)


def number(path: Path, row: dict[str, str], column: str, empty: bool = False) -> float:
    text = row[column] or ""
    if empty and text == "":
        return float("nan")
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise bad(path, f"{row['file']}, column {column}: '{text}' is not a logit")
    return value


def aligned(path: Path, rows: list[dict[str, str]], columns: list[str], of: Cases, split: str,
            empty: bool = False) -> np.ndarray:
    """The rows of one split in the index's order, [N,len(columns)]; every image once, labels as in the index."""
    by_file = {r["file"]: r for r in rows}
    if len(by_file) != len(rows):
        raise bad(path, f"a file stands twice in split {split}")
    strange, missing = sorted(set(by_file) - set(of.file)), [f for f in of.file if f not in by_file]
    if strange or missing:
        raise bad(path, f"split {split} lacks {len(missing)} images and has {len(strange)} that the index has not, "
                        f"such as {(missing + strange)[0]}")
    wrong = [f for f, label in zip(of.file, of.label) if by_file[f].get("label", f"{label:.0f}") != f"{label:.0f}"]
    if wrong:
        raise bad(path, f"the label of {wrong[0]} is not the index's")
    return np.array([[number(path, by_file[f], c, empty) for c in columns] for f in of.file])


def read_arm(path: Path, of: dict[str, Cases]) -> Raw:
    """Logits of val whole, of test whole or not at all."""
    columns, rows = read_rows(path)
    names = [m for m in map(SEED_COLUMN.fullmatch, columns[3:]) if m]
    if columns[:3] != ["file", "split", "label"] or not names or len(names) != len(columns) - 3:
        raise bad(path, f"the columns are not file,split,label and then {SEED_COLUMN.pattern}")
    if len(set(columns)) != len(columns):
        raise bad(path, "a column stands twice")
    split_of = {split: [r for r in rows if r["split"] == split] for split in of}
    if sum(map(len, split_of.values())) != len(rows):
        raise bad(path, "a row is of neither val nor test")
    logits = {split: aligned(path, found, columns[3:], of[split], split)
              for split, found in split_of.items() if found or split == "val"}
    return Raw(path.stem, [(int(m[1]), int(m[2])) for m in names], logits)


def read_arms(folder: Path, of: dict[str, Cases]) -> tuple[dict[str, Raw], dict[str, Raw]]:
    """Arms, and ablations by ``ARM.KIND``."""
    read = [read_arm(path, of) for path in sorted(folder.glob("*.csv"))]
    return ({raw.name: raw for raw in read if not raw.name.startswith(ABLATION)},
            {raw.name.removeprefix(ABLATION): raw for raw in read if raw.name.startswith(ABLATION)})


def read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text())
    except ValueError as error:
        raise bad(path, f"not JSON ({error})") from None
    if not isinstance(value, dict):
        raise bad(path, "not a JSON object")
    return value


def read_served(path: Path, of: dict[str, Cases]) -> Served | None:
    """A model's rows of val and test, whichever are there whole; other images are left aside. None without rows."""
    about, table = read_json(path), path.with_suffix(".csv")
    if not table.exists():
        return None
    columns, rows = read_rows(table)
    if "file" not in columns or "logit" not in columns:
        raise bad(table, "the columns file and logit are needed")
    for row in rows:
        row["file"] = Path(row["file"]).name
    logits = {}
    for split, wanted in of.items():
        known = set(wanted.file)
        found = [{"file": r["file"], "logit": r["logit"]} for r in rows if r["file"] in known]
        if found:
            logits[split] = aligned(table, found, ["logit"], wanted, split, empty=True)[:, 0]
    return Served(path.stem, about, logits)


def read_serving(folder: Path, of: dict[str, Cases]) -> list[Served]:
    read = [read_served(path, of) for path in sorted(folder.glob("*.json"))]
    return [served for served in read if served is not None and served.logits]
