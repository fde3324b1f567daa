"""Writes the few-kilobyte model folder that the host's tests load: pattern A, untrained, int8.

    python tiny.py --out host/inference/fixtures/tiny

It goes through the same graph and quantisation code as the real model, with a network of one block.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import graph
from data import DEVIATION, MEAN
from export import VARIANTS, WEIGHTS_FILE, manifest, parts, write_manifest
from network import BasicBlock
from quantise import quantise, share_weights

SIDE, CHANNELS, GRID = 224, 16, 7


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


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", type=Path, required=True)
    out = arguments.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    model = Tiny().eval()
    images = np.random.default_rng(7).integers(0, 256, (8, SIDE, SIDE), np.uint8)
    made = {name: quantise(model, images, MEAN, DEVIATION, signed) for name, (signed, _) in VARIANTS.items()}
    share_weights(list(made.values()), out / WEIGHTS_FILE)
    for name, part in made.items():
        graph.save(part, out / f"backbone-{name}.onnx")
    weight = np.linspace(-1, 1, CHANNELS, dtype=np.float32)
    graph.save(graph.head(weight, 0.25, GRID), out / "head.onnx")
    value = manifest(out, "0.0.1", 1.0, 0.5, 0, {}, 8)
    value["variants"] = {name: {"cpu": cpu, "weightBits": 8, "parts": parts(out, name, SIDE, CHANNELS, GRID)}
                         for name, (_, cpu) in VARIANTS.items()}
    value |= {"population": "none: untrained, for tests only", "attribution": "none", "licence": "MIT"}
    write_manifest(out, value)


if __name__ == "__main__":
    main()
