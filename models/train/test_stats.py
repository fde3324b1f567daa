"""The statistics against published worked examples, or against an independent computation."""

import itertools
import math

import numpy as np
import pytest

from scipy import optimize, special
from scipy import stats as scipy_stats

import stats
from metrics import auc, expected_calibration_error

# 49 patients with ovarian cancer: albumin, total protein, K-G score, 1 where surgery did not help. DeLong, DeLong and
# Clarke-Pearson (1988), as SAS/STAT prints them in PROC LOGISTIC's example on comparing ROC curves.
OVARIAN = np.array("""
3.0 5.8 10 0 3.2 6.3 5 1 3.9 6.8 3 1 2.8 4.8 6 0 3.2 5.8 3 1 0.9 4.0 5 0 2.5 5.7 8 0 1.6 5.6 5 1 3.8 5.7 5 1 3.7 6.7 6 1
3.2 5.4 4 1 3.8 6.6 6 1 4.1 6.6 5 1 3.6 5.7 5 1 4.3 7.0 4 1 3.6 6.7 4 0 2.3 4.4 6 1 4.2 7.6 4 0 4.0 6.6 6 0 3.5 5.8 6 1
3.8 6.8 7 1 3.0 4.7 8 0 4.5 7.4 5 1 3.7 7.4 5 1 3.1 6.6 6 1 4.1 8.2 6 1 4.3 7.0 5 1 4.3 6.5 4 1 3.2 5.1 5 1 2.6 4.7 6 1
3.3 6.8 6 0 1.7 4.0 7 0 3.7 6.1 5 1 3.3 6.3 7 1 4.2 7.7 6 1 3.5 6.2 5 1 2.9 5.7 9 0 2.1 4.8 7 1 2.8 6.2 8 0 4.0 7.0 7 1
3.3 5.7 6 1 3.7 6.9 5 1 3.6 6.6 5 1""".split(), float).reshape(-1, 4)
ALBUMIN, PROTEIN, SCORE, LABEL = OVARIAN[:, 0], OVARIAN[:, 1], 10 - OVARIAN[:, 2], OVARIAN[:, 3]


def test_delong_gives_the_areas_and_errors_of_the_published_example() -> None:
    areas, covariance = stats.delong(LABEL, np.array([ALBUMIN, SCORE, PROTEIN]))
    np.testing.assert_allclose(areas, [0.7366, 0.7258, 0.6478], atol=5e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), [0.0927, 0.1028, 0.1000], atol=5e-5)


def test_delong_gives_the_differences_of_the_published_example() -> None:
    first, second = stats.delong_paired(LABEL, ALBUMIN, SCORE), stats.delong_paired(LABEL, PROTEIN, SCORE)
    assert (round(first.difference, 4), round(first.error, 4), round(first.p, 4)) == (0.0108, 0.0953, 0.9102)
    assert (round(second.difference, 4), round(second.error, 4), round(second.p, 4)) == (-0.0780, 0.1046, 0.4561)


def test_delong_of_one_ranking_with_itself_is_no_difference() -> None:
    found = stats.delong_paired(LABEL, ALBUMIN, 3 * ALBUMIN + 1)
    assert (found.difference, found.error, found.p) == (0, 0, 1)


def test_delong_error_is_the_spread_of_repeated_samples() -> None:
    rng, label = np.random.default_rng(1), np.repeat([0.0, 1.0], 60)
    def sample() -> np.ndarray:
        common = rng.normal(0, 1, 120) + 1.5 * label
        return np.array([common + rng.normal(0, s, 120) for s in (0.5, 0.8)])
    drawn = [stats.delong_paired(label, *sample()) for _ in range(1500)]
    spread, mean = np.std([d.difference for d in drawn]), np.mean([d.error for d in drawn])
    assert mean == pytest.approx(spread, rel=0.06)
    assert np.mean([d.correlation for d in drawn]) > 0.5


def test_mcnemar_of_the_published_example() -> None:
    """Table 21, 9, 2, 12 of the exact2x2 package (Fay, R Journal 2010): p = 0.06543."""
    first = np.repeat([True, True, False, False], [21, 9, 2, 12])
    second = np.repeat([True, False, True, False], [21, 9, 2, 12])
    only_first, only_second, p = stats.mcnemar(first, second)
    assert (only_first, only_second, round(p, 5)) == (9, 2, 0.06543)


def test_mcnemar_is_the_sum_over_all_assignments() -> None:
    outcomes = [sum(o) for o in itertools.product([0, 1], repeat=7)]
    first, second = np.repeat([True, False], [6, 1]), np.repeat([False, True], [6, 1])
    expected = sum(math.comb(7, k) <= math.comb(7, 6) for k in outcomes) / 2**7
    assert stats.mcnemar(first, second)[2] == pytest.approx(expected)
    assert stats.mcnemar(first, first) == (0, 0, 1.0)


def test_holm_of_a_worked_example() -> None:
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.holm([0.9, 0.8]) == [1, 1]


def test_resampled_auc_is_the_auc_of_the_repeated_cases() -> None:
    rng = np.random.default_rng(2)
    label, scores = (rng.random(80) < 0.6).astype(float), rng.integers(0, 12, (80, 2)).astype(float)
    cases = stats.draw_cases(rng, rng.integers(0, 30, 80), label, 5)
    found = stats.resampled_auc(label, scores, cases)
    for r, s in itertools.product(range(5), range(2)):
        rows = np.repeat(np.arange(80), cases[r].astype(int))
        assert found[r, s] == pytest.approx(auc(label[rows], scores[rows, s]), abs=1e-12)


def test_patients_are_drawn_whole_and_as_often_as_each_other() -> None:
    rng = np.random.default_rng(3)
    patient, label = np.repeat(np.arange(20), 3), np.repeat([0.0, 1.0], 30)
    drawn = stats.draw_cases(rng, patient, label, 4000).reshape(-1, 20, 3)
    assert (drawn == drawn[:, :, :1]).all()
    assert (drawn[:, :, 0].sum(axis=1) == 20).all()
    np.testing.assert_allclose(drawn[:, :, 0].mean(axis=0), 1, atol=0.08)


def test_seeds_are_drawn_in_two_levels() -> None:
    """The spread of the drawn mean is that of both levels: between backbones, and within them (brute force)."""
    names = [(b, h) for b in (1, 2, 3) for h in (1, 2)]
    value = np.array([0.0, 4.0, 1.0, 7.0, 2.0, 5.0])
    drawn = stats.draw_seeds(np.random.default_rng(4), names, 20_000)
    np.testing.assert_allclose(drawn.sum(axis=1), 1)
    within = [[(x + y) / 2 for x in pair for y in pair] for pair in value.reshape(3, 2)]
    slots = [v for means in within for v in means]
    expected = np.std(slots) / math.sqrt(3)
    assert np.std(drawn @ value) == pytest.approx(expected, rel=0.02)


def test_seed_weights_count_backbones_alike_whatever_their_heads() -> None:
    np.testing.assert_allclose(stats.seed_weights([(1, 1), (1, 2), (2, 1)]), [0.25, 0.25, 0.5])


def test_hierarchical_interval_covers_the_truth() -> None:
    """Simulated differences with seed and patient noise: a 95 % interval holds the truth in about 95 of 100."""
    rng, names, hits = np.random.default_rng(5), [(b, 1) for b in range(1, 13)], 0
    for _ in range(200):
        value = rng.normal(0, 1, 12)[None, :] + rng.normal(0, 1, (40, 1))
        cases = rng.multinomial(40, [1 / 40] * 40, 300) / 40
        draws = ((cases @ value) * stats.draw_seeds(rng, names, 300)).sum(axis=1)
        low, high = stats.interval(draws)
        hits += low <= 0 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_bootstrap_p_counts_the_lesser_side_and_is_never_nought() -> None:
    draws = np.concatenate([np.full(10, -1.0), np.full(989, 1.0)])
    assert stats.bootstrap_p(draws) == pytest.approx(0.022)
    assert stats.bootstrap_p(np.ones(999)) == pytest.approx(0.002)
    assert stats.bootstrap_p(np.zeros(9)) == 1


def test_bootstrap_tost_agrees_with_the_normal_one() -> None:
    draws = np.random.default_rng(6).normal(0.2, 0.1, 200_000)
    assert stats.bootstrap_tost(draws, 0.4) == pytest.approx(scipy_stats.norm.cdf((0.2 - 0.4) / 0.1), abs=0.002)


def test_calibration_line_is_the_maximum_of_the_likelihood() -> None:
    rng = np.random.default_rng(7)
    logit = rng.normal(0.5, 2, 3000)
    label = (rng.random(3000) < special.expit(0.6 * logit - 0.4)).astype(float)
    def loss(beta: np.ndarray) -> float:
        return -special.log_expit((2 * label - 1) * (beta[0] + beta[1] * logit)).sum()
    def loss_at_one(beta: np.ndarray) -> float:
        return -special.log_expit((2 * label - 1) * (beta[0] + logit)).sum()
    slope, intercept = stats.calibration_line(label, logit)
    assert slope == pytest.approx(optimize.minimize(loss, [0, 0], tol=1e-10).x[1], abs=1e-4)
    assert intercept == pytest.approx(optimize.minimize(loss_at_one, [0], tol=1e-10).x[0], abs=1e-4)
    assert slope == pytest.approx(0.6, abs=0.05)


@pytest.mark.parametrize("seed", [49, 130, 155, 209])
def test_calibration_line_is_found_where_the_last_steps_are_lost_in_rounding(seed: int) -> None:
    rng = np.random.default_rng(seed)
    logit = rng.normal(3, 5, rng.integers(100, 700))
    label = (rng.random(len(logit)) < special.expit(logit - 3)).astype(float)
    slope, intercept = stats.calibration_line(label, logit)
    assert math.isfinite(slope)
    assert special.expit(logit + intercept).sum() == pytest.approx(label.sum(), abs=1e-9)


def test_calibration_line_of_separated_classes_is_not_a_number_or_steep() -> None:
    slope, _ = stats.calibration_line(np.array([0.0, 0, 1, 1]), np.array([-2.0, -1, 1, 2]))
    assert math.isnan(slope) or slope > 5


def test_reliability_bins_hold_every_case_and_give_the_ece() -> None:
    rng = np.random.default_rng(8)
    probability = np.append(rng.random(500), [0.0, 1.0])
    label = (rng.random(502) < probability**2).astype(float)
    bins = stats.reliability(label, probability)
    assert sum(b.count for b in bins) == 502
    ece = sum(abs(b.stated - b.observed) * b.count for b in bins) / 502
    assert ece == pytest.approx(expected_calibration_error(label, probability))


def test_brier_of_certain_and_of_undecided_probabilities() -> None:
    assert stats.brier(np.array([1.0, 0.0]), np.array([1.0, 0.0])) == 0
    assert stats.brier(np.array([1.0, 0.0]), np.array([0.5, 0.5])) == 0.25


def test_sensitivity_at_a_specificity_by_trying_every_threshold() -> None:
    rng = np.random.default_rng(9)
    label, score = (rng.random(200) < 0.5).astype(float), rng.integers(0, 40, 200) + 0.0
    score += 8 * label
    allowed = [t for t in np.append(np.unique(score), score.max() + 1) if (score[label < 0.5] < t).mean() >= 0.9]
    assert stats.sensitivity_at_specificity(label, score, 0.9) == max((score[label > 0.5] >= t).mean() for t in allowed)
