"""The steps after each other on made-up films and networks of a sixteenth of the width, in a git repository of their own."""

import csv
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

import compare
import injection
import open_test
import results
from ablate import ablations, scorer
from ablation import file_name
from appliance import DEFAULT, is_current, measure_appliance
from arms import ARMS
from conftest import COUNTS, WIDTH, Films
from data import stored_rows
from errors import Code, TrainError
from export import KINDS, by_network, chosen_on_val, demand_equal, export
from fit import TRIALS
from measure import measure, table_path
from precompute import has_node, is_precomputed
from run import Run

MAIN = run_path(str(Path(__file__).parent / "__main__.py"), run_name="pipeline")
FEW_ARMS = ["none", "hash-single", "hash-multi", "learned", "parallel"]


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@t", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    git(folder, "init", "-q")
    (folder / "evidence").mkdir()
    (folder / "evidence" / "protocol.md").write_text("What is tested, and how.\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "begin")
    return folder


@pytest.fixture(autouse=True)
def checkout(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the steps believe the checkout to be."""
    monkeypatch.setattr(results, "CHECKOUT", home)
    monkeypatch.setattr(open_test, "EVIDENCE", home / "evidence")


@pytest.fixture(scope="module")
def done(films: Films, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Trained, stored, compared on val; the test split is closed. Tests below go on from each other, in order."""
    folder = tmp_path_factory.mktemp("run")
    words = ["--run", str(folder), "--data", str(films.data), "--evidence", str(home / "evidence"), "--index", str(films.index),
             "--backbones", "1", "2", "--heads", "2", "--injected", "1", "--epochs", "1", "--epochs-injected", "1",
             "--width", str(WIDTH), "--device", "cpu"]
    before, results.CHECKOUT = results.CHECKOUT, home
    for step in (["train"], ["features"], ["arms", *FEW_ARMS, "injected"]):
        assert MAIN["main"]([*step, *words]) == 0
    results.CHECKOUT = before
    run = MAIN["run_of"](MAIN["options"]().parse_args(["train", *words]))
    return replace(run, models=folder / "models")


def table(run: Run, arm: str) -> list[dict[str, str]]:
    with results.csv_path(run.evidence, arm).open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_raw_results_have_a_row_per_val_image_and_a_column_per_seed(done: Run) -> None:
    rows = table(done, "hash-multi")
    assert list(rows[0]) == ["file", "split", "label", "b1-h1", "b1-h2", "b2-h1", "b2-h2"]
    assert [r["file"] for r in rows] == done.rows("val").file and {r["split"] for r in rows} == {"val"}
    assert list(table(done, "injected")[0])[3:] == ["b1-h1"]


def test_logits_have_five_significant_digits(done: Run) -> None:
    for row in table(done, "none"):
        assert len(row["b1-h1"].split("e")[0].strip("-").replace(".", "").lstrip("0")) <= 5


def test_the_account_of_an_arm_says_how_it_was_made(done: Run) -> None:
    accounts = results.read_accounts(done.evidence)
    assert list(accounts) == [*FEW_ARMS, "injected"]
    for name in FEW_ARMS:
        account = accounts[name]
        assert len(account["trials"]) == len(TRIALS) and account["seeds"] == ["b1-h1", "b1-h2", "b2-h1", "b2-h2"]
        best = min(account["trials"], key=lambda trial: trial["valLogLoss"])
        assert account["tuned"] == {"rate": best["rate"], "pull": best["pull"]}
        assert account["parameters"] >= 8 * WIDTH and len(account["commit"]) == 40 and account["machine"]["cores"]
    assert len(accounts["injected"]["gates"]["b1-h1"]) == 4
    assert accounts["none"]["parameters"] == accounts["hash-multi"]["parameters"] < accounts["learned"]["parameters"]


def test_finished_steps_are_not_done_again(done: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = {p: p.stat().st_mtime_ns for p in [*done.folder.rglob("*"), *done.evidence.rglob("*")] if p.is_file()}
    monkeypatch.setattr(compare, "fit", lambda *words: pytest.fail("fitted again"))
    MAIN["train"](done)
    MAIN["features"](done)
    compare.compare(done, FEW_ARMS)
    injection.compare_injected(done, ["injected"])
    assert {p: p.stat().st_mtime_ns for p in stamps} == stamps


def test_the_test_split_was_not_stored_nor_written(done: Run) -> None:
    assert not [p for p in done.folder.rglob("*test*")]
    assert all("test" not in p.read_text() for p in (done.evidence / "raw").glob("*.csv"))


def refusal(run: Run, *names: str) -> Code:
    with pytest.raises(TrainError) as caught:
        open_test.open_test(run, list(names))
    return caught.value.code


def test_the_test_split_stays_closed_while_arms_are_not_committed(done: Run, home: Path) -> None:
    assert refusal(done) is Code.TEST_UNCOMMITTED
    git(home, "add", "-A")
    assert refusal(done) is Code.TEST_UNCOMMITTED


def test_the_test_split_stays_closed_while_the_protocol_differs_from_the_committed_one(done: Run, home: Path) -> None:
    git(home, "commit", "-q", "-m", "arms")
    protocol = done.evidence / "protocol.md"
    text = protocol.read_text()
    protocol.write_text(text + "and something else\n")
    assert refusal(done) is Code.TEST_UNCOMMITTED
    protocol.write_text(text)


@pytest.mark.parametrize("place", ["outside the checkout", "inside it"])
def test_a_run_of_ones_own_still_needs_the_committed_protocol(done: Run, home: Path, tmp_path: Path, place: str) -> None:
    elsewhere = replace(done, evidence=(home if place == "inside it" else tmp_path) / "RUN" / "evidence")
    protocol = home / "evidence" / "protocol.md"
    text = protocol.read_text()
    protocol.write_text("")
    assert refusal(elsewhere) is Code.TEST_UNCOMMITTED
    protocol.write_text(text)
    assert refusal(elsewhere) is Code.RUN_INCOMPLETE


def test_other_heads_than_the_committed_ones_are_refused(done: Run) -> None:
    path, other = (compare.head_path(done.folder, "none", seed) for seed in ("b1-h1", "b1-h2"))
    kept = path.read_bytes()
    path.write_bytes(other.read_bytes())
    assert refusal(done, "none") is Code.TEST_OTHER_HEADS
    path.write_bytes(kept)
    assert not results.has_test(results.csv_path(done.evidence, "none"))


def test_an_arm_that_has_no_val_results_cannot_be_opened(done: Run) -> None:
    assert refusal(done, "constant") is Code.RUN_INCOMPLETE


def test_served_models_are_not_measured_on_test_before_the_arms(done: Run) -> None:
    export(done, "0.0.1", reduce_range=False)
    measure(done, test=False)
    with pytest.raises(TrainError) as caught:
        measure(done, test=True)
    assert caught.value.code is Code.RUN_INCOMPLETE


def test_the_test_split_is_opened_once_per_arm(done: Run) -> None:
    assert open_test.open_test(done, ["none"]) == ["none"]
    rows = table(done, "none")
    assert [r["split"] for r in rows] == ["val"] * COUNTS["val"] + ["test"] * COUNTS["test"]
    assert [r["file"] for r in rows[COUNTS["val"]:]] == done.rows("test").file
    before = results.csv_path(done.evidence, "none").read_bytes()
    assert refusal(done, "none") is Code.TEST_ALREADY_OPEN
    assert set(open_test.open_test(done, [])) == {*FEW_ARMS, "injected"} - {"none"}
    assert refusal(done) is Code.TEST_ALREADY_OPEN
    assert results.csv_path(done.evidence, "none").read_bytes() == before


def test_published_results_are_not_overwritten_by_another_run(done: Run) -> None:
    with pytest.raises(TrainError) as caught:
        results.write_val(done.evidence, "none", done.rows("val"), {"b1-h1": np.zeros(COUNTS["val"])})
    assert caught.value.code is Code.EVIDENCE_OPEN


def test_five_models_share_one_backbone_but_for_pattern_b(done: Run) -> None:
    backbones = {}
    for kind in KINDS:
        manifest = json.loads((done.models / kind.name / "manifest.json").read_text())
        assert manifest["pattern"] == kind.pattern and (manifest["attention"] is None) == (kind.pattern == "none")
        parts = manifest["variants"]["int8-u8s8"]["parts"]
        backbones[kind.name] = parts["backbone"]["file"], parts["backbone"]["weights"]["file"]
        levels = [name for name in (*parts["backbone"]["inputs"], *parts["head"]["inputs"]) if name.startswith("attention")]
        assert levels == [f"attention{g}" for g in (manifest["attention"] or {"grids": []})["grids"]]
    shared = ("../shared/backbone-int8-u8s8.onnx", "../shared/backbone-int8.bin")
    assert backbones.pop("kermany-b") == ("backbone-int8-u8s8.onnx", "backbone-int8.bin")
    assert set(backbones.values()) == {shared} and len(backbones) == 4


def test_an_export_that_is_not_the_network_is_refused(done: Run) -> None:
    """Head 0 of another backbone under the first one's name: the graphs no longer say what the networks said."""
    chosen = chosen_on_val(done.evidence)
    expected = by_network(done, chosen)
    demand_equal(expected, expected)
    other = replace(chosen, shared=3 - chosen.shared)
    with pytest.raises(TrainError, match="EXPORT_MISMATCH"):
        demand_equal(by_network(done, other), expected)


def test_ablations_have_a_row_per_image_and_a_column_per_seed_and_differ_from_the_whole_image(done: Run) -> None:
    ablations(done)
    whole, masked = table(done, "hash-multi"), table(done, file_name("hash-multi", "border"))
    assert [(r["file"], r["split"], r["label"]) for r in masked] == [(r["file"], r["split"], r["label"]) for r in whole]
    assert list(masked[0]) == list(whole[0])
    assert all(r["b2-h1"] != w["b2-h1"] for r, w in zip(masked, whole, strict=True))


def test_an_image_that_is_not_changed_scores_as_it_did(done: Run) -> None:
    """The ablations' own way from bytes to logits is the arms' way."""
    rows, columns = done.rows("val"), [(arm, "b1-h2") for arm in ("none", "hash-single", "hash-multi")]
    found = scorer(done, compare.Views(done), 1, columns)(rows.raster)
    for k, (arm, seed) in enumerate(columns):
        expected = [float(r[seed]) for r in table(done, arm) if r["split"] == "val"]
        np.testing.assert_allclose(found[:, k], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.skipif(not has_node(), reason="./lv06 does not start: `make setup` first")
def test_the_appliance_gives_a_row_per_image_for_every_model(done: Run, films: Films) -> None:
    measure_appliance(done, films.images)
    for folder in (*(done.models / kind.name for kind in KINDS), DEFAULT):
        path = done.evidence / "serving" / f"{folder.name}.int8-u8s8.appliance.csv"
        assert len(results.read(path)[1]) == COUNTS["val"] + COUNTS["test"]
        assert is_current(done, folder)


def test_served_models_are_measured_in_every_precision_and_on_test_once(done: Run) -> None:
    measure(done, test=True)
    path = table_path(done, KINDS[2], "int8-s8s8")
    rows = results.read(path)[1]
    assert [r[1] for r in rows] == ["val"] * COUNTS["val"] + ["test"] * COUNTS["test"]
    about = json.loads(path.with_suffix(".json").read_text())
    assert about["model"] == "kermany-a-multi" and about["precision"] == "int8-s8s8" and len(about["digest"]) == 64
    stamp = path.stat().st_mtime_ns
    measure(done, test=True)
    assert path.stat().st_mtime_ns == stamp
    (done.models / "kermany-c" / "manifest.json").write_text((done.models / "kermany-c" / "manifest.json").read_text() + "\n")
    with pytest.raises(TrainError, match="EVIDENCE_OPEN"):
        measure(done, test=False)


def test_a_named_error_is_two_lines_and_exit_code_one(tmp_path: Path, films: Films, capsys: pytest.CaptureFixture[str]) -> None:
    assert MAIN["main"](["features", "--run", str(tmp_path), "--data", str(films.data), "--index", str(films.index)]) == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert said[0].startswith("RUN_INCOMPLETE: ") and len(said) == 2


def test_an_unknown_arm_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        MAIN["main"](["arms", "none", "nosuch", "--run", "nowhere"])
    said = capsys.readouterr().err
    assert "nosuch" in said and "injected-permuted" in said


def test_an_interrupted_precompute_goes_on(films: Films, tmp_path: Path) -> None:
    assert is_precomputed(films.data, films.index) and not is_precomputed(tmp_path, films.index)
    lines = (films.data / "index.jsonl").read_text().splitlines(keepends=True)
    for left in ("".join(lines[:-1]), "".join(lines)[:-9]):
        (tmp_path / "index.jsonl").write_text(left)
        assert not is_precomputed(tmp_path, films.index)
    with pytest.raises(TrainError, match="^DATA_PRECOMPUTED: .*half written"):
        stored_rows(tmp_path)


def test_every_arm_has_its_step() -> None:
    assert not set(ARMS) & set(injection.NAMES)
