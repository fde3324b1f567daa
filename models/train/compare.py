"""The ``arms`` step: tunes every arm on val with the same trials, fits its seeds, and writes its val logits.

The trial with the least class-balanced log-loss on val, averaged over the backbones, is taken for all seeds of an arm.
Head 0 is fitted on all train images: it is what a served model gets, and is not among the seeds that are compared.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from arms import ARMS, Arm, View
from backbone import load_backbone
from errors import Code, TrainError
from fit import TRIALS, Setting, Task, fit, log_loss, predict
from heads import Batch, start_of
from metrics import auc
from progress import Bar
from results import csv_path, read_accounts, record_arm, write_val
from run import Run
from store import FLIPPED

# Draws of heads that draw in use, for val and test alike.
PREDICT_SEED = 1


def head_path(folder: Path, arm: str, seed: str) -> Path:
    return folder / "heads" / arm / f"{seed}.pt"


def seed_name(backbone: int, head: int) -> str:
    return f"b{backbone}-h{head}"


class Views:
    """The views of every backbone, each read once."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.found: dict[tuple[int, str], View] = {}

    def __call__(self, backbone: int, part: str) -> View:
        if (backbone, part) not in self.found:
            self.found[backbone, part] = self.run.view(backbone, part)
        return self.found[backbone, part]


def both(plain: Batch, flipped: Batch) -> Batch:
    return {name: torch.cat([values, flipped[name]]) for name, values in plain.items()}


def task_of(run: Run, views: Views, arm: Arm, backbone: int) -> Task:
    rows, plain = run.rows("train"), views(backbone, "train")
    inputs = both(arm.inputs(plain), arm.inputs(views(backbone, FLIPPED)))
    model = load_backbone(run.folder, backbone, run.width)
    pooled = plain.features.float().mean(dim=2)
    return Task(arm, inputs, torch.from_numpy(rows.label), rows.patient, start_of(model, pooled))


def digest_of(states: list[dict[str, torch.Tensor]]) -> str:
    """SHA-256 over names and bytes of weights, in order: which heads a published line speaks of."""
    found = hashlib.sha256()
    for state in states:
        for name, values in state.items():
            found.update(name.encode() + b"\0" + values.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def parameters(head: nn.Module) -> int:
    return sum(p.numel() for p in head.parameters())


def tune(tasks: dict[int, Task], val: dict[int, Batch], label: np.ndarray, done: Callable[[], None],
         ) -> tuple[Setting, list[dict], dict[int, nn.Module]]:
    """The best trial, the table it was chosen from, and its heads by backbone (seed 0)."""
    table, best = [], None
    for setting in TRIALS:
        heads = {}
        for backbone, task in tasks.items():
            heads[backbone] = fit(task, setting, 0)
            done()
        logits = [predict(head, val[b], PREDICT_SEED) for b, head in heads.items()]
        entry = {**asdict(setting), "valLogLoss": round(float(np.mean([log_loss(label, z) for z in logits])), 5),
                 "valAuc": round(float(np.mean([auc(label, z) for z in logits])), 5)}
        table.append(entry)
        if best is None or entry["valLogLoss"] < best[0]["valLogLoss"]:
            best = entry, setting, heads
    assert best is not None
    return best[1], table, best[2]


def save_head(run: Run, arm: str, seed: str, head: nn.Module) -> dict[str, torch.Tensor]:
    path = head_path(run.folder, arm, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(head.state_dict(), path)
    return head.state_dict()


def one_arm(run: Run, views: Views, arm: Arm) -> None:
    started, rows = time.monotonic(), run.rows("val")
    bar = Bar(f"arm {arm.name}", len(run.backbones) * (len(TRIALS) + run.heads))
    count = iter(range(1, bar.total + 1))
    tasks = {b: task_of(run, views, arm, b) for b in run.backbones}
    val = {b: arm.inputs(views(b, "val")) for b in run.backbones}
    setting, table, heads = tune(tasks, val, rows.label, lambda: bar.show(next(count)))
    for backbone, head in heads.items():
        save_head(run, arm.name, seed_name(backbone, 0), head)
    logits, states = {}, []
    for backbone, task in tasks.items():
        for seed in range(1, run.heads + 1):
            head = fit(task, setting, seed)
            logits[seed_name(backbone, seed)] = predict(head, val[backbone], PREDICT_SEED)
            states.append(save_head(run, arm.name, seed_name(backbone, seed), head))
            bar.show(next(count))
    write_val(run.evidence, arm.name, rows, logits)
    record_arm(run.evidence, arm.name, {
        "kind": "head on stored features", "seeds": list(logits), "tuned": asdict(setting), "trials": table,
        "parameters": parameters(next(iter(heads.values()))), "digest": digest_of(states),
        "minutes": round((time.monotonic() - started) / 60, 2)})


def finished(run: Run, arm: str) -> bool:
    return csv_path(run.evidence, arm).exists() and arm in read_accounts(run.evidence)


def compare(run: Run, names: list[str]) -> None:
    views = Views(run)
    for name in names:
        if finished(run, name):
            print(f"arm {name}: there already")
        else:
            one_arm(run, views, ARMS[name])


def stored_head(run: Run, views: Views, arm: str, seed: str) -> nn.Module:
    """A head as it was fitted. Its start, map factor and draws are made anew from the stored features."""
    path = head_path(run.folder, arm, seed)
    if not path.exists():
        raise TrainError(Code.RUN_INCOMPLETE, f"{path} is not there: the step is `arms`")
    backbone, head = (int(part[1:]) for part in seed.split("-"))
    task = task_of(run, views, ARMS[arm], backbone)
    made = ARMS[arm].head(task.start, task.inputs, head)
    made.load_state_dict(torch.load(path))
    return made.eval()


def test_logits(run: Run, views: Views, name: str, seeds: list[str]) -> tuple[dict[str, np.ndarray], str]:
    """Logits of the test images by the stored heads, and the digest of those heads."""
    logits, states = {}, []
    for seed in seeds:
        head = stored_head(run, views, name, seed)
        inputs = ARMS[name].inputs(views(int(seed[1:].split("-")[0]), "test"))
        logits[seed] = predict(head, inputs, PREDICT_SEED)
        states.append(head.state_dict())
    return logits, digest_of(states)
