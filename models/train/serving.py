"""Runs exported ONNX parts the way the host does: one image at a time, raster and attention levels in, logit out."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime as ort

from progress import Bar
from quantise import Levels


def session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def row(levels: Levels, i: int) -> dict[str, np.ndarray]:
    """One image's levels as tensors [1,1,g,g] by input name."""
    return {name: values[i][None, None] for name, values in levels.items()}


def logits(backbone: Path, injected: Levels, heads: Mapping[str, tuple[Path, Levels]], raster: np.ndarray,
           ) -> dict[str, np.ndarray]:
    """The logit of every raster u8 [N,224,224] by each head, with the levels that each takes."""
    body = session(backbone)
    tops = {name: (session(path), levels) for name, (path, levels) in heads.items()}
    found: dict[str, list[float]] = {name: [] for name in heads}
    bar = Bar(f"{backbone.parent.name}/{backbone.name}", len(raster))
    for i, image in enumerate(raster):
        features = body.run(["features"], {"image": image[None, None], **row(injected, i)})[0]
        for name, (top, levels) in tops.items():
            found[name].append(float(top.run(["logit"], {"features": features, **row(levels, i)})[0][0, 0]))
        bar.show(i + 1)
    return {name: np.array(values) for name, values in found.items()}
