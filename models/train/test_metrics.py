import numpy as np
import pytest

from calibration import calibrate, choose_threshold, probability
from metrics import at_threshold, auc, expected_calibration_error, fit_temperature


def test_auc_counts_ties_as_half() -> None:
    assert auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.5, 0.5, 0.9])) == pytest.approx(0.875)


def test_auc_of_a_perfect_and_a_reversed_ranking() -> None:
    label = np.array([0, 0, 1])
    assert auc(label, np.array([1, 2, 3])) == 1
    assert auc(label, np.array([3, 2, 1])) == 0


def test_sensitivity_and_specificity_include_the_threshold_itself() -> None:
    figures = at_threshold(np.array([0, 0, 1, 1]), np.array([0.2, 0.6, 0.5, 0.9]), 0.5)
    assert figures == {"accuracy": 0.75, "sensitivity": 1.0, "specificity": 0.5}


def test_calibration_error_of_honest_and_of_boastful_probabilities() -> None:
    label = np.array([1.0] * 3 + [0.0])
    assert expected_calibration_error(label, np.full(4, 0.75)) == pytest.approx(0)
    assert expected_calibration_error(label, np.full(4, 1.0)) == pytest.approx(0.25)


def test_temperature_undoes_a_scaling_of_the_logits() -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 2, 20_000)
    label = (rng.random(20_000) < 1 / (1 + np.exp(-logit))).astype(float)
    assert fit_temperature(label, 3 * logit) == pytest.approx(3, rel=0.05)


def test_probability_is_rounded_half_up_to_four_decimals() -> None:
    """The same values as host/inference/calibrate.test.ts."""
    assert probability(np.array([4.0]), 2.0)[0] == 0.8808
    assert probability(np.array([np.log(0.12345 / (1 - 0.12345)) + 1e-9]), 1.0)[0] == 0.1235


def test_threshold_is_the_highest_that_keeps_the_sensitivity() -> None:
    label = np.array([1] * 20 + [0] * 5)
    value = np.concatenate([np.arange(1, 21) / 100, np.zeros(5)])
    threshold = choose_threshold(label, value)
    assert threshold == 0.02
    assert at_threshold(label, value, threshold)["sensitivity"] >= 0.95
    assert at_threshold(label, value, threshold + 0.01)["sensitivity"] < 0.95


def test_operating_point_holds_on_the_split_it_was_fitted_on() -> None:
    rng = np.random.default_rng(2)
    label = (rng.random(400) < 0.7).astype(float)
    logit = rng.normal(0, 1, 400) + 3 * label
    temperature, threshold = calibrate(label, logit)
    assert at_threshold(label, probability(logit, temperature), threshold)["sensitivity"] >= 0.95
