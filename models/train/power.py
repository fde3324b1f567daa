"""What a test set of a given size can and cannot resolve: sample sizes, power and smallest resolvable differences.

Two-sided tests at level ``alpha`` with the stated power throughout.
"""

from collections.abc import Callable
from math import ceil, sqrt

from scipy.stats import norm

ALPHA, POWER = 0.05, 0.80


def _z(probability: float) -> float:
    return float(norm.ppf(probability))


def _search(enough: Callable[[float], bool], low: float, high: float) -> float:
    """The smallest value in [low, high] that is enough, to a millionth of the range; nan where none is."""
    if not enough(high):
        return float("nan")
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def mcnemar_images(gain: float, discordant: float, alpha: float = ALPHA, power: float = POWER) -> int:
    """Images for a paired difference in accuracy, given the share on which both disagree (Connor, Biometrics 1987)."""
    if not 0 < gain <= discordant <= 1:
        raise ValueError(f"a gain of {gain} with {discordant} discordant is not possible")
    root = _z(1 - alpha / 2) * sqrt(discordant) + _z(power) * sqrt(discordant - gain**2)
    return ceil((root / gain) ** 2)


def mcnemar_resolvable(images: int, discordant: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """The smallest paired difference in accuracy that this many images resolve; nan where none does."""
    return _search(lambda gain: mcnemar_images(gain, discordant, alpha, power) <= images, 1e-6, discordant)


def unpaired_images(first: float, second: float, alpha: float = ALPHA, power: float = POWER) -> int:
    """Images per arm to tell two proportions of independent samples apart (Fleiss, without continuity correction)."""
    mean = (first + second) / 2
    root = (_z(1 - alpha / 2) * sqrt(2 * mean * (1 - mean))
            + _z(power) * sqrt(first * (1 - first) + second * (1 - second)))
    return ceil((root / (first - second)) ** 2)


def auc_variance(area: float, positives: float, negatives: float) -> float:
    """Variance of an AUC by its size alone (Hanley and McNeil, Radiology 1982)."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    return (area * (1 - area) + (positives - 1) * (q1 - area**2) + (negatives - 1) * (q2 - area**2)) / (
        positives * negatives)


def paired_auc_error(first: float, second: float, correlation: float, positives: float, negatives: float) -> float:
    """Standard error of the difference of two AUCs of the same cases (Hanley and McNeil, Radiology 1983)."""
    a, b = auc_variance(first, positives, negatives), auc_variance(second, positives, negatives)
    return sqrt(a + b - 2 * correlation * sqrt(a * b))


def paired_auc_images(first: float, second: float, correlation: float, prevalence: float = 0.5,
                      alpha: float = ALPHA, power: float = POWER) -> int:
    """Images in all to tell two AUCs of the same cases apart."""
    wanted = abs(first - second) / (_z(1 - alpha / 2) + _z(power))

    def enough(images: float) -> bool:
        return paired_auc_error(first, second, correlation, images * prevalence, images * (1 - prevalence)) <= wanted

    return ceil(_search(enough, 10, 1e7) - 1e-3)


def resolvable(error: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """The smallest difference that an estimate with this standard error resolves."""
    return (_z(1 - alpha / 2) + _z(power)) * error


def power_of(difference: float, error: float, alpha: float = ALPHA) -> float:
    """The chance that a true difference is found, by a z test."""
    limit, shift = _z(1 - alpha / 2), difference / error
    return float(norm.sf(limit - shift) + norm.cdf(-limit - shift))


def half_width(proportion: float, images: int, level: float = 0.95) -> float:
    """Half the width of a proportion's interval by the normal approximation."""
    return _z(0.5 + level / 2) * sqrt(proportion * (1 - proportion) / images)
