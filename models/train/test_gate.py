"""The quality gate: the committed table and vector against this code, the corpus, and fit and judgement on little."""

import re
from pathlib import Path

import numpy as np
import pytest

import drawn
import gate
import hostile
from conftest import Films
from errors import TrainError
from gate_features import NAMES, features, log2, spread
from gate_fit import UNIT, Gate, Rule, distances, fit, judge, standardised
from gate_page import formulae, host_table, numbers, vector

TABLE = (gate.PIPELINE / "quality-table.ts").read_text()


def arrays(text: str, name: str) -> list[list[int]]:
    return [[int(n) for n in re.findall(r"-?\d+", found)] for found in re.findall(rf"{name}: \[([^\]]*)\]", text)]


def committed() -> Gate:
    """Read back from the host's own file."""
    whitening = TABLE[TABLE.index("whitening:"):TABLE.index("rules:")]
    rows = [[int(n) for n in re.findall(r"-?\d+", row)] for row in re.findall(r"\[([-\d,\s]+)\]", whitening)]
    kinds, reasons = re.findall(r'kind: "(.*)"', TABLE), re.findall(r'reason: "(.*)"', TABLE)
    limits = [int(n) for n in re.findall(r"limit: (-?\d+)", TABLE)]
    rules = [Rule(*r) for r in zip(kinds, reasons, arrays(TABLE, "weights"), limits, strict=True)]
    distance = int(re.findall(r"distance: (\d+)", TABLE)[0])
    return Gate(arrays(TABLE, "mean")[0], arrays(TABLE, "scale")[0], rows, distance, rules)


def test_the_committed_table_and_vector_are_what_this_code_writes() -> None:
    found = committed()
    assert len(found.rules) > 5 and len(found.mean) == len(found.scale) == len(found.whitening) == len(NAMES) == 78
    assert host_table(found) == TABLE
    assert vector(found) == gate.VECTOR.read_text()


def test_arrays_are_laid_out_as_the_formatter_does() -> None:
    assert numbers([1, -2], "  ") == "[1, -2]"
    lines = numbers(list(range(1000, 1100)), "  ").splitlines()
    assert lines[0] == "[" and lines[-1] == "  ]" and max(map(len, lines)) <= 120


def test_features_do_not_depend_on_exposure_but_on_orientation() -> None:
    hills = formulae()["hills"][None]
    darker = (hills // 2).astype(np.uint8)
    cells = slice(0, 64)
    assert np.abs(features(hills)[0, cells] - features(darker)[0, cells]).max() <= 2
    assert np.abs(features(hills)[0, cells] - features(np.rot90(hills, 1, (1, 2)))[0, cells]).max() > 20


def test_log2_is_exact_at_powers_of_two_and_grows() -> None:
    np.testing.assert_array_equal(log2(np.array([0, 1, 3, 2 ** 31 - 1])), [0, 256, 512, 31 * 256])
    assert (np.diff(log2(np.arange(5000))) >= 0).all()


def test_spread_leaves_border_and_marker_out() -> None:
    film = np.full((1, 224, 224), 90, np.uint8)
    film[0, :2, :100], film[0, 5, :150] = 255, 0
    assert spread(film)[0] == 0


@pytest.mark.parametrize("kind", hostile.KINDS)
def test_the_corpus_is_the_same_for_a_seed_and_another_for_another(kind: str) -> None:
    films = np.stack(list(formulae().values()))
    made = hostile.make(kind, 2, films, 5)
    assert made.shape == (2, 224, 224) and made.dtype == np.uint8
    np.testing.assert_array_equal(made, hostile.make(kind, 2, films, 5))
    assert (made != hostile.make(kind, 2, films, 6)).any()


def chests(count: int, seed: int) -> np.ndarray:
    """Stand-ins for films: two dark fields on a bright ground, brighter below."""
    rng, (y, x) = np.random.default_rng(seed), drawn.grid()
    def one() -> np.ndarray:
        w, h, top = rng.uniform(0.2, 0.3), rng.uniform(0.45, 0.6), rng.uniform(-0.2, 0)
        lungs = sum(np.exp(-((x - s * 0.45) / w) ** 2 - ((y - top) / h) ** 4) for s in (-1, 1))
        return drawn.grey(170 + 30 * y - rng.uniform(80, 120) * lungs + rng.normal(0, 5, x.shape))
    return np.stack([one() for _ in range(count)])


def test_a_gate_fitted_on_little_names_what_it_knows_and_turns_away_what_it_does_not() -> None:
    films, others = chests(200, 1), chests(40, 2)
    corpus = {kind: (hostile.KINDS[kind].reason, features(hostile.make(kind, 100, films, 1)))
              for kind in ("inverted", "rotated-180", "text")}
    found = fit(features(films), features(hostile.friendly(films, 1)), corpus)
    assert judge(found, others) == [None] * 40
    for kind, (reason, _) in corpus.items():
        given = judge(found, hostile.make(kind, 20, others, 2))
        assert given.count(reason) >= 18, (kind, given)
    assert None not in judge(found, hostile.make("skull", 20, others, 2))
    assert judge(found, hostile.make("blank", 20, others, 2)).count("LOW_CONTRAST") > 10


def test_distance_is_that_of_independent_deviations() -> None:
    z = np.array([[3 * UNIT, -4 * UNIT]])
    assert distances(z, [[1024], [0, 1024]])[0] == 25 * UNIT * UNIT
    np.testing.assert_array_equal(standardised(np.array([[15, 9 ** 9]]), [10, 0], [1024, 1024]), [[5, 4095]])


def test_test_films_are_not_opened_with_a_table_that_is_not_committed(films: Films, tmp_path: Path) -> None:
    other = Gate([0] * 78, [1] * 78, [[1]], 1, [])
    with pytest.raises(TrainError, match="TEST_UNCOMMITTED"):
        gate.open_test(other, {"falseRejections": {}}, films.data, tmp_path)
