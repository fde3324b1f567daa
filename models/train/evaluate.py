"""Judges an exported model through its ONNX parts, as the host runs them.

    python evaluate.py --data PRECOMPUTED --model models/kermany-resnet18-a [--open-test]

Reports val; with --open-test also the official test split, which chooses nothing: parts, temperature and
threshold are those of the manifest, and the control's are fitted on val. Writes evidence.json, predictions.csv
and the model card into the model folder. Intervals are 95 % percentile bootstraps over patients.
"""

import argparse
import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime as ort

from attention import load_attention
from calibration import calibrate, probability
from card import card
from data import SPLITS, Rows, load
from export import BUILD
from metrics import at_threshold, auc, expected_calibration_error
from serving import logits, read_manifest

RESAMPLES, SEED = 1000, 20240
# What is served on x86-64 and arm64, what quantisation cost, and the controls without attention.
SERVED, CONTROL = "int8-u8s8", "int8-u8s8, no attention"


def patients(rows: Rows) -> np.ndarray:
    """A number per patient; the same group number with another subtype is another person (facts on the data set)."""
    group = {r["file"]: (r["group"], r["subtype"]) for r in csv.DictReader(SPLITS.open())}
    keys = [group[file] for file in rows.file]
    index = {key: i for i, key in enumerate(sorted(set(keys)))}
    return np.array([index[key] for key in keys])


def arms(data: Path, model: Path, manifest: dict, rows: Rows) -> dict[str, np.ndarray]:
    """The logits of every arm, in the rows' order."""
    build = BUILD / model.name
    maps = load_attention(data, rows.row)
    served, control = ("served", (model / "head.onnx", maps)), ("control", (build / "head-control.onnx", 0 * maps))
    found = {}
    for name, variant in manifest["variants"].items():
        heads = dict([served, control] if name == SERVED else [served])
        result = logits(model / variant["parts"]["backbone"]["file"], heads, rows.raster)
        found[name] = result["served"]
        if "control" in result:
            found[CONTROL] = result["control"]
    result = logits(build / "backbone-fp32.onnx", dict([served, control]), rows.raster)
    return found | {"fp32": result["served"], "fp32, no attention": result["control"]}


def figures(label: np.ndarray, logit: np.ndarray, temperature: float, threshold: float) -> dict[str, float]:
    value = probability(logit, temperature)
    return {"auc": auc(label, logit), **at_threshold(label, value, threshold),
            "ece": expected_calibration_error(label, value), "brier": float(((value - label) ** 2).mean())}


def resamples(patient: np.ndarray, label: np.ndarray) -> list[np.ndarray]:
    """Row indices of bootstrap samples of whole patients; the few without both classes are left out."""
    rng = np.random.default_rng(SEED)
    rows_of = [np.flatnonzero(patient == p) for p in range(patient.max() + 1)]
    drawn = (np.concatenate([rows_of[p] for p in rng.integers(0, len(rows_of), len(rows_of))])
             for _ in range(RESAMPLES))
    return [rows for rows in drawn if 0 < label[rows].sum() < len(rows)]


def interval(values: list[float]) -> list[float]:
    return [round(float(v), 4) for v in np.percentile(values, [2.5, 97.5])]


def judge(rows: Rows, found: dict[str, np.ndarray], points: dict[str, tuple[float, float]]) -> dict:
    """One split's report: figures of every arm, and what attention added to the area under the curve."""
    patient = patients(rows)
    samples = resamples(patient, rows.label)
    report = {}
    for name, logit in found.items():
        temperature, threshold = points[name]
        drawn = [figures(rows.label[s], logit[s], temperature, threshold) for s in samples]
        point = figures(rows.label, logit, temperature, threshold)
        report[name] = {"temperature": temperature, "threshold": threshold,
                        **{key: {"value": round(v, 4), "interval95": interval([d[key] for d in drawn])}
                           for key, v in point.items()}}
    gain = [auc(rows.label[s], found[SERVED][s]) - auc(rows.label[s], found[CONTROL][s]) for s in samples]
    difference = auc(rows.label, found[SERVED]) - auc(rows.label, found[CONTROL])
    return {"images": len(rows.label), "positives": int(rows.label.sum()), "patients": int(patient.max() + 1),
            "arms": report,
            "attentionMinusControlAuc": {"value": round(difference, 4), "interval95": interval(gain)},
            "int8MinusFp32LogitMeanAbsolute": round(float(np.abs(found[SERVED] - found["fp32"]).mean()), 4)}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--model", type=Path, required=True)
    arguments.add_argument("--open-test", action="store_true", help="also report the official test split; once, at the end")
    args = arguments.parse_args()
    manifest = read_manifest(args.model)

    splits = {name: load(args.data, name) for name in (["val", "test"] if args.open_test else ["val"])}
    found = {name: arms(args.data, args.model, manifest, rows) for name, rows in splits.items()}
    served_point = manifest["temperature"], manifest["threshold"]
    points = {name: calibrate(splits["val"].label, logit) if "no attention" in name else served_point
              for name, logit in found["val"].items()}
    evidence = {
        "model": manifest["name"], "version": manifest["version"],
        "modelDigest": hashlib.sha256((args.model / "manifest.json").read_bytes()).hexdigest(),
        "onnxruntime": ort.__version__, "bootstrap": {"unit": "patient", "resamples": RESAMPLES, "seed": SEED},
        "splits": {name: judge(rows, found[name], points) for name, rows in splits.items()},
    }
    (args.model / "evidence.json").write_text(json.dumps(evidence, indent=1) + "\n")
    with (args.model / "predictions.csv").open("w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["file", "split", "label", "logit"])
        for name, rows in splits.items():
            writer.writerows([file, name, int(label), f"{logit:.5f}"] for file, label, logit
                             in zip(rows.file, rows.label, found[name][SERVED], strict=True))
    (args.model / "README.md").write_text(card(manifest, evidence))
    print(json.dumps(evidence["splits"], indent=1))


if __name__ == "__main__":
    main()
