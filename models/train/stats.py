"""Tests and intervals for paired diagnostic comparisons: labels in {0,1}, scores of any scale.

Each function states the paper it follows; test_stats.py holds it to a published worked example or to an
independent computation.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, norm

from metrics import auc


@dataclass(frozen=True)
class Paired:
    """A paired comparison of two AUCs: difference first − second, its standard error, correlation and two-sided p."""

    auc: tuple[float, float]
    difference: float
    error: float
    correlation: float
    p: float


def _placements(label: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each positive the share of negatives below it, for each negative the share of positives above it."""
    positive, negative = score[label > 0.5], score[label < 0.5]
    wins = (positive[:, None] > negative).astype(float) + 0.5 * (positive[:, None] == negative)
    return wins.mean(axis=1), wins.mean(axis=0)


def delong(label: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUCs [K] and their covariance [K,K] of scores [K,N] on the same cases (DeLong et al., Biometrics 1988)."""
    placed = [_placements(label, score) for score in scores]
    of_positives = np.array([v for v, _ in placed])
    of_negatives = np.array([v for _, v in placed])
    covariance = (np.atleast_2d(np.cov(of_positives)) / of_positives.shape[1]
                  + np.atleast_2d(np.cov(of_negatives)) / of_negatives.shape[1])
    return of_positives.mean(axis=1), covariance


def delong_paired(label: np.ndarray, first: np.ndarray, second: np.ndarray) -> Paired:
    """DeLong's test that two scores of the same cases have the same AUC; cases count as independent."""
    areas, covariance = delong(label, np.array([first, second]))
    difference = float(areas[0] - areas[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    scale = float(np.sqrt(covariance[0, 0] * covariance[1, 1]))
    correlation = float(covariance[0, 1] / scale) if scale > 0 else 1.0
    # Equal rankings leave rounding noise as variance: no difference, no evidence of one.
    error = float(np.sqrt(variance)) if variance > 1e-15 else 0.0
    p = float(2 * norm.sf(abs(difference) / error)) if error else float(difference == 0)
    return Paired((float(areas[0]), float(areas[1])), difference, error, correlation, p)


def mcnemar(first_right: np.ndarray, second_right: np.ndarray) -> tuple[int, int, float]:
    """Cases that only the first, and only the second, gets right; exact two-sided p (McNemar 1947, binomial)."""
    only_first = int((first_right & ~second_right).sum())
    only_second = int((second_right & ~first_right).sum())
    discordant = only_first + only_second
    return only_first, only_second, float(binomtest(only_first, discordant).pvalue) if discordant else 1.0


def holm(p: list[float]) -> list[float]:
    """Adjusted p-values in the given order (Holm, Scand J Stat 1979)."""
    adjusted, worst = [0.0] * len(p), 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        worst = max(worst, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = worst
    return adjusted


@dataclass(frozen=True)
class Resamples:
    """Bootstrap draws: how often each case is drawn, float64 [R,N], and each seed's weight [R,S], rows summing to 1."""

    cases: np.ndarray
    seeds: np.ndarray


def seed_weights(names: list[tuple[int, int]]) -> np.ndarray:
    """The weight of each (backbone, head) in a mean over backbones of means over heads, [S], summing to 1."""
    backbones = [b for b, _ in names]
    return np.array([1 / (backbones.count(b) * len(set(backbones))) for b in backbones])


def draw_cases(rng: np.random.Generator, patient: np.ndarray, label: np.ndarray, resamples: int) -> np.ndarray:
    """Whole patients with replacement: how often each case is drawn, float64 [R,N]; every draw has both classes."""
    if len(set(label)) != 2:
        raise ValueError("both classes are needed")
    _, index = np.unique(patient, return_inverse=True)
    count = index.max() + 1
    drawn = np.empty((resamples, len(patient)))
    for r in range(resamples):
        while True:
            times = np.bincount(rng.integers(0, count, count), minlength=count)[index]
            if 0 < (times * label).sum() < times.sum():
                break
        drawn[r] = times
    return drawn


def draw_seeds(rng: np.random.Generator, names: list[tuple[int, int]], resamples: int) -> np.ndarray:
    """Backbones with replacement, then heads with replacement within each drawn backbone: weights [R,S]."""
    backbones = sorted({b for b, _ in names})
    columns = {b: np.array([i for i, (of, _) in enumerate(names) if of == b]) for b in backbones}
    drawn = np.zeros((resamples, len(names)))
    for r in range(resamples):
        for slot in rng.integers(0, len(backbones), len(backbones)):
            heads = columns[backbones[slot]]
            np.add.at(drawn[r], heads[rng.integers(0, len(heads), len(heads))], 1 / (len(heads) * len(backbones)))
    return drawn


def resampled_auc(label: np.ndarray, scores: np.ndarray, cases: np.ndarray) -> np.ndarray:
    """AUC of each draw of cases [R,N] and each column of scores [N,S]: [R,S].

    Sums of products of small whole numbers, so that no order of summation can change a bit of the result.
    """
    positive = label > 0.5
    of_positives, of_negatives = cases[:, positive], cases[:, ~positive]
    pairs = of_positives.sum(axis=1) * of_negatives.sum(axis=1)
    found = np.empty((len(cases), scores.shape[1]))
    for s in range(scores.shape[1]):
        above, below = scores[positive, s][:, None], scores[~positive, s]
        doubled = 2.0 * (above > below) + (above == below)
        found[:, s] = ((of_positives @ doubled) * of_negatives).sum(axis=1) / (2 * pairs)
    return found


def interval(draws: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of bootstrap draws [R]."""
    tail = 50 * (1 - level)
    low, high = np.percentile(draws, [tail, 100 - tail])
    return float(low), float(high)


def bootstrap_p(draws: np.ndarray) -> float:
    """Two-sided p of "no difference" from the draws of a difference; never below 2/(R+1) (Davison and Hinkley 1997)."""
    less = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    return min(1.0, 2 * (less + 1) / (len(draws) + 1))


def bootstrap_tost(draws: np.ndarray, margin: float) -> float:
    """The larger of the two one-sided p-values of "the difference is ±margin or more" (Schuirmann 1987)."""
    outside = max(int((draws <= -margin).sum()), int((draws >= margin).sum()))
    return min(1.0, (outside + 1) / (len(draws) + 1))


def brier(label: np.ndarray, probability: np.ndarray) -> float:
    """Mean squared difference of probability and outcome (Brier 1950)."""
    return float(((probability - label) ** 2).mean())


def calibration_line(label: np.ndarray, logit: np.ndarray) -> tuple[float, float]:
    """Slope of a logistic regression of the outcome on the logit; calibration in the large: the intercept at slope 1.

    Cox 1958, as in Steyerberg's and TRIPOD's use: 1 and 0 are ideal; a slope below 1 is overconfidence, an
    intercept below 0 means that positives are overstated. Nan where Newton's method finds no maximum.
    """
    slope = _newton(label, np.column_stack([np.ones_like(logit), logit]), np.zeros_like(logit))[1]
    return slope, _newton(label, np.ones((len(logit), 1)), logit)[0]


def _newton(label: np.ndarray, design: np.ndarray, offset: np.ndarray) -> list[float]:
    """Maximum-likelihood coefficients of a logistic regression; halves a step that would not climb."""
    def likelihood(beta: np.ndarray) -> float:
        z = design @ beta + offset
        return float((label * z - np.logaddexp(0, z)).sum())

    beta = np.zeros(design.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(-(design @ beta + offset)))
        information = (design * (p * (1 - p))[:, None]).T @ design
        step = np.linalg.lstsq(information, design.T @ (label - p), rcond=None)[0]
        # The last step, whole: so near the maximum, likelihoods differ by less than they are rounded.
        if np.abs(step).max() < 1e-6:
            return [float(v) for v in beta + step]
        size = 1.0
        while size > 1e-6 and likelihood(beta + size * step) < likelihood(beta):
            size /= 2
        beta = beta + size * step
    return [float("nan")] * len(beta)


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability plot: mean stated probability, observed share of positives, cases."""

    stated: float
    observed: float
    count: int


def reliability(label: np.ndarray, probability: np.ndarray, bins: int = 15) -> list[Bin]:
    """Equal-width bins of the stated probability, empty ones left out; their weighted mean gap is the ECE."""
    bin_of = np.minimum((probability * bins).astype(int), bins - 1)
    return [Bin(float(probability[bin_of == b].mean()), float(label[bin_of == b].mean()), int((bin_of == b).sum()))
            for b in range(bins) if (bin_of == b).any()]


def sensitivity_at_specificity(label: np.ndarray, score: np.ndarray, specificity: float) -> float:
    """The best sensitivity of ``score >= threshold`` with at least that specificity on the same cases."""
    negatives = np.sort(score[label < 0.5])
    allowed = int(np.floor((1 - specificity) * len(negatives) + 1e-9))
    # One step above the highest negative that must be called negative.
    limit = negatives[len(negatives) - allowed - 1]
    return float((score[label > 0.5] > limit).mean())
