"""The combined attention map of the pattern A head, from what ``./lv06 precompute`` wrote.

``attention-{4,8,16,32}.npy`` hold byte 0 of each block's SHA-256 (u8 [N,g,g]). The combined map is the
weighted sum of byte/255 over the scales, each upsampled to the image by repetition, brought to [0,1] by
its own minimum and maximum, then averaged over the cells of the head's grid. The host computes the same
in TypeScript; a committed vector holds the two together.
"""

from pathlib import Path

import numpy as np

SIDE = 224
SCALES = (4, 8, 16)
WEIGHTS = (0.2, 0.5, 0.3)
GRID = 7


def combine(maps: dict[int, np.ndarray], scales: tuple[int, ...] = SCALES, weights: tuple[float, ...] = WEIGHTS,
            grid: int = GRID) -> np.ndarray:
    """Maps u8 [N,224/s,224/s] by block size s to [N,grid,grid] float32 in [0,1].

    Works at the finest scale: repetition, minimum, maximum and cell means are the same there as at 224.
    """
    finest = min(scales)
    side = SIDE // finest
    total = np.zeros((len(maps[finest]), side, side))
    for scale, weight in zip(scales, weights, strict=True):
        repeat = scale // finest
        total += weight * (maps[scale] / 255.0).repeat(repeat, axis=1).repeat(repeat, axis=2)
    low = total.min(axis=(1, 2), keepdims=True)
    span = total.max(axis=(1, 2), keepdims=True) - low
    unit = np.where(span > 0, (total - low) / np.where(span > 0, span, 1), 0)
    cell = side // grid
    return unit.reshape(-1, grid, cell, grid, cell).mean(axis=(2, 4)).astype(np.float32)


def load_attention(precomputed: Path, row: np.ndarray) -> np.ndarray:
    """The head's attention [N,7,7] of the given rows."""
    return combine({scale: np.load(precomputed / f"attention-{scale}.npy", mmap_mode="r")[row] for scale in SCALES})
