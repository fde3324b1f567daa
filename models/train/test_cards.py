"""Model cards from made-up manifests and results."""

import json
from pathlib import Path

import pytest

import cards
import report
import synthetic
from errors import TrainError

NAMES = {"kermany-plain": ("none", None), "kermany-a-single": ("A", [8]), "kermany-a-multi": ("A", [4, 8, 16]),
         "kermany-b": ("B", [4, 8, 16]), "kermany-c": ("C", [4, 8, 16])}


def manifest(name: str) -> dict:
    pattern, scales = NAMES[name]
    attention = None if scales is None else {"version": "attention-v1", "scales": scales, "weights": [1], "grids": [7]}
    return {"name": name, "version": "1.0.0", "pattern": pattern, "attention": attention,
            "labels": ["NORMAL", "PNEUMONIA"], "temperature": 1.1, "threshold": 0.9, "thresholdRule": "a rule",
            "population": "made-up children", "calibrationSet": {"name": "made up", "images": 759},
            "variants": {"int8-u8s8": {"weightBits": 7}},
            "attribution": "Made up.", "licence": "CC-BY-4.0"}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(json.dumps(manifest(name)))
        (tmp_path / name / "evidence.json").write_text(json.dumps({"arm": cards.arm_of(manifest(name))}))
    synthetic.write(tmp_path / "evidence", arms=("none", "hash-single", "hash-multi", "parallel"))
    report.write(tmp_path / "evidence", tmp_path / "evidence", resamples=60)
    cards.write_cards(tmp_path, tmp_path / "evidence")
    return tmp_path


def test_every_model_is_told_the_arm_it_comes_from() -> None:
    assert {name: cards.arm_of(manifest(name)) for name in NAMES} == {
        "kermany-plain": "none", "kermany-a-single": "hash-single", "kermany-a-multi": "hash-multi",
        "kermany-b": "injected", "kermany-c": "parallel"}


def test_card_has_the_results_figures_and_the_manifests_operating_point(models: Path) -> None:
    text = (models / "kermany-a-multi" / "README.md").read_text()
    results = json.loads((models / "evidence" / "results.json").read_text())
    measured = next(m for m in results["served"] if m["name"] == "kermany-a-multi.int8-u8s8")
    assert f"{measured['test']['auc']['value']:.4f} (" in text and "threshold 0.9 after temperature 1.1" in text
    assert f"{results['contrasts'][0]['test']['auc']['value']:+.4f}".replace("-", "−") in text
    for words in ("Research use only", "Made-up children", "Made up.", "CC-BY-4.0", "Official test split"):
        assert words in text


def test_plain_model_says_that_it_has_no_attention(models: Path) -> None:
    assert "This model has no attention." in (models / "kermany-plain" / "README.md").read_text()


def test_a_model_whose_arm_was_not_compared_says_so(models: Path) -> None:
    assert "(`injected`) has not been compared" in (models / "kermany-b" / "README.md").read_text()


def test_a_model_without_results_says_that_test_is_closed(models: Path) -> None:
    assert "has not been opened for this model" in (models / "kermany-b" / "README.md").read_text()


def test_a_card_that_knows_more_is_left_alone(models: Path) -> None:
    path = models / "kermany-b" / "README.md"
    path.write_text("an older card with figures\n")
    cards.write_cards(models, models / "evidence")
    assert path.read_text() == "an older card with figures\n"


def test_a_measured_model_of_no_arm_keeps_its_card(models: Path) -> None:
    path = models / "kermany-plain" / "README.md"
    (models / "kermany-plain" / "evidence.json").write_text("{}")
    path.write_text("the card of an earlier model\n")
    cards.write_cards(models, models / "evidence")
    assert path.read_text() == "the card of an earlier model\n"


def test_check_finds_a_card_that_drifted(models: Path) -> None:
    cards.check_cards(models, models / "evidence")
    path = models / "kermany-plain" / "README.md"
    path.write_text(path.read_text().replace("0.9", "0.8", 1))
    with pytest.raises(TrainError, match="kermany-plain"):
        cards.check_cards(models, models / "evidence")
