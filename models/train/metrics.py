"""The figures that are reported, from labels in {0,1} and scores."""

import numpy as np


def auc(label: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve: the Mann-Whitney statistic with ties at half (mid-ranks)."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = int(label.sum())
    negatives = len(label) - positives
    return float((rank[label > 0.5].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def sigmoid(logit: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    return 1 / (1 + np.exp(-logit.astype(np.float64) / temperature))


def at_threshold(label: np.ndarray, probability: np.ndarray, threshold: float) -> dict[str, float]:
    """Accuracy, sensitivity and specificity of ``probability >= threshold``."""
    called, positive = probability >= threshold, label > 0.5
    return {
        "accuracy": float((called == positive).mean()),
        "sensitivity": float(called[positive].mean()),
        "specificity": float((~called)[~positive].mean()),
    }


def expected_calibration_error(label: np.ndarray, probability: np.ndarray, bins: int = 15) -> float:
    """Mean gap between stated and observed probability over equal-width bins, weighted by their size."""
    bin_of = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = [abs(probability[bin_of == b].mean() - label[bin_of == b].mean()) * (bin_of == b).mean()
            for b in range(bins) if (bin_of == b).any()]
    return float(sum(gaps))


def fit_temperature(label: np.ndarray, logit: np.ndarray) -> float:
    """The temperature with the least negative log-likelihood (Guo et al., ICML 2017), by golden-section search."""
    def loss(log_temperature: float) -> float:
        z = logit.astype(np.float64) / np.exp(log_temperature)
        return float((np.logaddexp(0, z) - label * z).mean())

    low, high, ratio = np.log(0.05), np.log(20.0), (np.sqrt(5) - 1) / 2
    for _ in range(80):
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, b) if loss(a) < loss(b) else (a, high)
    return float(np.exp((low + high) / 2))
