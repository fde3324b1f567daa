"""From logit to the probability and decision that the appliance publishes.

The same rule as ``host/inference/calibrate.ts``: the probability is rounded to four decimals, half up,
and everything after (threshold, decision, figures) uses the rounded value, so that a reader of the
message reaches the same decision.
"""

import numpy as np

from metrics import fit_temperature, sigmoid

# Fixed before any test figure was seen.
SENSITIVITY_ON_VAL = 0.95


def probability(logit: np.ndarray, temperature: float) -> np.ndarray:
    """Calibrated probability in [0,1], rounded to four decimals."""
    return np.floor(sigmoid(logit, temperature) * 10_000 + 0.5) / 10_000


def choose_threshold(label: np.ndarray, value: np.ndarray) -> float:
    """The highest threshold at which ``value >= threshold`` finds at least 95 % of the positives."""
    positives = np.sort(value[label > 0.5])[::-1]
    return float(positives[int(np.ceil(SENSITIVITY_ON_VAL * len(positives))) - 1])


def calibrate(label: np.ndarray, logit: np.ndarray) -> tuple[float, float]:
    """Temperature (least negative log-likelihood, four decimals) and threshold, both from one split: val."""
    temperature = round(fit_temperature(label, logit), 4)
    return temperature, choose_threshold(label, probability(logit, temperature))
