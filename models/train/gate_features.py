"""What the quality gate looks at, in integers: host/pipeline/quality-features.ts computes the same numbers."""

import numpy as np

SIDE, CELLS, CELL, LEVELS = 224, 8, 28, 4
NAMES = [*(f"cell {row},{column}" for row in range(CELLS) for column in range(CELLS)),
         *(f"{what} edges at {1 << level} px" for level in range(LEVELS) for what in ("upright", "level", "diagonal")),
         "black", "white"]
BATCH = 500


def log2(values: np.ndarray) -> np.ndarray:
    """256 · log2(value + 1), straight between powers of two, so that it is the same number on every machine."""
    values = values.astype(np.int64) + 1
    exponent = sum((values >= 1 << bit).astype(np.int64) for bit in range(1, 33))
    return exponent * 256 + ((values - (1 << exponent)) * 256 >> exponent)


def layout(films: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The film in 8 by 8 cells, whatever its brightness and contrast: int [N,64] in 1/64 deviations; deviation [N]."""
    sums = films.reshape(-1, CELLS, CELL, CELLS, CELL).sum(axis=(2, 4), dtype=np.int64).reshape(-1, CELLS * CELLS)
    means = sums * 8 // (CELL * CELL)
    centred = means * CELLS * CELLS - means.sum(axis=1, keepdims=True)
    variance = (centred ** 2).sum(axis=1) // (CELLS * CELLS)
    deviation = np.maximum(np.floor(np.sqrt(variance.astype(float))).astype(np.int64), 1)
    return centred * 64 // deviation[:, None], deviation


def detail(films: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Upright, level and diagonal edges at 1, 2, 4 and 8 pixels, against the contrast: int [N,12] in 1/256 doublings."""
    level, columns = films.astype(np.int64), []
    for _ in range(LEVELS):
        a, b, c, d = level[:, ::2, ::2], level[:, ::2, 1::2], level[:, 1::2, ::2], level[:, 1::2, 1::2]
        columns += [np.abs(edges).sum(axis=(1, 2)) for edges in (a - b + c - d, a + b - c - d, a - b - c + d)]
        level = a + b + c + d
    return log2(np.stack(columns, axis=1)) - log2(deviation)[:, None]


def greys(films: np.ndarray) -> np.ndarray:
    """Thousandths of the pixels that are nearly black (under 16) and nearly white (240 and over): int [N,2]."""
    flat = films.reshape(len(films), -1)
    return np.stack([(flat < 16).sum(axis=1), (flat >= 240).sum(axis=1)], axis=1) * 1000 // flat.shape[1]


def features(films: np.ndarray) -> np.ndarray:
    """int [N,78] of u8 [N,224,224], as NAMES lists them."""
    parts = []
    for start in range(0, len(films), BATCH):
        part = films[start:start + BATCH]
        cells, deviation = layout(part)
        parts.append(np.concatenate([cells, detail(part, deviation), greys(part)], axis=1))
    return np.concatenate(parts)


def spread(films: np.ndarray) -> np.ndarray:
    """Grey levels between the 1st and the 99th percentile, as host/pipeline/quality.ts counts them: int [N]."""
    tail, out = SIDE * SIDE / 100, np.empty(len(films), dtype=np.int64)
    for i, film in enumerate(films):
        counts = np.bincount(film.ravel(), minlength=256)
        out[i] = 255 - np.argmax(np.cumsum(counts[::-1]) > tail) - np.argmax(np.cumsum(counts) > tail)
    return out
