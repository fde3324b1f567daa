"""Runs a model folder's ONNX parts the way the host does: one image at a time, raster in, logit out."""

import json
import os
from pathlib import Path

import numpy as np
import onnxruntime as ort


def session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def logits(backbone: Path, heads: dict[str, tuple[Path, np.ndarray]], raster: np.ndarray) -> dict[str, np.ndarray]:
    """The logit of every raster u8 [N,224,224] by each head, given with its attention [N,7,7]; the backbone runs once."""
    body = session(backbone)
    tops = {name: (session(path), attention) for name, (path, attention) in heads.items()}
    found: dict[str, list[float]] = {name: [] for name in heads}
    for i, image in enumerate(raster):
        features = body.run(["features"], {"image": image[None, None]})[0]
        for name, (top, attention) in tops.items():
            feeds = {"features": features, "attention": attention[i][None, None]}
            found[name].append(float(top.run(["logit"], feeds)[0][0, 0]))
        if i % 50 == 49 or i + 1 == len(raster):
            print(f"\r{backbone.name}: {i + 1}/{len(raster)}", end="", flush=True)
    print()
    return {name: np.array(values) for name, values in found.items()}


def read_manifest(model: Path) -> dict:
    return json.loads((model / "manifest.json").read_text())
