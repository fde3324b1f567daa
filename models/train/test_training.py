from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import backbone
from conftest import WIDTH
from errors import Code, TrainError
from network import PlainClassifier
from run import Run
from training import Plan, Trainer, class_weights, learning_rate

HOW = replace(backbone.plan("narrow", 2), batch=8)


def train(run: Run, folder: Path, how: Plan = HOW) -> dict[str, torch.Tensor]:
    folder.mkdir(exist_ok=True)
    backbone.train(folder, 1, how, run.rows("train"), run.rows("val"), WIDTH, "cpu")
    return torch.load(backbone.checkpoint(folder, 1))["average"]


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


class Stop(Exception):
    pass


def test_an_interrupted_training_ends_where_an_uninterrupted_one_does(run: Run, tmp_path: Path,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(run, tmp_path / "whole")
    epoch = Trainer.one_epoch

    def interrupted(self: Trainer, *words: object) -> float:
        if self.epoch == 1:
            raise Stop
        return epoch(self, *words)

    monkeypatch.setattr(Trainer, "one_epoch", interrupted)
    with pytest.raises(Stop):
        train(run, tmp_path / "parts")
    monkeypatch.undo()
    assert same(train(run, tmp_path / "parts"), whole)


def test_a_checkpoint_without_a_plan_is_taken_over(run: Run, tmp_path: Path) -> None:
    """The form that backbones had before plans were recorded: model, average, optimiser, epoch."""
    finished = train(run, tmp_path / "first")
    path = backbone.checkpoint(tmp_path / "first", 1)
    state = torch.load(path)
    (tmp_path / "second").mkdir()
    torch.save({key: state[key] for key in ("model", "average", "optimiser", "epoch")}, backbone.checkpoint(tmp_path / "second", 1))
    assert same(train(run, tmp_path / "second"), finished)
    assert same(dict(backbone.load_backbone(tmp_path / "second", 1, WIDTH, 2).state_dict()), finished)


def test_another_plan_in_the_same_folder_is_refused(run: Run, tmp_path: Path) -> None:
    train(run, tmp_path / "run")
    with pytest.raises(TrainError) as caught:
        train(run, tmp_path / "run", replace(HOW, peak=2e-3))
    assert caught.value.code is Code.RUN_OTHER_PLAN


def test_an_unfinished_backbone_is_not_used(run: Run, tmp_path: Path) -> None:
    train(run, tmp_path / "run")
    with pytest.raises(TrainError, match="2 of 3 epochs"):
        backbone.load_backbone(tmp_path / "run", 1, WIDTH, 3)


def test_training_lowers_the_loss_and_moves_the_average(run: Run, tmp_path: Path) -> None:
    torch.manual_seed(1)
    start = PlainClassifier(WIDTH).state_dict()
    kept = train(run, tmp_path / "run", replace(HOW, epochs=4, peak=5e-3))
    assert not same(kept, dict(start))
    log = [float(line.split('"loss": ')[1].split(",")[0]) for line in
           (tmp_path / "run" / "backbone-1.log.jsonl").read_text().splitlines()]
    assert len(log) == 4 and min(log[1:]) < log[0]


def test_both_classes_count_alike() -> None:
    label = torch.tensor([0.0, 1.0, 1.0, 1.0])
    weight = class_weights(label)
    assert float(weight[0]) == pytest.approx(float(weight[1:].sum())) and float(weight.mean()) == pytest.approx(1)


def test_the_learning_rate_rises_to_its_peak_and_falls() -> None:
    rates = np.array([learning_rate(step, 100, 1.0) for step in range(100)])
    assert rates.max() == 1 and rates.argmax() in (9, 10)
    assert np.all(np.diff(rates[:10]) > 0) and np.all(np.diff(rates[10:]) < 0) and rates[-1] < 0.01
