"""Writes a model folder that the host can load: ONNX parts, int8 weights, manifest with calibration.

    python export.py --data PRECOMPUTED --run DIR --out models/kermany-resnet18-a --version 0.1.0 [--seed 1]

Quantisation is calibrated on train images, temperature and threshold on val with the int8 model that x86-64
runs. The test split is never read here. What is only needed to judge the model (fp32 backbone, control head)
goes to build/models/NAME, which is not committed.
"""

import argparse
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import torch

import graph
from attention import GRID, SCALES, WEIGHTS, load_attention
from calibration import SENSITIVITY_ON_VAL, calibrate, probability
from data import DEVIATION, MEAN, Rows, load
from metrics import at_threshold, auc
from network import PlainClassifier
from quantise import quantise, share_weights
from serving import logits

CALIBRATION_IMAGES = 256
WEIGHTS_FILE = "backbone-int8.bin"
# Precision variant → (signed activations, CPUs as Node's process.arch names them).
VARIANTS = {"int8-u8s8": (False, ["x64"]), "int8-s8s8": (True, ["arm64"])}
BUILD = Path(__file__).resolve().parents[2] / "build" / "models"


def calibration_images(train: Rows) -> np.ndarray:
    """Train images spread evenly over the list, the same at every run."""
    return train.raster[np.linspace(0, len(train.raster) - 1, CALIBRATION_IMAGES).astype(int)]


def write_parts(model: PlainClassifier, head: dict[str, np.ndarray], train: Rows, out: Path, build: Path,
                reduce_range: bool) -> None:
    images = calibration_images(train)
    quantised = {name: quantise(model, images, MEAN, DEVIATION, signed, reduce_range)
                 for name, (signed, _) in VARIANTS.items()}
    shared = share_weights(list(quantised.values()), out / WEIGHTS_FILE)
    print(f"weights: {shared['referredBytes']} bytes referred to, {shared['writtenBytes']} written")
    for name, part in quantised.items():
        graph.save(part, out / f"backbone-{name}.onnx")
    graph.save(graph.head(head["weight"], float(head["bias"]), GRID), out / "head.onnx")
    graph.save(graph.head(head["controlWeight"], float(head["controlBias"]), GRID), build / "head-control.onnx")
    graph.save(graph.backbone(model, MEAN, DEVIATION), build / "backbone-fp32.onnx")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tensor(kind: str, *shape: int) -> dict:
    return {"type": kind, "shape": list(shape)}


def parts(out: Path, variant: str, side: int, channels: int, grid: int) -> dict:
    """The manifest's account of one precision variant's files and tensors."""
    features, attention = tensor("float32", 1, channels, grid, grid), tensor("float32", 1, 1, grid, grid)
    backbone, weights = f"backbone-{variant}.onnx", out / WEIGHTS_FILE
    return {
        "backbone": {"file": backbone, "digest": digest(out / backbone),
                     "weights": {"file": weights.name, "digest": digest(weights)},
                     "inputs": {"image": tensor("uint8", 1, 1, side, side)}, "outputs": {"features": features}},
        "head": {"file": "head.onnx", "digest": digest(out / "head.onnx"),
                 "inputs": {"features": features, "attention": attention},
                 "outputs": {"logit": tensor("float32", 1, 1)}},
    }


def manifest(out: Path, version: str, temperature: float, threshold: float, images: int, metrics: dict,
             weight_bits: int) -> dict:
    return {
        "schema": "lv06/model/1",
        "name": out.name,
        "version": version,
        "pattern": "A",
        "raster": "raster-v1",
        "normalisation": {"mean": MEAN, "deviation": DEVIATION, "unit": 255, "where": "graph"},
        "attention": {"version": "attention-v1", "scales": list(SCALES), "weights": list(WEIGHTS), "grids": [GRID]},
        "labels": ["NORMAL", "PNEUMONIA"],
        "temperature": temperature,
        "threshold": threshold,
        "thresholdRule": f"the highest with at least {SENSITIVITY_ON_VAL:.0%} sensitivity on the calibration set",
        "calibrationSet": {"name": "Kermany chest X-ray, split val of kermany224.csv", "images": images},
        "population": "children aged 1 to 5, Guangzhou Women and Children's Medical Center, AP chest X-rays",
        "intendedUse": "research-only",
        "metrics": {"evidence": "evidence.json", "calibrationSet": metrics},
        "variants": {name: {"cpu": cpu, "weightBits": weight_bits, "parts": parts(out, name, 224, 512, GRID)}
                     for name, (_, cpu) in VARIANTS.items()},
        "licence": "CC-BY-4.0",
        "attribution": "Trained on: Kermany, Zhang, Goldbaum (2018), Labeled Optical Coherence Tomography (OCT) and "
                       "Chest X-Ray Images for Classification, Mendeley Data V2, doi:10.17632/rscbjbr9sj.2, CC BY 4.0. "
                       "Changes: resized to 224x224 grey, a part of the images left out.",
    }


def write_manifest(out: Path, value: dict) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    lists_on_one_line = re.sub(r"\[[^\[\]{}]*\]", lambda found: " ".join(found[0].split()).replace("[ ", "[").replace(" ]", "]"), text)
    (out / "manifest.json").write_text(lists_on_one_line + "\n")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--run", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--version", required=True)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--reduce-range", action="store_true",
                           help="7-bit weights: no saturation on x86-64 without VNNI, at some loss of precision")
    args = arguments.parse_args()
    build = BUILD / args.out.name
    for folder in (args.out, build):
        folder.mkdir(parents=True, exist_ok=True)

    model = PlainClassifier().eval()
    model.load_state_dict(torch.load(args.run / f"backbone-{args.seed}.pt")["average"])
    head = dict(np.load(args.run / f"head-{args.seed}.npz"))
    write_parts(model, head, load(args.data, "train"), args.out, build, args.reduce_range)

    val = load(args.data, "val")
    maps = load_attention(args.data, val.row)
    logit = logits(args.out / "backbone-int8-u8s8.onnx", {"head": (args.out / "head.onnx", maps)}, val.raster)["head"]
    temperature, threshold = calibrate(val.label, logit)
    value = probability(logit, temperature)
    metrics = {key: round(v, 4) for key, v in {"auc": auc(val.label, logit), **at_threshold(val.label, value, threshold)}.items()}
    write_manifest(args.out, manifest(args.out, args.version, temperature, threshold, len(val.label), metrics,
                                      7 if args.reduce_range else 8))
    print(json.dumps({"temperature": temperature, "threshold": threshold, **metrics}))
    for path in sorted(args.out.iterdir()):
        print(f"{path.stat().st_size:>10} {path.name}")


if __name__ == "__main__":
    main()
