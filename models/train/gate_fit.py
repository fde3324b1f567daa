"""The gate's rules: fitted here in floating point, kept as integers, judged with the integers alone.

Standardised features (z, in 1/64 deviations of train films) go into linear rules, one per kind of spoilt film, and
into one distance from the films at hand (Mahalanobis) that also meets what no rule was fitted to.
"""

from dataclasses import asdict, dataclass

import numpy as np

from gate_features import CELLS, features, spread

UNIT = 64
Z_MAX = 4095
WEIGHT_UNIT = 1024
SHRINKAGE, RIDGE, STEPS = 0.01, 3e-4, 25
# Of films, images of other reasons, and images of its own kind in what a rule is fitted to.
SHARES = (0.4, 0.2, 0.4)
CONTRAST_MIN = 24
# Where between the train film that comes nearest and the corpus a rule's limit lies: nearer to the corpus, since films
# from other machines differ from these more than drawn images differ from each other.
TOWARDS_CORPUS, CORPUS_TAIL = 0.6, 0.02
DISTANCE_QUANTILE, DISTANCE_MARGIN = 0.998, 1.5


@dataclass(frozen=True)
class Rule:
    """Fires where the sum of weight · z is over the limit; units of 1/65536 of a logit."""

    kind: str
    reason: str
    weights: list[int]
    limit: int


@dataclass(frozen=True)
class Gate:
    """``mean`` and ``scale`` make z = (feature − mean) · scale / 1024; ``whitening``: lower triangle, row by row."""

    mean: list[int]
    scale: list[int]
    whitening: list[list[int]]
    distance: int
    rules: list[Rule]

    def as_dict(self) -> dict:
        return asdict(self)


def standardised(found: np.ndarray, mean: list[int], scale: list[int]) -> np.ndarray:
    """int [N,78], cut at 64 deviations."""
    return np.clip((found - np.array(mean)) * np.array(scale) // WEIGHT_UNIT, -Z_MAX, Z_MAX)


def logistic(z: np.ndarray, hostile: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Weights [79], the last the constant: tells ``hostile`` from films and, with less weight, from other reasons' images.

    Ridge-regularised, by Newton's method.
    """
    parts = [z, others, hostile]
    x = np.concatenate([np.concatenate(parts) / UNIT, np.ones((sum(map(len, parts)), 1))], axis=1)
    y = np.repeat([0.0, 0.0, 1.0], [len(part) for part in parts])
    share = np.concatenate([np.full(len(part), w / len(part)) for part, w in zip(parts, SHARES, strict=True)])
    ridge = np.diag([2 * RIDGE] * (x.shape[1] - 1) + [1e-9])

    def loss(b: np.ndarray) -> float:
        score = x @ b
        return float((share * (np.logaddexp(0, score) - y * score)).sum() + b @ ridge @ b / 2)

    b = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ b, -30, 30)))
        slope = x.T @ (share * (p - y)) + ridge @ b
        step = np.linalg.solve((x * (share * p * (1 - p))[:, None]).T @ x + ridge, slope)
        while loss(b - step) > loss(b) and np.abs(step).max() > 1e-9:
            step = step / 2
        b = b - step
    return b


def rule_of(kind: str, reason: str, near: np.ndarray, films: np.ndarray, hostile: np.ndarray,
            others: np.ndarray) -> Rule:
    """``near``: what to tell apart from (films and their variations); ``films``: train films as they are; all z."""
    weights = np.rint(logistic(near, hostile, others)[:-1] * WEIGHT_UNIT).astype(np.int64)
    highest, corpus = int((films @ weights).max()), np.quantile(hostile @ weights, CORPUS_TAIL)
    limit = highest + TOWARDS_CORPUS * max(0.0, corpus - highest)
    return Rule(kind, reason, weights.tolist(), round(limit))


def whitening_of(z: np.ndarray) -> list[list[int]]:
    covariance = np.cov(z.T / UNIT) + SHRINKAGE * np.eye(z.shape[1])
    lower = np.linalg.inv(np.linalg.cholesky(covariance))
    return [np.rint(row[:i + 1] * WEIGHT_UNIT).astype(int).tolist() for i, row in enumerate(lower)]


def distances(z: np.ndarray, whitening: list[list[int]]) -> np.ndarray:
    """Squared Mahalanobis distance, int [N] in 1/4096."""
    lower = np.zeros((len(whitening), len(whitening)), dtype=np.int64)
    for i, row in enumerate(whitening):
        lower[i, :i + 1] = row
    return ((z @ lower.T // WEIGHT_UNIT) ** 2).sum(axis=1)


def fit(films: np.ndarray, varied: np.ndarray, corpus: dict[str, tuple[str, np.ndarray]]) -> Gate:
    """``films``, ``varied`` and each kind's images (with its reason) are features int [N,78]."""
    near = np.concatenate([films, varied])
    deviation = near.std(axis=0)
    # One deviation for all cells: a border that is black in every film must not weigh the more for it.
    deviation[:CELLS * CELLS] = deviation[:CELLS * CELLS].mean()
    deviation = np.maximum(deviation, 1)
    mean = np.rint(near.mean(axis=0)).astype(int).tolist()
    scale = np.rint(UNIT * WEIGHT_UNIT / deviation).astype(int).tolist()
    z, z_films = standardised(near, mean, scale), standardised(films, mean, scale)
    whitening = whitening_of(z)
    distance = round(DISTANCE_MARGIN * float(np.quantile(distances(z_films, whitening), DISTANCE_QUANTILE)))
    made = {kind: (reason, standardised(found, mean, scale)) for kind, (reason, found) in corpus.items()}
    rules = []
    for kind, (reason, own) in made.items():
        # The distance alone names these: it meets all of them, and much that nobody thought of.
        if reason != "NOT_A_CHEST_FILM" and reason != "LOW_CONTRAST":
            others = np.concatenate([found for other, found in made.values() if other != reason])
            rules.append(rule_of(kind, reason, z, z_films, own, others))
    return Gate(mean, scale, whitening, distance, rules)


def judge(gate: Gate, films: np.ndarray) -> list[str | None]:
    """The reason not to assess each of u8 [N,224,224], None where there is none: what the host says, bit for bit."""
    z = standardised(features(films), gate.mean, gate.scale)
    over = np.stack([z @ np.array(rule.weights) - rule.limit for rule in gate.rules], axis=1)
    surest, far = over.argmax(axis=1), distances(z, gate.whitening) > gate.distance
    flat = spread(films) < CONTRAST_MIN
    return ["LOW_CONTRAST" if flat[i] else gate.rules[surest[i]].reason if over[i, surest[i]] > 0
            else "NOT_A_CHEST_FILM" if far[i] else None for i in range(len(films))]
