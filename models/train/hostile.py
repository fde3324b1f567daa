"""The hostile corpus: images that must not get a probability, made from a seed and from films of one split.

Mirrored films are not in it: a mirrored chest is a chest, and no gate on grey levels can tell.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

import drawn
from drawn import SIDE, Rng, grey, grid

Make = Callable[[Rng, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Kind:
    """``reason``: what a radiographer would say. ``fitted``: whether the class was seen in fitting."""

    make: Make
    reason: str
    fitted: bool = True


def any_film(rng: Rng, films: np.ndarray) -> np.ndarray:
    return films[rng.integers(len(films))]


def exposed(rng: Rng, film: np.ndarray) -> np.ndarray:
    """The same film in another exposure."""
    return grey(255 * (film / 255.0) ** math.exp(rng.uniform(-0.35, 0.35)))


def inverted(rng: Rng, films: np.ndarray) -> np.ndarray:
    return 255 - exposed(rng, any_film(rng, films))


def turned(quarters: int) -> Make:
    return lambda rng, films: np.rot90(exposed(rng, any_film(rng, films)), quarters).copy()


def tilted(rng: Rng, films: np.ndarray) -> np.ndarray:
    """By 30 to 60° either way; corners are black, white or grey."""
    film = Image.fromarray(exposed(rng, any_film(rng, films)))
    angle = rng.choice([-1, 1]) * rng.uniform(30, 60)
    fill = int(rng.choice([0, 0, 255, rng.integers(256)]))
    whole = film.rotate(angle, Image.Resampling.BILINEAR, expand=bool(rng.random() < 0.5), fillcolor=fill)
    return np.asarray(whole.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def cropped(rng: Rng, films: np.ndarray) -> np.ndarray:
    """A quarter to a half of the width and of the height, from anywhere."""
    width, height = (int(v) for v in rng.uniform(0.25, 0.5, 2) * SIDE)
    x, y = int(rng.integers(SIDE - width)), int(rng.integers(SIDE - height))
    part = Image.fromarray(exposed(rng, any_film(rng, films))).crop((x, y, x + width, y + height))
    return np.asarray(part.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def blurred(rng: Rng, films: np.ndarray) -> np.ndarray:
    """Beyond use: a deviation of 5 to 14 pixels of 224."""
    film = Image.fromarray(exposed(rng, any_film(rng, films))).filter(ImageFilter.GaussianBlur(rng.uniform(5, 14)))
    return grey(np.asarray(film) + rng.normal(0, rng.uniform(0, 1), (SIDE, SIDE)))


def keystone(rng: Rng, film: np.ndarray) -> np.ndarray:
    """The film on a screen seen at an angle, with the screen's frame and the room around it."""
    margin = rng.uniform(0.02, 0.16, 8) * SIDE
    corners = [(margin[0], margin[1]), (SIDE - margin[2], margin[3]), (SIDE - margin[4], SIDE - margin[5]),
               (margin[6], SIDE - margin[7])]
    sources = [(0, 0), (SIDE, 0), (SIDE, SIDE), (0, SIDE)]
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, sources, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    coefficients = tuple(np.linalg.solve(np.array(rows), np.array(values)))
    size, how = (SIDE, SIDE), Image.Transform.PERSPECTIVE
    seen = Image.fromarray(film).transform(size, how, coefficients, Image.Resampling.BILINEAR)
    inside = Image.new("L", size, 255).transform(size, how, coefficients, Image.Resampling.BILINEAR)
    room = rng.uniform(5, 60) + rng.uniform(0, 40) * grid()[rng.integers(2)]
    share = np.asarray(inside) / 255
    return np.asarray(seen) * share + room * (1 - share)


def screen(rng: Rng, films: np.ndarray) -> np.ndarray:
    """A photo of a monitor, simulated: keystone, moiré of the pixel grid, glare, flat contrast."""
    y, x = grid()
    image = keystone(rng, exposed(rng, any_film(rng, films)))
    for _ in range(int(rng.integers(1, 4))):
        angle, lines = rng.uniform(0, math.pi), rng.uniform(12, 100)
        bend = rng.uniform(-6, 6) * (x ** 2 + y ** 2)
        wave = np.sin(math.pi * lines * (x * math.cos(angle) + y * math.sin(angle)) + bend)
        image = image * (1 + rng.uniform(0.05, 0.2) * wave)
    cx, cy = rng.uniform(-0.8, 0.8, 2)
    glare = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / rng.uniform(0.02, 0.2)) * rng.uniform(20, 160)
    return grey(image * rng.uniform(0.6, 0.95) + glare + rng.uniform(0, 35) + rng.normal(0, rng.uniform(1, 5), x.shape))


def mosaic(rng: Rng, films: np.ndarray) -> np.ndarray:
    """Several films on one sheet, with or without gaps."""
    across, down = [(2, 1), (1, 2), (2, 2), (3, 2), (3, 3)][rng.integers(5)]
    gap, image = int(rng.integers(0, 7)), np.full((SIDE, SIDE), rng.choice([0, 255]), dtype=np.uint8)
    xs, ys = np.linspace(0, SIDE, across + 1).astype(int), np.linspace(0, SIDE, down + 1).astype(int)
    for left, right in zip(xs, xs[1:], strict=False):
        for top, bottom in zip(ys, ys[1:], strict=False):
            film = Image.fromarray(any_film(rng, films))
            small = film.resize((right - left - gap, bottom - top - gap), Image.Resampling.BILINEAR)
            image[top:bottom - gap, left:right - gap] = np.asarray(small)
    return image


def plain(make: Callable[[Rng], np.ndarray]) -> Make:
    return lambda rng, _: make(rng)


NOT_CHEST = "NOT_A_CHEST_FILM"
KINDS: dict[str, Kind] = {
    "blank": Kind(plain(drawn.blank), "LOW_CONTRAST"),
    "gradient": Kind(plain(drawn.gradient), NOT_CHEST),
    "noise": Kind(plain(drawn.noise), NOT_CHEST),
    "checkerboard": Kind(plain(drawn.checkerboard), NOT_CHEST),
    "shapes": Kind(plain(drawn.shapes), NOT_CHEST),
    "text": Kind(plain(drawn.text), "TEXT"),
    "inverted": Kind(inverted, "INVERTED"),
    "rotated-90": Kind(turned(1), "ROTATED"),
    "rotated-180": Kind(turned(2), "ROTATED"),
    "rotated-270": Kind(turned(3), "ROTATED"),
    "tilted": Kind(tilted, "ROTATED"),
    "cropped": Kind(cropped, "CROPPED"),
    "blurred": Kind(blurred, "BLURRED"),
    "screen": Kind(screen, "SCREEN"),
    "mosaic": Kind(mosaic, "SEVERAL_IMAGES"),
    "hand": Kind(plain(drawn.hand), NOT_CHEST, fitted=False),
    "limb": Kind(plain(drawn.limb), NOT_CHEST, fitted=False),
    "skull": Kind(plain(drawn.skull), NOT_CHEST, fitted=False),
    "pelvis": Kind(plain(drawn.pelvis), NOT_CHEST, fitted=False),
    "slice": Kind(plain(drawn.slice_of_body), NOT_CHEST, fitted=False),
    "ultrasound": Kind(plain(drawn.ultrasound), NOT_CHEST, fitted=False),
    "scene": Kind(plain(drawn.scene), NOT_CHEST, fitted=False),
}


def make(kind: str, count: int, films: np.ndarray, seed: int) -> np.ndarray:
    """u8 [count,224,224]; the same for the same seed, whatever other kinds are made."""
    rng = np.random.default_rng([seed, list(KINDS).index(kind)])
    return np.stack([KINDS[kind].make(rng, films) for _ in range(count)])


def friendly(films: np.ndarray, seed: int) -> np.ndarray:
    """Every film once more as it may come from elsewhere: mirrored, another exposure, set a little differently."""
    rng, out = np.random.default_rng([seed, 1000]), np.empty_like(films)
    for i, film in enumerate(films):
        image = Image.fromarray(exposed(rng, film[:, ::-1] if rng.random() < 0.5 else film))
        grown, shift = rng.uniform(0.88, 1.12, 2) * SIDE, rng.uniform(-0.05, 0.05, 2) * SIDE
        left, top = (SIDE - grown) / 2 + shift
        image = image.rotate(rng.uniform(-7, 7), Image.Resampling.BILINEAR)
        box = (left, top, left + grown[0], top + grown[1])
        out[i] = np.asarray(image.transform((SIDE, SIDE), Image.Transform.EXTENT, box, Image.Resampling.BILINEAR))
    return out
