"""The numpy attention against a vector that the host's TypeScript made."""

import hashlib
import json
from pathlib import Path

import numpy as np

from attention import SCALES, WEIGHTS, combine

VECTOR = json.loads((Path(__file__).parent / "fixtures" / "attention-v1.json").read_text())


def block_bytes(raster: np.ndarray, scale: int) -> np.ndarray:
    """Byte 0 of each block's SHA-256, u8 [1,g,g]."""
    grid = 224 // scale
    blocks = raster.reshape(grid, scale, grid, scale).transpose(0, 2, 1, 3).reshape(-1, scale * scale)
    return np.array([hashlib.sha256(b.tobytes()).digest()[0] for b in blocks], np.uint8).reshape(1, grid, grid)


def test_agrees_with_the_host() -> None:
    y, x = np.mgrid[0:224, 0:224]
    raster = ((x * x + 3 * y * y + 7 * x * y) % 256).astype(np.uint8)
    found = combine({scale: block_bytes(raster, scale) for scale in SCALES})
    assert found.dtype == np.float32 and found.shape == (1, 7, 7)
    np.testing.assert_allclose(found.ravel(), np.float32(VECTOR["values"]), atol=1e-7)


def test_the_vector_is_of_the_settings_that_are_trained_with() -> None:
    assert VECTOR["scales"] == [{"block": s, "weight": w} for s, w in zip(SCALES, WEIGHTS)]


def test_equal_blocks_everywhere_give_zero() -> None:
    assert not combine({scale: np.full((1, 224 // scale, 224 // scale), 245, np.uint8) for scale in SCALES}).any()


def test_each_image_is_normalised_by_itself() -> None:
    rng = np.random.default_rng(1)
    maps = {s: rng.integers(0, 256, (2, 224 // s, 224 // s), dtype=np.uint8) for s in SCALES}
    alone = combine({s: m[1:] for s, m in maps.items()})
    np.testing.assert_array_equal(combine(maps)[1:], alone)
