"""Raw files as a finished run leaves them, from made-up scores: for tests of the report, never for evidence."""

import csv
import json
import zlib
from pathlib import Path

import numpy as np

from data import SPLITS, read_index
from plan import ARMS

SEEDS = [(b, h) for b in (1, 2, 3) for h in (1, 2)]
BACKBONES_ONLY = [(1, 1), (2, 1)]


def rows_of(splits: tuple[str, ...]) -> list[dict[str, str]]:
    return [r for s in splits for r in read_index(SPLITS) if r["split"] == s and not r["dup_of"]]


def scores(arm: str, rows: list[dict[str, str]], seeds: list[tuple[int, int]], gain: float) -> np.ndarray:
    """[N,S]: hard cases and backbones are shared between arms, so that arms agree as real ones would."""
    label = np.array([float(r["label"] == "PNEUMONIA") for r in rows])
    test = np.array([r["split"] == "test" for r in rows])
    common = np.random.default_rng(1).normal(0, 1, len(rows))
    made = []
    for b, h in seeds:
        backbone = np.random.default_rng([2, b]).normal(0, 0.5, len(rows))
        own = np.random.default_rng([b, h, zlib.crc32(arm.encode())]).normal(0, 0.2, len(rows))
        made.append(2.2 * ((label - 0.5) * (3.4 - 0.8 * test + gain) + common + backbone + own) + 1.5 * test)
    return np.array(made).T


def write_csv(path: Path, rows: list[dict[str, str]], seeds: list[tuple[int, int]], values: np.ndarray) -> None:
    with path.open("w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["file", "split", "label", *(f"b{b}-h{h}" for b, h in seeds)])
        writer.writerows([r["file"], r["split"], int(r["label"] == "PNEUMONIA"), *(f"{v:.5g}" for v in line)]
                         for r, line in zip(rows, values, strict=True))


def write_serving(folder: Path, splits: tuple[str, ...]) -> None:
    """Two models, each as ONNX parts in two precisions and once as `lv06 eval` leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = rows_of(splits)
    runs = (("int8-u8s8", "int8-u8s8", "ONNX Runtime for Python", ""), ("fp32", "fp32", "ONNX Runtime for Python", ""),
            ("int8-u8s8.appliance", "int8-u8s8", "lv06 eval", None))
    for model, arm in (("kermany-plain", "none"), ("kermany-a-multi", "hash-multi")):
        for h, (name, precision, by, folders) in enumerate(runs, 1):
            about = {"model": model, "version": "1.0.0", "digest": "0" * 64, "pattern": "A", "precision": precision,
                     "temperature": 1.1, "threshold": 0.9, "by": by}
            (folder / f"{model}.{name}.json").write_text(json.dumps(about))
            logit = scores(arm, rows, [(1, h)], 0.0)[:, 0]
            with (folder / f"{model}.{name}.csv").open("w", newline="") as out:
                writer = csv.writer(out, lineterminator="\n")
                writer.writerow(["file", "logit"])
                writer.writerows([r["file"] if folders == "" else f"{r['label']}/{r['file']}",
                                  "" if i == 5 and folders is None else f"{z:.5f}"]
                                 for i, (r, z) in enumerate(zip(rows, logit, strict=True)))


def write(evidence: Path, splits: tuple[str, ...] = ("val", "test"), arms: tuple[str, ...] = tuple(ARMS),
          gain: float = 0.0, serving: bool = True) -> None:
    """``gain`` is added to the separation of the classes in hash-multi alone."""
    raw = evidence / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    rows = rows_of(splits)
    about = {}
    for arm in arms:
        seeds = BACKBONES_ONLY if arm.startswith("injected") else SEEDS
        extra = gain if arm == "hash-multi" else 0.0
        write_csv(raw / f"{arm}.csv", rows, seeds, scores(arm, rows, seeds, extra))
        about[arm] = {"trials": [{}] * 6, "parameters": 513, "commit": "0" * 40, "machine": "made up", "minutes": 1.5}
    if "hash-multi" in arms:
        write_csv(raw / "ablation-hash-multi.border.csv", rows, SEEDS, scores("hash-multi", rows, SEEDS, gain - 0.4))
    (raw / "arms.json").write_text(json.dumps(about, indent=1))
    if serving:
        write_serving(evidence / "serving", splits)
