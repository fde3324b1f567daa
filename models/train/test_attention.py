"""The numpy attention against a vector that the host's TypeScript made, and against ./lv06 itself."""

import json
from pathlib import Path

import numpy as np
import pytest

from attention import SCALES, WEIGHTS, all_bytes, block_bytes, combine, level, single
from conftest import Films
from precompute import has_node, precompute

VECTOR = json.loads((Path(__file__).parent / "fixtures" / "attention-v1.json").read_text())


def quadratic() -> np.ndarray:
    """u8 [1,224,224] that both languages can make."""
    y, x = np.mgrid[0:224, 0:224]
    return ((x * x + 3 * y * y + 7 * x * y) % 256).astype(np.uint8)[None]


def test_agrees_with_the_host() -> None:
    found = level(combine(all_bytes(quadratic())), 7)
    assert found.dtype == np.float32 and found.shape == (1, 7, 7)
    np.testing.assert_allclose(found.ravel(), np.float32(VECTOR["values"]), atol=1e-7)


@pytest.mark.skipif(not has_node(), reason="./lv06 does not start here: no Node, or npm packages not installed")
def test_what_lv06_precomputes_is_what_is_hashed_here(films: Films, tmp_path: Path) -> None:
    precompute(films.images, tmp_path / "data")
    raster = np.load(tmp_path / "data" / "raster.npy")
    assert len(raster) == 48
    for scale in (*SCALES, 32):
        np.testing.assert_array_equal(np.load(tmp_path / "data" / f"attention-{scale}.npy"), block_bytes(raster, scale))
    files = [json.loads(line)["file"] for line in (tmp_path / "data" / "index.jsonl").read_text().splitlines()]
    ours = {json.loads(line)["file"]: json.loads(line)["row"] for line in (films.data / "index.jsonl").read_text().splitlines()}
    np.testing.assert_array_equal(raster, np.load(films.data / "raster.npy")[[ours[f] for f in files]])


def test_the_vector_is_of_the_settings_that_are_trained_with() -> None:
    assert VECTOR["scales"] == [{"block": s, "weight": w} for s, w in zip(SCALES, WEIGHTS)]


def test_equal_blocks_everywhere_give_zero() -> None:
    assert not combine({scale: np.full((1, 224 // scale, 224 // scale), 245, np.uint8) for scale in SCALES}).any()


def test_each_image_is_normalised_by_itself() -> None:
    rng = np.random.default_rng(1)
    maps = {s: rng.integers(0, 256, (2, 224 // s, 224 // s), dtype=np.uint8) for s in SCALES}
    np.testing.assert_array_equal(combine(maps)[1:], combine({s: m[1:] for s, m in maps.items()}))


def test_a_single_scale_map_is_its_bytes_and_not_normalised() -> None:
    assert np.unique(single({8: np.full((1, 28, 28), 51, np.uint8)})).tolist() == [0.2]


def test_a_level_finer_than_the_map_is_refused() -> None:
    with pytest.raises(ValueError, match="28-cell map"):
        level(np.zeros((1, 28, 28)), 56)
