"""Images with a possible shortcut taken away, at evaluation only: how much of a figure hangs on it?

Border: markers, rulers and collimation lie there, and they differ between the classes. Geometry: films were stretched
to a square, so that their shape, which also differs, shows as distortion; each kind shows every film as though it had
had one of two typical shapes. A film's own shape is not in the prepared images, so this is no exact undoing.
"""

from collections.abc import Callable

import numpy as np

from progress import Bar

SIDE, BORDER, BATCH = 224, 0.08, 64
# Width to height of a typical normal and a typical pneumonia film of this set.
ASPECTS = (1.20, 1.45)

Change = Callable[[np.ndarray], np.ndarray]


def triangle(size: int, target: int) -> np.ndarray:
    """Antialiased bilinear resampling as a matrix [target,size] whose rows sum to 1: raster-v1's filter, in floats."""
    scale = size / target
    reach = max(scale, 1.0)
    centre = (np.arange(target)[:, None] + 0.5) * scale
    weight = np.maximum(0, 1 - np.abs(np.arange(size) + 0.5 - centre) / reach)
    return weight / weight.sum(axis=1, keepdims=True)


def grey(values: np.ndarray) -> np.ndarray:
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)


def mean_of(raster: np.ndarray) -> np.ndarray:
    """Each image's mean grey level, u8 [N,1,1]."""
    return grey(raster.mean(axis=(1, 2), keepdims=True))


def border(raster: np.ndarray) -> np.ndarray:
    """Paints the outer 8 % of each side, of u8 [N,224,224], with the image's mean."""
    width = round(BORDER * raster.shape[1])
    masked = np.broadcast_to(mean_of(raster), raster.shape).copy()
    masked[:, width:-width, width:-width] = raster[:, width:-width, width:-width]
    return masked


def pad(aspect: float) -> Change:
    """Squeezes the height back to width / aspect; the image's mean above and below."""
    def change(raster: np.ndarray) -> np.ndarray:
        height = round(SIDE / aspect)
        top = (SIDE - height) // 2
        padded = np.broadcast_to(mean_of(raster), raster.shape).copy()
        padded[:, top:top + height] = grey(np.einsum("hy,nyx->nhx", triangle(SIDE, height), raster, optimize=True))
        return padded

    return change


def crop(aspect: float) -> Change:
    """Widens to height × aspect and cuts off left and right alike, so that the frame stays filled."""
    def change(raster: np.ndarray) -> np.ndarray:
        width = round(SIDE * aspect)
        left = (width - SIDE) // 2
        kept = triangle(SIDE, width)[left:left + SIDE]
        return grey(np.einsum("wx,nyx->nyw", kept, raster, optimize=True))

    return change


KINDS: dict[str, Change] = {
    "border": border,
    **{f"aspect-{aspect:.2f}-pad": pad(aspect) for aspect in ASPECTS},
    **{f"aspect-{aspect:.2f}-crop": crop(aspect) for aspect in ASPECTS},
}


def file_name(arm: str, kind: str) -> str:
    """The name, without ending, of the raw results of one arm and one kind."""
    return f"ablation-{arm}.{kind}"


def ablated(raster: np.ndarray, scores: Callable[[np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
    """Logits by kind, of u8 [N,224,224]. ``scores`` takes changed rasters u8 [B,224,224], and hashes those."""
    found: dict[str, np.ndarray] = {}
    for kind, change in KINDS.items():
        bar, parts = Bar(f"ablation {kind}", len(raster)), []
        for at in range(0, len(raster), BATCH):
            parts.append(scores(change(raster[at:at + BATCH])))
            bar.show(min(at + BATCH, len(raster)))
        found[kind] = np.concatenate(parts)
    return found
