"""Sample sizes against published or hand-checked values, and against simulation."""

import numpy as np
import pytest

from scipy.stats import binomtest

import power


@pytest.mark.parametrize(("discordant", "images"), [(0.02, 930), (0.03, 1390), (0.05, 2320), (0.08, 3710), (0.1, 4640)])
def test_mcnemar_images_for_the_first_claimed_gain(discordant: float, images: int) -> None:
    assert power.mcnemar_images(0.934 - 0.921, discordant) == pytest.approx(images, abs=5)


def test_mcnemar_images_give_the_power_by_simulation() -> None:
    """Exact tests are a little conservative, hence the room below."""
    images, rng = power.mcnemar_images(0.05, 0.12), np.random.default_rng(1)
    drawn = rng.multinomial(images, [0.085, 0.035, 0.88], 1500)
    found = np.mean([binomtest(int(b), int(b + c)).pvalue < 0.05 for b, c, _ in drawn])
    assert 0.74 < found < 0.84


def test_mcnemar_resolvable_is_the_inverse() -> None:
    gain = power.mcnemar_resolvable(618, 0.05)
    assert power.mcnemar_images(gain, 0.05) <= 618 < power.mcnemar_images(gain * 0.999, 0.05)
    assert np.isnan(power.mcnemar_resolvable(5, 0.05))


def test_more_gain_than_discordant_cases_is_refused() -> None:
    with pytest.raises(ValueError, match="not possible"):
        power.mcnemar_images(0.05, 0.04)


def test_unpaired_images_for_the_first_claimed_gain() -> None:
    assert power.unpaired_images(0.921, 0.934) == pytest.approx(6245, abs=1)


@pytest.mark.parametrize(("correlation", "images"), [(0.85, 1040), (0.7, 2020), (0.5, 3320)])
def test_paired_auc_images_for_the_first_claimed_gain(correlation: float, images: int) -> None:
    assert power.paired_auc_images(0.962, 0.971, correlation) == pytest.approx(images, abs=10)


def test_auc_variance_is_the_spread_of_exponential_scores() -> None:
    """The formula is exact where both classes are exponential; their area is scale/(1 + scale)."""
    rng, scale = np.random.default_rng(3), 9.0
    drawn = [(rng.exponential(scale, (20, 1)) > rng.exponential(1, 30)).mean() for _ in range(20_000)]
    assert np.mean(drawn) == pytest.approx(0.9, abs=0.002)
    assert power.auc_variance(0.9, 20, 30) == pytest.approx(np.var(drawn), rel=0.04)


def test_power_at_the_resolvable_difference_is_the_power_asked_for() -> None:
    assert power.power_of(power.resolvable(0.004), 0.004) == pytest.approx(0.8, abs=1e-4)
    assert power.power_of(0, 1) == pytest.approx(0.05)


def test_half_width_of_the_claimed_accuracy_on_the_official_test_set() -> None:
    assert power.half_width(0.921, 624) == pytest.approx(0.021, abs=0.0005)
