"""attention-v1 in numpy: the maps of stored hash bytes, and the bytes themselves where an image is made here.

``./lv06 precompute`` writes ``attention-{4,8,16,32}.npy``: byte 0 of each block's SHA-256 (u8 [N,g,g]). Training images
that were flipped or varied get theirs from ``block_bytes``: the bytes that the network sees are hashed, as in serving.
A single-scale map is byte/255 as it is. A multi-scale map is the weighted sum over the scales, each upsampled by
repetition, brought to [0,1] by its own minimum and maximum. A level is the map's mean over the cells of a grid.
The host computes the same in TypeScript; committed vectors hold the two together.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

SIDE = 224
SCALES = (4, 8, 16)
WEIGHTS = (0.2, 0.5, 0.3)
SINGLE_SCALE = 8
GRID = 7


def block_bytes(raster: np.ndarray, scale: int) -> np.ndarray:
    """Byte 0 of each block's SHA-256: u8 [N,224,224] to u8 [N,224/scale,224/scale]."""
    grid, size = SIDE // scale, scale * scale
    blocks = raster.reshape(-1, grid, scale, grid, scale).transpose(0, 1, 3, 2, 4)
    view = memoryview(np.ascontiguousarray(blocks, np.uint8).reshape(-1))
    sha256 = hashlib.sha256
    found = bytes(sha256(view[at:at + size]).digest()[0] for at in range(0, len(view), size))
    return np.frombuffer(found, np.uint8).reshape(-1, grid, grid)


def all_bytes(raster: np.ndarray, scales: Sequence[int] = SCALES) -> dict[int, np.ndarray]:
    return {scale: block_bytes(raster, scale) for scale in scales}


def single(maps: dict[int, np.ndarray], scale: int = SINGLE_SCALE) -> np.ndarray:
    """The map of one scale, float64 [N,g,g]; not normalised."""
    return maps[scale] / 255.0


def combine(maps: dict[int, np.ndarray], scales: Sequence[int] = SCALES, weights: Sequence[float] = WEIGHTS,
            ) -> np.ndarray:
    """The multi-scale map, float64 [N,g,g] in [0,1] on the finest scale's grid."""
    finest = min(scales)
    total = np.zeros((len(maps[finest]), SIDE // finest, SIDE // finest))
    for scale, weight in zip(scales, weights, strict=True):
        repeat = scale // finest
        total += weight * (maps[scale] / 255.0).repeat(repeat, axis=1).repeat(repeat, axis=2)
    low = total.min(axis=(1, 2), keepdims=True)
    span = total.max(axis=(1, 2), keepdims=True) - low
    return np.where(span > 0, (total - low) / np.where(span > 0, span, 1), 0)


def level(attention: np.ndarray, grid: int) -> np.ndarray:
    """A map [N,g,g] as its mean over the cells of a coarser or equal grid: float32 [N,grid,grid]."""
    cell = attention.shape[1] // grid
    if cell * grid != attention.shape[1]:
        raise ValueError(f"a {attention.shape[1]}-cell map has no mean on {grid} cells")
    return attention.reshape(-1, grid, cell, grid, cell).mean(axis=(2, 4)).astype(np.float32)


def load_bytes(precomputed: Path, row: np.ndarray, scales: Sequence[int] = SCALES) -> dict[int, np.ndarray]:
    """The stored bytes of the given rows, by scale."""
    return {scale: np.load(precomputed / f"attention-{scale}.npy", mmap_mode="r")[row] for scale in scales}
