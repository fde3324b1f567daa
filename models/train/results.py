"""Raw results: one CSV of logits per arm, and arms.json with what was done for each.

``raw/ARM.csv``: ``file,split,label``, then a column of logits (5 significant digits) per seed. Val rows come first;
test rows are added by ``open-test`` alone. Files appear whole or not at all.
"""

import csv
import json
import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from data import Rows
from errors import Code, TrainError

CHECKOUT = Path(__file__).resolve().parents[2]
EVIDENCE = CHECKOUT / "models" / "evidence"
KEYS = ("file", "split", "label")


def csv_path(evidence: Path, arm: str) -> Path:
    return evidence / "raw" / f"{arm}.csv"


def arms_path(evidence: Path) -> Path:
    return evidence / "raw" / "arms.json"


def protocol_path(evidence: Path) -> Path:
    return evidence / "protocol.md"


def replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(text)
    os.replace(unfinished, path)


def lines_of(split: str, rows: Rows, logits: dict[str, np.ndarray]) -> list[list[str]]:
    columns = list(logits.values())
    return [[file, split, str(int(label)), *(f"{column[i]:.5g}" for column in columns)]
            for i, (file, label) in enumerate(zip(rows.file, rows.label, strict=True))]


def read(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows."""
    with path.open(newline="") as source:
        header, *rows = csv.reader(source)
    return header, rows


def has_test(path: Path) -> bool:
    return path.exists() and any(row[1] == "test" for row in read(path)[1])


def text_of(rows: Iterable[list[str]]) -> str:
    return "".join(",".join(row) + "\n" for row in rows)


def write_val(evidence: Path, arm: str, rows: Rows, logits: dict[str, np.ndarray]) -> None:
    """``logits``: float32 [N] by seed name, for the val images."""
    path = csv_path(evidence, arm)
    if has_test(path):
        raise TrainError(Code.EVIDENCE_OPEN, f"{path.name} already has test rows")
    replace(path, text_of([[*KEYS, *logits], *lines_of("val", rows, logits)]))


def add_test(evidence: Path, arm: str, rows: Rows, logits: dict[str, np.ndarray]) -> None:
    path = csv_path(evidence, arm)
    header, val = read(path)
    if header[len(KEYS):] != list(logits):
        raise TrainError(Code.TEST_OTHER_HEADS, f"{path.name} has other seeds: {header[len(KEYS):]}")
    if has_test(path):
        raise TrainError(Code.TEST_ALREADY_OPEN, f"{path.name} already has test rows")
    replace(path, text_of([header, *val, *lines_of("test", rows, logits)]))


def read_accounts(evidence: Path) -> dict[str, dict]:
    """What was done for each arm, by its name."""
    path = arms_path(evidence)
    return json.loads(path.read_text()) if path.exists() else {}


def record_arm(evidence: Path, arm: str, account: dict) -> None:
    """Adds or replaces one arm's account: what was tuned, trials, parameters, digest, minutes, commit, machine."""
    value = read_accounts(evidence)
    value[arm] = {**account, "commit": commit(), "machine": machine()}
    replace(arms_path(evidence), json.dumps(value, indent=1) + "\n")


def git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(CHECKOUT), *words], capture_output=True, text=True, check=False)


def commit() -> str | None:
    found = git("rev-parse", "HEAD")
    return found.stdout.strip() if found.returncode == 0 else None


def machine() -> dict:
    """What the numbers were computed on, without its name."""
    try:
        info = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        info = []
    model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), platform.machine())
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {"cpu": model, "cores": os.cpu_count(), "gpu": gpu, "torch": str(torch.__version__)}
