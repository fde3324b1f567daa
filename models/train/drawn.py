"""Drawn images that are no chest films: u8 [224,224], all from a seeded generator, none of them real.

The body parts are drawings: bright bones in grey soft tissue on black. They show what the gate does with pictures that
are plainly laid out otherwise than a chest; they say little of real radiographs of hands or skulls.
"""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIDE, DRAWN = 224, 448
Rng = np.random.Generator
WORDS = ("patient report finding normal left right upper lower lobe date of birth exposure view series image clear "
         "heart size within limits no effusion seen compared with previous study invoice total amount due").split()


def grey(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def grid() -> tuple[np.ndarray, np.ndarray]:
    """y and x, each [224,224] in -1…1."""
    line = np.linspace(-1, 1, SIDE)
    return np.meshgrid(line, line, indexing="ij")


def blank(rng: Rng) -> np.ndarray:
    """One grey with a little sensor noise, sometimes with a marker or a border."""
    image = np.full((SIDE, SIDE), rng.uniform(0, 255)) + rng.normal(0, rng.uniform(0, 4), (SIDE, SIDE))
    if rng.random() < 0.3:
        y, x = rng.integers(4, 190, 2)
        image[y:y + rng.integers(6, 24), x:x + rng.integers(6, 24)] = rng.choice([0, 255])
    if rng.random() < 0.3:
        width = rng.integers(1, 12)
        image[:width] = image[-width:] = rng.choice([0, 255])
    return grey(image)


def gradient(rng: Rng) -> np.ndarray:
    y, x = grid()
    angle, kind = rng.uniform(0, 2 * math.pi), rng.integers(3)
    along = x * math.cos(angle) + y * math.sin(angle)
    if kind == 1:
        along = np.hypot(x - rng.uniform(-1, 1), y - rng.uniform(-1, 1)) * rng.choice([-1, 1])
    if kind == 2:
        along = along * (x * math.sin(angle) + rng.uniform(-1, 1))
    along = (along - along.min()) / np.ptp(along)
    low, high = rng.uniform(0, 80), rng.uniform(140, 255)
    return grey(low + (high - low) * along ** rng.uniform(0.5, 2) + rng.normal(0, rng.uniform(0, 3), x.shape))


def smoothed(image: np.ndarray, radius: float) -> np.ndarray:
    return np.asarray(Image.fromarray(grey(image)).filter(ImageFilter.GaussianBlur(radius)), dtype=float)


def stretched(image: np.ndarray, low: float = 0, high: float = 255) -> np.ndarray:
    return low + (image - image.min()) / max(np.ptp(image), 1e-9) * (high - low)


def noise(rng: Rng) -> np.ndarray:
    """White, salt and pepper, or cloudy at some scale."""
    kind = rng.integers(4)
    if kind == 0:
        return grey(rng.normal(rng.uniform(60, 190), rng.uniform(12, 80), (SIDE, SIDE)))
    if kind == 1:
        return np.where(rng.random((SIDE, SIDE)) < rng.uniform(0.1, 0.9), 255, 0).astype(np.uint8)
    cells = int(rng.choice([4, 7, 14, 28, 56]))
    coarse = Image.fromarray(grey(rng.uniform(0, 255, (cells, cells))))
    cloud = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=float)
    return grey(cloud + rng.normal(0, rng.uniform(0, 20), (SIDE, SIDE)))


def checkerboard(rng: Rng) -> np.ndarray:
    """Boards, stripes, rings."""
    y, x = grid()
    cell, phase = rng.uniform(4, 60) / 112, rng.uniform(0, 6, 2)
    angle = rng.choice([0, 0, rng.uniform(0, math.pi)])
    u, v = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    across, down = np.sin(u / cell * math.pi + phase[0]), np.sin(v / cell * math.pi + phase[1])
    wave = [across * down, across, np.sin(np.hypot(x, y) / cell * math.pi + phase[0])][rng.integers(3)]
    return grey(np.where(wave > 0, rng.uniform(150, 255), rng.uniform(0, 100)) + rng.normal(0, 3, x.shape))


def text(rng: Rng) -> np.ndarray:
    """A page, a form or a screen of words; now and then turned a little."""
    paper, ink = (rng.integers(200, 256), rng.integers(0, 70)) if rng.random() < 0.75 else (rng.integers(0, 40), 235)
    page = Image.new("L", (DRAWN, DRAWN), int(paper))
    draw, margin = ImageDraw.Draw(page), int(rng.integers(0, 60))
    y, columns = margin, int(rng.integers(1, 3))
    while y < DRAWN - margin:
        size = int(rng.choice([10, 12, 14, 18, 26, 40], p=[.2, .25, .25, .15, .1, .05]))
        font = ImageFont.load_default(size)
        for column in range(columns):
            words = " ".join(rng.choice(WORDS, int(rng.integers(1, 14))))
            left = margin + column * (DRAWN - margin) // columns
            draw.text((left, y), words[:int((DRAWN - 2 * margin) / columns / size * 2)], fill=int(ink), font=font)
        y += int(size * rng.choice([1.2, 1.4, 2.4]))
    turned = page.rotate(rng.choice([0, 0, rng.uniform(-15, 15)]), fillcolor=int(paper))
    return grey(np.asarray(turned.resize((SIDE, SIDE), Image.Resampling.BILINEAR)) + rng.normal(0, 2, (SIDE, SIDE)))


def shapes(rng: Rng) -> np.ndarray:
    """Boxes, ellipses and lines of any grey."""
    image = Image.new("L", (SIDE, SIDE), int(rng.integers(256)))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(2, 14))):
        x, y = np.sort(rng.integers(-40, 264, 2)), np.sort(rng.integers(-40, 264, 2))
        box = [int(x[0]), int(y[0]), int(x[1]) + 1, int(y[1]) + 1]
        what, fill = rng.integers(3), int(rng.integers(256))
        if what == 2:
            draw.line(box, fill=fill, width=int(rng.integers(1, 14)))
        else:
            [draw.rectangle, draw.ellipse][what](box, fill=fill)
    return grey(smoothed(np.asarray(image), rng.uniform(0, 3)) + rng.normal(0, rng.uniform(0, 6), (SIDE, SIDE)))


class Sketch:
    """Soft tissue and bones added up on black, in units of 0…1 of the side, finished with blur, grain and exposure."""

    def __init__(self, rng: Rng) -> None:
        self.rng, self.sum = rng, np.zeros((DRAWN, DRAWN))

    def add(self, brightness: float, what: str, points: list[tuple[float, float]], width: float = 0.1) -> None:
        layer = Image.new("L", (DRAWN, DRAWN))
        draw, spots = ImageDraw.Draw(layer), [(x * DRAWN, y * DRAWN) for x, y in points]
        if what == "ellipse":
            draw.ellipse([*spots[0], *spots[1]], fill=255)
        else:
            draw.line(spots, fill=255, width=max(1, int(width * DRAWN)), joint="curve")
            for x, y in spots:
                r = width * DRAWN / 2
                draw.ellipse([x - r, y - r, x + r, y + r], fill=255)
        soft = layer.filter(ImageFilter.GaussianBlur(self.rng.uniform(2, 6)))
        self.sum += np.asarray(soft, dtype=float) / 255 * brightness

    def finish(self) -> np.ndarray:
        rng = self.rng
        image = Image.fromarray(grey(np.clip(self.sum, 0, 1) * 235 + rng.uniform(0, 20)))
        image = image.rotate(rng.uniform(-12, 12), translate=tuple(int(v) for v in rng.integers(-24, 25, 2)))
        small = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=float) / 255
        return grey(255 * small ** rng.uniform(0.7, 1.4) + rng.normal(0, rng.uniform(1, 5), small.shape))


def hand(rng: Rng) -> np.ndarray:
    sketch = Sketch(rng)
    wrist = (0.5 + rng.uniform(-0.05, 0.05), 0.92)
    for i, reach in enumerate((0.42, 0.62, 0.68, 0.62, 0.5)):
        angle = math.radians(-90 + (i - 2) * rng.uniform(14, 20) - (15 if i == 0 else 0))
        tip = (wrist[0] + reach * math.cos(angle), wrist[1] + reach * math.sin(angle) * 1.15)
        knuckle = tuple(w + (t - w) * 0.5 for w, t in zip(wrist, tip, strict=True))
        sketch.add(0.32, "line", [wrist, tip], 0.085)
        sketch.add(0.4, "line", [knuckle, tip], 0.03)
        sketch.add(0.4, "line", [wrist, knuckle], 0.035)
    sketch.add(0.35, "line", [wrist, (wrist[0], 1.1)], rng.uniform(0.15, 0.22))
    return sketch.finish()


def limb(rng: Rng) -> np.ndarray:
    """An arm or a leg: one shaft or two in soft tissue, with a joint."""
    sketch, lean, x = Sketch(rng), rng.uniform(-0.15, 0.15), rng.uniform(0.4, 0.6)
    ends, tissue = [(x - lean, -0.1), (x, 0.5), (x + lean * rng.uniform(0, 3), 1.1)], rng.uniform(0.22, 0.5)
    sketch.add(rng.uniform(0.25, 0.4), "line", ends, tissue)
    for shift in ([0.0] if rng.random() < 0.5 else [-tissue / 4, tissue / 5]):
        sketch.add(0.4, "line", [(px + shift, py) for px, py in ends], rng.uniform(0.05, 0.1))
    sketch.add(0.25, "ellipse", [(x - tissue / 2.4, 0.42), (x + tissue / 2.4, 0.58)])
    return sketch.finish()


def skull(rng: Rng) -> np.ndarray:
    sketch, w = Sketch(rng), rng.uniform(0.32, 0.4)
    sketch.add(0.75, "ellipse", [(0.5 - w, 0.06), (0.5 + w, 0.82)])
    sketch.add(-0.2, "ellipse", [(0.54 - w, 0.1), (0.46 + w, 0.78)])
    for side in (-1, 1):
        eye = 0.5 + side * w * 0.42
        sketch.add(-0.25, "ellipse", [(eye - 0.09, 0.48), (eye + 0.09, 0.62)])
    sketch.add(-0.2, "ellipse", [(0.46, 0.6), (0.54, 0.74)])
    sketch.add(0.5, "line", [(0.5 - w * 0.5, 0.78), (0.5, 0.93), (0.5 + w * 0.5, 0.78)], 0.09)
    return sketch.finish()


def pelvis(rng: Rng) -> np.ndarray:
    """Abdomen and pelvis: grey throughout, a spine, two iliac wings, two femora."""
    sketch = Sketch(rng)
    sketch.add(rng.uniform(0.35, 0.5), "ellipse", [(-0.05, -0.2), (1.05, 1.2)])
    sketch.add(0.3, "line", [(0.5, -0.1), (0.5, 0.55)], 0.12)
    for side in (-1, 1):
        sketch.add(0.28, "ellipse", [(0.5 + side * 0.24 - 0.16, 0.42), (0.5 + side * 0.24 + 0.16, 0.72)])
        sketch.add(0.3, "line", [(0.5 + side * 0.3, 0.76), (0.5 + side * 0.36, 1.1)], 0.09)
    for _ in range(int(rng.integers(2, 7))):
        x, y = rng.uniform(0.2, 0.8), rng.uniform(0.05, 0.5)
        sketch.add(-0.15, "ellipse", [(x - 0.06, y - 0.04), (x + 0.06, y + 0.04)])
    return sketch.finish()


def slice_of_body(rng: Rng) -> np.ndarray:
    """As an axial CT slice: an ellipse on black with ring, lungs lying beside each other, a vertebra below."""
    sketch, h = Sketch(rng), rng.uniform(0.24, 0.34)
    sketch.add(0.5, "ellipse", [(0.08, 0.5 - h), (0.92, 0.5 + h)])
    for side in (-1, 1):
        sketch.add(-0.4, "ellipse", [(0.5 + side * 0.2 - 0.13, 0.5 - h * 0.7), (0.5 + side * 0.2 + 0.13, 0.5 + h * 0.6)])
    sketch.add(0.4, "ellipse", [(0.44, 0.5 + h * 0.5), (0.56, 0.5 + h * 0.85)])
    return sketch.finish()


def ultrasound(rng: Rng) -> np.ndarray:
    """A fan of speckle on black."""
    y, x = grid()
    away, angle = np.hypot(x, y + 1.1), np.arctan2(x, y + 1.1)
    speckle = smoothed(rng.gamma(1.2, 70, (SIDE, SIDE)), rng.uniform(0.8, 2))
    layers = 1 + 0.4 * np.sin(away * rng.uniform(6, 20) + rng.uniform(0, 6))
    fan = (np.abs(angle) < rng.uniform(0.5, 0.9)) & (away > 0.3) & (away < 2)
    return grey(np.where(fan, speckle * layers, 4))


def scene(rng: Rng) -> np.ndarray:
    """A landscape with a house: sky above, ground below."""
    y, x = grid()
    horizon = rng.uniform(-0.3, 0.4)
    image = np.where(y < horizon + 0.08 * np.sin(x * rng.uniform(2, 9)), rng.uniform(160, 240), rng.uniform(40, 120))
    image += rng.normal(0, rng.uniform(2, 15), x.shape) * (y > horizon)
    cx, w = rng.uniform(-0.6, 0.6), rng.uniform(0.15, 0.4)
    image[(np.abs(x - cx) < w) & (np.abs(y - horizon) < w)] = rng.uniform(20, 220)
    image[(np.abs(x - cx) < (y - horizon + 2 * w)) & (y < horizon - w) & (y > horizon - 2 * w)] = rng.uniform(20, 120)
    return grey(smoothed(image, rng.uniform(0.5, 1.5)))
