"""The report on made-up raw files: what it says, that it says the same twice, and what it refuses."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest


import page
import plots
import raw
import report
import synthetic
from analysis import rounded
from calibration import calibrate, probability
from errors import Code, TrainError
from extras import roc
from metrics import at_threshold, auc
from plan import ARMS, CONTRASTS, CONTROL, INJECTED_CONTROL, MULTI
from words import change, plain, signed, with_interval

RESAMPLES = 60
FEW = ("none", "hash-single", "hash-multi", "permuted")


def make(folder: Path, **how: object) -> dict:
    synthetic.write(folder, **how)
    report.write(folder, folder, resamples=RESAMPLES)
    return json.loads((folder / "results.json").read_text())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evidence")
    make(folder)
    return folder


@pytest.fixture
def results(whole: Path) -> dict:
    return json.loads((whole / "results.json").read_text())


def test_every_arm_and_comparison_of_the_plan_is_measured(results: dict) -> None:
    assert results["split"] == "test" and results["closed"] == []
    assert set(results["arms"]) == set(ARMS)
    assert [(c["first"], c["second"]) for c in results["contrasts"]] == [(c.first, c.second) for c in CONTRASTS]
    assert [c["primary"] for c in results["contrasts"]].count(True) == 1


def test_figures_are_those_of_the_raw_file(whole: Path, results: dict) -> None:
    of = raw.cases()
    arm = raw.read_arm(whole / "raw" / "hash-multi.csv", of)
    expected = np.mean([auc(of["test"].label, arm.logits["test"][:, s]) for s in range(len(arm.seeds))])
    assert results["arms"]["hash-multi"]["test"]["auc"]["value"] == rounded(float(expected))


def test_operating_points_follow_the_appliances_rule_on_val(whole: Path, results: dict) -> None:
    of = raw.cases()["val"]
    arm = raw.read_arm(whole / "raw" / "none.csv", raw.cases())
    temperature, threshold = calibrate(of.label, arm.logits["val"][:, 2])
    assert results["arms"]["none"]["temperatures"][2] == rounded(temperature)
    assert results["arms"]["none"]["thresholds"][2] == rounded(threshold)
    right = at_threshold(of.label, probability(arm.logits["val"][:, 2], temperature), threshold)
    assert results["arms"]["none"]["val"]["accuracy"]["perSeed"][2] == rounded(right["accuracy"])
    assert results["arms"]["none"]["val"]["sensitivity"]["perSeed"][2] == rounded(right["sensitivity"])


def test_a_difference_is_the_difference_of_the_two_arms(results: dict) -> None:
    first, second = (results["arms"][a]["test"]["auc"]["value"] for a in ("hash-multi", "none"))
    primary = results["contrasts"][0]["test"]["auc"]
    assert primary["value"] == pytest.approx(first - second, abs=2e-6)
    low, high = primary["interval95"]
    assert low < primary["value"] < high and high - low < 0.02


def test_no_gain_is_reported_as_none_and_a_gain_as_a_gain(whole: Path, tmp_path: Path) -> None:
    nought = (whole / "README.md").read_text()
    assert "better than the plain CNN" not in nought and "worse than the plain CNN" not in nought
    auc_gain = make(tmp_path, arms=FEW, gain=0.8)["contrasts"][0]["test"]["auc"]
    assert "hash attention is better than the plain CNN" in (tmp_path / "README.md").read_text()
    (low, high), (wide_low, wide_high) = auc_gain["interval90"], auc_gain["interval95"]
    assert 0 < wide_low <= low < auc_gain["value"] < high <= wide_high and not auc_gain["equivalent"]


def test_a_loss_is_reported_as_a_loss(tmp_path: Path) -> None:
    make(tmp_path, arms=FEW, gain=-0.8)
    assert "hash attention is worse than the plain CNN" in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize(("interval", "equivalent", "words"), [
    ([0.001, 0.003], True, "better than"), ([-0.003, -0.001], True, "worse than"),
    ([-0.001, 0.003], True, "equivalent to"), ([-0.001, 0.009], False, "is not ruled out")])
def test_verdict(interval: list[float], equivalent: bool, words: str) -> None:
    auc_change = {"interval95": interval, "equivalent": equivalent, "equivalenceP": 0.01, "margin": 0.005}
    assert words in page.verdict(auc_change)


def test_threshold_and_temperature_come_from_val_alone(whole: Path, results: dict, tmp_path: Path) -> None:
    """Other test scores leave operating points and val figures as they are."""
    found = make(tmp_path, arms=("none",), splits=("val",))
    for key in ("temperatures", "thresholds"):
        assert found["arms"]["none"][key] == results["arms"]["none"][key]
    assert found["arms"]["none"]["val"]["accuracy"]["value"] == results["arms"]["none"]["val"]["accuracy"]["value"]


def test_without_test_rows_it_says_so_and_shows_val(tmp_path: Path) -> None:
    found = make(tmp_path, arms=FEW, splits=("val",))
    text = (tmp_path / "README.md").read_text()
    assert found["split"] == "val" and "The test set has not been opened." in text
    assert "official test set the CNN" not in text and "test: 618" not in text
    assert all("test" not in arm for arm in found["arms"].values())
    assert "measured" not in found["resolution"]


def test_arms_still_closed_are_named(tmp_path: Path) -> None:
    synthetic.write(tmp_path, arms=FEW)
    closed = (tmp_path / "raw" / "permuted.csv").read_text().splitlines(keepends=True)
    (tmp_path / "raw" / "permuted.csv").write_text("".join(line for line in closed if ",test," not in line))
    report.write(tmp_path, tmp_path, resamples=RESAMPLES)
    text = (tmp_path / "README.md").read_text()
    assert "not been opened for: permuted." in text and "**On the official test set" in text


def test_an_empty_folder_gives_a_page_without_an_answer(tmp_path: Path) -> None:
    assert make(tmp_path, arms=(), serving=False)["arms"] == {}
    assert "There is no answer yet" in (tmp_path / "README.md").read_text()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    make(folder, arms=FEW)
    return folder


def test_same_raw_files_give_the_same_bytes(small: Path, tmp_path: Path) -> None:
    for name in report.write(small, tmp_path, resamples=RESAMPLES):
        assert (tmp_path / name).read_bytes() == (small / name).read_bytes(), name


def test_check_finds_every_changed_file(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    report.check(tmp_path, resamples=RESAMPLES)
    (tmp_path / "README.md").write_text((tmp_path / "README.md").read_text().replace("0.9", "0.8", 1))
    (tmp_path / "roc.svg").unlink()
    with pytest.raises(TrainError, match=r"README\.md, roc\.svg") as caught:
        report.check(tmp_path, resamples=RESAMPLES)
    assert caught.value.code is Code.EVIDENCE_STALE


def test_the_page_hangs_on_results_json_alone(results: dict) -> None:
    """A figure changed there changes there only: nothing is typed by hand or kept elsewhere."""
    before = page.page(results)
    results["arms"]["hash-multi"]["test"]["auc"] = {"value": 0.1234, "interval95": [0.1111, 0.2222]}
    assert "0.1234 (0.1111–0.2222)" not in before and page.page(results).count("0.1234 (0.1111–0.2222)") == 2


def test_plots_have_no_date_and_show_the_arms(whole: Path) -> None:
    for name in plots.PLOTS:
        text = (whole / name).read_text()
        assert "dc:date" not in text and re.search(r"20\d\d-\d\d-\d\d", text) is None
    assert "parallel-permuted" in (whole / "forest.svg").read_text()
    assert "appliance" not in (whole / "roc.svg").read_text() and "kermany-a-multi" in (whole / "roc.svg").read_text()


def test_area_under_the_drawn_curve_is_the_auc() -> None:
    rng = np.random.default_rng(1)
    label = (rng.random(300) < 0.6).astype(float)
    score = rng.normal(0, 1, (300, 1)) + label[:, None]
    x, y = np.array(roc(label, score, np.ones(1))).T
    assert np.sum(np.diff(x) * y[:-1]) == pytest.approx(auc(label, score[:, 0]), abs=1e-5)


def test_images_without_a_probability_are_counted(results: dict) -> None:
    model = next(m for m in results["served"] if m["source"] == "appliance")
    assert (model["val"]["notAssessed"], model["val"]["images"], model["test"]["notAssessed"]) == (1, 758, 0)


SPOILT = {
    "a label": (lambda t: t.replace(",val,0,", ",val,1,", 1), "is not the index's"),
    "a missing image": (lambda t: re.sub(r"\n[^\n]+,val,[^\n]+", "", t, count=1), "lacks 1 images"),
    "half a test split": (lambda t: t[:t.rindex("\n", 0, t.index(",test,") + 4000) + 1],
                          r"split test lacks \d+ images"),
    "an image of train": (lambda t: t + "IM-0119-0001.jpeg,val,0,1,1,1,1,1,1\n", "1 that the index has not"),
    "an image twice": (lambda t: t + t.splitlines()[1] + "\n", "stands twice"),
    "another split": (lambda t: t.replace(",val,", ",train,", 1), "neither val nor test"),
    "no number": (lambda t: re.sub(r",val,0,[^,]+", ",val,0,nan", t, count=1), "is not a logit"),
    "strange columns": (lambda t: t.replace("b1-h1", "seed1"), "the columns are not"),
    "a seed twice": (lambda t: t.replace("b1-h2", "b1-h1"), "a column stands twice"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_spoilt_raw_files_are_refused_by_name(kind: str, tmp_path: Path) -> None:
    spoil, words = SPOILT[kind]
    synthetic.write(tmp_path, arms=("none",), serving=False)
    path = tmp_path / "raw" / "none.csv"
    path.write_text(spoil(path.read_text()))
    with pytest.raises(TrainError, match=rf"EVIDENCE_RAW: none\.csv: .*({words})"):
        report.write(tmp_path, tmp_path, resamples=RESAMPLES)


def test_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    synthetic.write(tmp_path, arms=("none",), serving=False)
    path, of = tmp_path / "raw" / "none.csv", raw.cases()
    before = raw.read_arm(path, of)
    head, *lines = path.read_text().splitlines()
    path.write_text("\n".join([head, *lines[::-1]]) + "\n")
    np.testing.assert_array_equal(raw.read_arm(path, of).logits["test"], before.logits["test"])


def test_json_lists_stay_on_one_line_and_nothing_is_lost(results: dict) -> None:
    text = report.compact(results)
    assert json.loads(text) == results
    assert max(map(len, text.splitlines())) > 200 and text.count("\n") < 8000


def test_figures_that_readme_quotes_of_served_models_are_the_reports() -> None:
    results = json.loads((report.EVIDENCE / "results.json").read_text())
    rows = {m["model"]: m["test"] for m in results["served"] if m["source"] == "appliance"}
    wanted = {name: [with_interval(of["auc"]), *(plain(of[key]["value"], 3) for key in ("accuracy", "sensitivity",
              "specificity"))] for name, of in rows.items()}
    text = (report.EVIDENCE.parents[1] / "README.md").read_text()
    table = re.findall(r"^\| `(kermany-[a-z0-9-]+)`[^|]*\| (.+) \|$", text, re.MULTILINE)
    assert {name: cells.split(" | ") for name, cells in table} == wanted
    primary, whole = ({(c["first"], c["second"]): c["test"]["auc"] for c in results["contrasts"]}[pair]
                      for pair in ((MULTI, CONTROL), ("injected", INJECTED_CONTROL)))
    low, high = (signed(value) for value in primary["interval95"])
    assert f"(AUC {signed(primary['value'])}, 95 % {low} to {high};" in text
    assert f"(difference {change(whole).replace(' (', ', ').replace(')', '')})" in text.replace("\n", " ")
