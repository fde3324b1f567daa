"""Writes the few-kilobyte model folders that the host's tests load: every pattern, untrained.

    python tiny.py --out host/inference/fixtures

``tiny`` (pattern A, int8, its own files) goes through the same graph and quantisation code as the real models, with
a network of one block; ``tiny-none``, ``tiny-a-single`` and ``tiny-c`` share its backbone in ``shared``;
``tiny-b`` has a float backbone of its own, into which the attention goes at 56, 28, 14 and 7 cells.
"""

import argparse
import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto
import torch
from torch import Tensor, nn

import graph
from data import DEVIATION, MEAN
from marks import mark
from network import BasicBlock
from quantise import quantise, share_weights

SIDE, CHANNELS, GRID = 224, 16, 7
PYRAMID = (56, 28, 14, 7)
LABELS = ["NORMAL", "PNEUMONIA"]
WEIGHTS_FILE, SHARED = "backbone-int8.bin", "tiny-backbone"
# Precision variant → (signed activations, CPUs as Node's process.arch names them).
VARIANTS = {"int8-u8s8": (False, ["x64"]), "int8-s8s8": (True, ["arm64"])}
Backbones = dict[str, tuple[list[str], int, dict]]
MULTI = {"version": "attention-v1", "scales": [4, 8, 16], "weights": [0.2, 0.5, 0.3]}
SINGLE = {"version": "attention-v1", "scales": [8], "weights": [1.0]}


class TinyBackbone(nn.Module):
    """Image [B,1,224,224] to features [B,16,7,7]: a coarse stem and one residual block."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, CHANNELS, 8, 8, 0, bias=False), nn.BatchNorm2d(CHANNELS), nn.ReLU(),
                                  nn.MaxPool2d(3, 2, 1))
        self.blocks = nn.Sequential(BasicBlock(CHANNELS, CHANNELS, 2))

    def forward(self, image: Tensor) -> Tensor:
        return self.blocks(self.stem(image))


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = TinyBackbone()


def levels(grids: tuple[int, ...]) -> dict[str, tuple[int, list[int]]]:
    """The inputs ``attentionG`` float32 [1,1,G,G], one a grid."""
    return {f"attention{grid}": (TensorProto.FLOAT, [1, 1, grid, grid]) for grid in grids}


def classify(builder: graph.Builder, pooled: list[str], width: int) -> None:
    """``logit`` [1,1] from tensors [1,n,1,1], ``width`` channels in all."""
    flat = builder.node("Flatten", [builder.node("Concat", pooled, "joined", axis=1)], "flat")
    weight = np.linspace(-1, 1, width, dtype=np.float32).reshape(1, -1)
    builder.node("Gemm", [flat, builder.constant("weight", weight), builder.constant("bias", np.float32([0.25]))],
                 "logit", transB=1)


def plain_head(channels: int) -> onnx.ModelProto:
    """``features`` [1,C,7,7] to ``logit``: pattern none, and pattern B, whose backbone took the attention."""
    builder = graph.Builder()
    classify(builder, [builder.node("GlobalAveragePool", ["features"], "pooled")], channels)
    return builder.model("head", {"features": (TensorProto.FLOAT, [1, channels, GRID, GRID])}, {"logit": [1, 1]})


def fused_head(level: str) -> onnx.ModelProto:
    """Pattern A: ``features`` × (1 + ``level`` [1,1,7,7]), pooled, then the classifier."""
    builder = graph.Builder()
    factor = builder.node("Add", [level, builder.constant("one", np.float32([1]))], "factor")
    fused = builder.node("Mul", ["features", factor], "fused")
    flat = builder.node("Flatten", [builder.node("GlobalAveragePool", [fused], "pooled")], "flat")
    weight = np.linspace(-1, 1, CHANNELS, dtype=np.float32).reshape(1, -1)
    builder.node("Gemm", [flat, builder.constant("weight", weight), builder.constant("bias", np.float32([0.25]))],
                 "logit", transB=1)
    return builder.model("head", {"features": (TensorProto.FLOAT, [1, CHANNELS, GRID, GRID]),
                                  level: (TensorProto.FLOAT, [1, 1, GRID, GRID])}, {"logit": [1, 1]})


def parallel_head(grids: tuple[int, ...]) -> onnx.ModelProto:
    """Pattern C: pooled ``features`` beside the pooled square of each level, then the classifier."""
    builder = graph.Builder()
    pooled = [builder.node("GlobalAveragePool", ["features"], "pooled")]
    for name in levels(grids):
        squared = builder.node("Mul", [name, name], f"{name}.squared")
        pooled.append(builder.node("GlobalAveragePool", [squared], f"{name}.pooled"))
    classify(builder, pooled, CHANNELS + len(grids))
    return builder.model("head", {"features": (TensorProto.FLOAT, [1, CHANNELS, GRID, GRID]), **levels(grids)},
                         {"logit": [1, 1]})


def injected_backbone() -> onnx.ModelProto:
    """Pattern B: four strided convolutions, each followed by × (1 + gate · attention) on its own grid."""
    rng, builder, channels = np.random.default_rng(9), graph.Builder(), 4
    grey = builder.node("Cast", ["image"], "grey", to=TensorProto.FLOAT)
    x = builder.node("Mul", [grey, builder.constant("scale", np.float32([1 / 255]))], "scaled")
    one = builder.constant("one", np.float32([1]))
    for i, grid in enumerate(PYRAMID):
        side, width = (4, 1) if i == 0 else (2, channels)
        weight = rng.normal(0, (2 / (width * side * side)) ** 0.5, (channels, width, side, side)).astype(np.float32)
        x = builder.node("Conv", [x, builder.constant(f"stage{i}.weight", weight)], f"stage{i}.sum",
                         kernel_shape=[side, side], strides=[side, side])
        gate = builder.constant(f"stage{i}.gate", np.float32([(i + 1) / 4]))
        gated = builder.node("Mul", [f"attention{grid}", gate], f"stage{i}.gated")
        factor = builder.node("Add", [gated, one], f"stage{i}.factor")
        x = builder.node("Mul", [builder.node("Relu", [x], f"stage{i}.positive"), factor],
                         "features" if grid == GRID else f"stage{i}")
    return builder.model("backbone", {"image": (TensorProto.UINT8, [1, 1, SIDE, SIDE]), **levels(PYRAMID)},
                         {"features": [1, channels, GRID, GRID]})


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tensor(kind: str, *shape: int) -> dict:
    return {"type": kind, "shape": list(shape)}


def part(file: str, folder: Path, weights: str | None, inputs: dict, outputs: dict) -> dict:
    """The manifest's account of one ONNX file, given with its place relative to the model's ``folder``."""
    external = {"weights": {"file": weights, "digest": digest(folder / weights)}} if weights else {}
    return {"file": file, "digest": digest(folder / file)} | external | {"inputs": inputs, "outputs": outputs}


def write_manifest(out: Path, pattern: str, attention: dict | None, variants: dict) -> None:
    value = {
        "schema": "lv06/model/1",
        "name": out.name,
        "version": "0.0.1",
        "pattern": pattern,
        "raster": "raster-v1",
        "normalisation": {"mean": MEAN, "deviation": DEVIATION, "unit": 255, "where": "graph"},
        "attention": attention,
        "labels": LABELS,
        "temperature": 1.0,
        "threshold": 0.5,
        "thresholdRule": "none: untrained",
        "calibrationSet": {"name": "none", "images": 0},
        "population": "none: untrained, for tests only",
        "intendedUse": "research-only",
        "metrics": {"evidence": "evidence.json", "calibrationSet": {}},
        "variants": variants,
        "licence": "MIT",
        "attribution": "none",
    }
    text = json.dumps(value, indent=2, ensure_ascii=False)
    (out / "manifest.json").write_text(re.sub(r"\[[^\[\]{}]*\]", one_line, text) + "\n")


def one_line(found: re.Match[str]) -> str:
    return " ".join(found[0].split()).replace("[ ", "[").replace(" ]", "]")


def write_model(out: Path, pattern: str, attention: dict | None, head: onnx.ModelProto, backbones: Backbones) -> None:
    """Head and manifest; ``backbones`` by variant: CPUs, bits of a weight, the manifest's account of the file."""
    out.mkdir(parents=True, exist_ok=True)
    graph.save(head, out / "head.onnx")
    inputs = {i.name: tensor("float32", *(d.dim_value for d in i.type.tensor_type.shape.dim)) for i in head.graph.input}
    top = part("head.onnx", out, None, inputs, {"logit": tensor("float32", 1, 1)})
    write_manifest(out, pattern, attention, {
        name: {"cpu": cpu, "weightBits": bits, "parts": {"backbone": said, "head": top}}
        for name, (cpu, bits, said) in backbones.items()})


def int8_backbone(folder: Path, file: str, weights: str) -> Backbones:
    """What the manifest of a model in ``folder`` says of the int8 backbone; ``file`` has ``{}`` for the variant."""
    image, features = tensor("uint8", 1, 1, SIDE, SIDE), tensor("float32", 1, CHANNELS, GRID, GRID)
    return {name: (cpu, 8, part(file.format(name), folder, weights, {"image": image}, {"features": features}))
            for name, (_, cpu) in VARIANTS.items()}


def write_own(out: Path) -> None:
    """``tiny``: pattern A as the first models had it, every file in its own folder, the level called ``attention``."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    model = Tiny().eval()
    images = np.random.default_rng(7).integers(0, 256, (8, SIDE, SIDE), np.uint8)
    made = {name: quantise(model, images, MEAN, DEVIATION, signed) for name, (signed, _) in VARIANTS.items()}
    share_weights(list(made.values()), out / WEIGHTS_FILE)
    for name, backbone in made.items():
        graph.save(backbone, out / f"backbone-{name}.onnx")
    write_model(out, "A", MULTI | {"grids": [GRID]}, fused_head("attention"),
                int8_backbone(out, "backbone-{}.onnx", WEIGHTS_FILE))


def share_backbone(own: Path, shared: Path) -> None:
    """Copies the backbone of ``own`` to ``shared`` under names of its own, weights beside the graphs."""
    shared.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(own / WEIGHTS_FILE, shared / f"{SHARED}-int8.bin")
    for name in VARIANTS:
        model = onnx.load(own / f"backbone-{name}.onnx", load_external_data=False)
        for entry in (e for i in model.graph.initializer for e in i.external_data if e.key == "location"):
            entry.value = f"{SHARED}-int8.bin"
        graph.save(model, shared / f"{SHARED}-{name}.onnx")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", type=Path, required=True)
    out = arguments.parse_args().out
    version = MULTI["version"]
    write_own(out / "tiny")
    share_backbone(out / "tiny", out / "shared")

    def shared(folder: Path) -> Backbones:
        folder.mkdir(parents=True, exist_ok=True)
        return int8_backbone(folder, f"../shared/{SHARED}-{{}}.onnx", f"../shared/{SHARED}-int8.bin")

    plain, single, parallel, injected = (out / f"tiny-{name}" for name in ("none", "a-single", "c", "b"))
    write_model(plain, "none", None, mark(plain_head(CHANNELS), "none", LABELS), shared(plain))
    fused = mark(fused_head(f"attention{GRID}"), version, LABELS)
    write_model(single, "A", SINGLE | {"grids": [GRID]}, fused, shared(single))
    fused = mark(parallel_head((28, 7)), version, LABELS)
    write_model(parallel, "C", MULTI | {"grids": [28, 7]}, fused, shared(parallel))

    injected.mkdir(parents=True, exist_ok=True)
    graph.save(mark(injected_backbone(), version, LABELS), injected / "backbone-fp32.onnx")
    maps = {f"attention{g}": tensor("float32", 1, 1, g, g) for g in PYRAMID}
    inputs = {"image": tensor("uint8", 1, 1, SIDE, SIDE)} | maps
    said = part("backbone-fp32.onnx", injected, None, inputs, {"features": tensor("float32", 1, 4, GRID, GRID)})
    head = mark(plain_head(4), version, LABELS)
    write_model(injected, "B", MULTI | {"grids": list(PYRAMID)}, head, {"fp32": (["x64", "arm64"], 32, said)})


if __name__ == "__main__":
    main()
