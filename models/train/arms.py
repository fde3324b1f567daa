"""The arms that are compared on the same stored features: what each takes of an image, and its head.

An arm sees a ``View`` of a split: the features and the hash bytes of every image. Whatever an arm draws (noise, which
other image's map it gets) is drawn once from its name and the split's, so that all seeds see the same.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from attention import GRID, SCALES, SIDE, combine, level, single
from heads import Batch, Learned, Parallel, Pooled, Resampled, Start
from network import GRIDS

# Normalised noise maps that the resampled arm draws from: so many that a repeat tells a network nothing.
BANK = 4096


@dataclass(frozen=True)
class View:
    """One split, or its flipped copy: features float16 [N,C,49], hash bytes u8 [N,g,g] by scale."""

    split: str
    features: Tensor
    bytes: dict[int, np.ndarray]

    def __len__(self) -> int:
        return len(self.features)

    def generator(self, purpose: str) -> np.random.Generator:
        """For noise; the flipped copy of a split draws its own."""
        return np.random.default_rng(zlib.crc32(f"{purpose}/{self.split}".encode()))


@dataclass(frozen=True)
class Arm:
    """``inputs`` makes what the head takes, one row per image; ``head`` is built for one seed."""

    name: str
    inputs: Callable[[View], Batch]
    head: Callable[[Start, Batch, int], nn.Module]


def others(view: View) -> np.ndarray:
    """For each image another one of the same split: a random cycle, so that nobody keeps its own map."""
    rng = np.random.default_rng(zlib.crc32(f"permuted/{view.split.removesuffix('-flipped')}".encode()))
    order = rng.permutation(len(view))
    other = np.empty(len(view), int)
    other[order] = np.roll(order, 1)
    return other


def noise(rng: np.random.Generator, count: int) -> np.ndarray:
    """i.i.d. bytes in place of hashes, through the same combination and normalisation: float32 [count,7,7]."""
    drawn = {s: rng.integers(0, 256, (count, SIDE // s, SIDE // s), np.uint8) for s in SCALES}
    return level(combine(drawn), GRID)


def multi(view: View) -> np.ndarray:
    return level(combine(view.bytes), GRID)


def pooled(features: Tensor, attention: np.ndarray | None) -> Tensor:
    """Mean over the cells of features × (1 + attention), float32 [N,C]; by parts, for memory."""
    found = []
    for at in range(0, len(features), 512):
        part = features[at:at + 512].float()
        if attention is None:
            found.append(part.mean(dim=2))
        else:
            factor = 1 + torch.from_numpy(attention[at:at + 512]).flatten(1)
            found.append(torch.einsum("bcg,bg->bc", part, factor) / part.shape[2])
    return torch.cat(found)


def fixed_map(name: str, maps: Callable[[View], np.ndarray | None]) -> Arm:
    """Pattern A with a map that does not change in training: linear in what is pooled, so pooled once."""
    def inputs(view: View) -> Batch:
        attention = maps(view)
        factor = 1.0 if attention is None else 1 + float(attention.mean())
        return {"pooled": pooled(view.features, attention), "factor": torch.full((len(view),), factor)}

    return Arm(name, inputs, lambda start, batch, seed: Pooled(start, float(batch["factor"].mean())))


def resampled_noise() -> Arm:
    def head(start: Start, batch: Batch, seed: int) -> nn.Module:
        bank = noise(np.random.default_rng(zlib.crc32(b"resampled-noise")), BANK)
        return Resampled(start, torch.from_numpy(bank).flatten(1), seed)

    return Arm("resampled-noise", lambda view: {"features": view.features}, head)


def parallel(name: str, permuted: bool) -> Arm:
    def inputs(view: View) -> Batch:
        order = others(view) if permuted else np.arange(len(view))
        attention = combine(view.bytes)[order]
        return {"pooled": pooled(view.features, None),
                **{f"attention{grid}": torch.from_numpy(level(attention, grid)) for grid in GRIDS}}

    return Arm(name, inputs, lambda start, batch, seed: Parallel(start))


ARMS: dict[str, Arm] = {arm.name: arm for arm in (
    fixed_map("none", lambda view: None),
    fixed_map("constant", lambda view: np.full((len(view), GRID, GRID), 0.5, np.float32)),
    fixed_map("hash-single", lambda view: level(single(view.bytes), GRID)),
    fixed_map("hash-multi", multi),
    fixed_map("permuted", lambda view: multi(view)[others(view)]),
    fixed_map("fixed-noise", lambda view: noise(view.generator("fixed-noise"), len(view))),
    resampled_noise(),
    Arm("learned", lambda view: {"features": view.features}, lambda start, batch, seed: Learned(start)),
    parallel("parallel", permuted=False),
    parallel("parallel-permuted", permuted=True),
)}
