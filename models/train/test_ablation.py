"""Changed images: what must stay, what must go, and the resampling against Pillow's."""

import numpy as np
import pytest
from PIL import Image

import ablation
import page


@pytest.fixture(scope="module")
def raster() -> np.ndarray:
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (3, 28, 28)).astype(np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


def test_border_keeps_the_inside_and_hides_the_rest(raster: np.ndarray) -> None:
    masked = ablation.border(raster)
    np.testing.assert_array_equal(masked[:, 18:-18, 18:-18], raster[:, 18:-18, 18:-18])
    outside = masked.copy()
    outside[:, 18:-18, 18:-18] = masked[:, :1, :1]
    for image, before in zip(outside, raster):
        assert set(np.unique(image)) == {int(np.floor(before.mean() + 0.5))}


def test_border_content_cannot_be_told_from_the_masked_image(raster: np.ndarray) -> None:
    other = raster.copy()
    other[:, :18] = raster[:, :18][:, ::-1]
    np.testing.assert_array_equal(ablation.border(other), ablation.border(raster))


@pytest.mark.parametrize(("aspect", "height"), [(1.2, 187), (1.45, 154)])
def test_padding_squeezes_to_the_aspect_and_centres(raster: np.ndarray, aspect: float, height: int) -> None:
    padded = ablation.pad(aspect)(raster)
    top = (224 - height) // 2
    fill = ablation.mean_of(raster)
    assert padded.shape == raster.shape and padded.dtype == np.uint8
    assert (padded[:, :top] == fill).all() and (padded[:, top + height:] == fill).all()
    assert padded[:, top:top + height].std() > 20


@pytest.mark.parametrize("aspect", [1.2, 1.45])
def test_cropping_magnifies_the_middle_across_and_leaves_the_height(raster: np.ndarray, aspect: float) -> None:
    rising = np.broadcast_to(np.arange(224, dtype=np.uint8), (1, 224, 224))
    cropped = ablation.crop(aspect)(rising).astype(float)
    assert cropped[0, 0, 111:113].mean() == pytest.approx(111.5, abs=0.6)
    assert cropped[0, 0, 212] - cropped[0, 0, 12] == pytest.approx(200 / aspect, abs=2)
    np.testing.assert_array_equal(ablation.crop(aspect)(rising.transpose(0, 2, 1).copy()), rising.transpose(0, 2, 1))


def test_resampling_is_pillows(raster: np.ndarray) -> None:
    for height in (187, 154):
        expected = np.asarray(Image.fromarray(raster[0]).resize((224, height), Image.Resampling.BILINEAR), int)
        found = ablation.grey(ablation.triangle(224, height) @ raster[0])
        assert np.abs(found.astype(int) - expected).max() <= 1
    wide = np.asarray(Image.fromarray(raster[0]).resize((325, 224), Image.Resampling.BILINEAR), int)
    assert np.abs(ablation.grey(raster[0] @ ablation.triangle(224, 325).T).astype(int) - wide).max() <= 1


def test_scores_are_asked_for_the_changed_images_in_order(raster: np.ndarray) -> None:
    many = raster[np.arange(150) % 3]
    found = ablation.ablated(many, lambda part: part.astype(float).mean(axis=(1, 2)))
    assert set(found) == set(ablation.KINDS)
    for kind, logits in found.items():
        np.testing.assert_allclose(logits, ablation.KINDS[kind](many).astype(float).mean(axis=(1, 2)))
    assert not np.allclose(found["border"], many.mean(axis=(1, 2)))


def test_every_kind_has_its_words_in_the_report() -> None:
    assert set(page.ABLATIONS) == set(ablation.KINDS)
    assert ablation.file_name("hash-multi", "border") == "ablation-hash-multi.border"
