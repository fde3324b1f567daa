"""Pattern B and its controls: the plain backbone of the same seed, fine-tuned end to end with maps at every stage.

The maps are hashed from the bytes of the varied image itself: the network sees exactly the bytes that were hashed, as
in serving, so attention and image cannot be out of step. ``injected-permuted`` takes another image's maps,
``injected-none`` takes none; all three see the same images in the same order for as long.
"""

import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from arms import View, others
from attention import all_bytes, combine, level, load_bytes
from backbone import BATCH, VARIATIONS, from_raster, load_backbone
from compare import digest_of, finished, parameters, seed_name
from data import Rows
from network import GRIDS, Injected
from results import record_arm, write_val
from run import Run
from training import Forward, Plan, Trainer, device_of, half

NAMES = ("injected", "injected-none", "injected-permuted")
PEAK = 1e-4


def plan(run: Run) -> Plan:
    return Plan(VARIATIONS[run.variation], run.epochs_injected, PEAK)


def levels(attention: np.ndarray, device: torch.device) -> list[Tensor]:
    """A multi-scale map [B,56,56] as what the stages take: [B,1,g,g] each."""
    return [torch.from_numpy(level(attention, grid)).unsqueeze(1).to(device) for grid in GRIDS]


def as_bytes(grey: Tensor) -> np.ndarray:
    """Grey levels [B,1,224,224] in [0,1] to the raster u8 [B,224,224] that a host might have had."""
    return (grey[:, 0] * 255).round().to(torch.uint8).numpy()


def forward(name: str) -> Forward:
    """What the network of this arm does with varied images."""
    def run_through(model: nn.Module, grey: Tensor) -> Tensor:
        raster, device = as_bytes(grey), device_of(model)
        image = from_raster(raster).to(device)
        if name == "injected-none":
            return model(image)
        attention = combine(all_bytes(raster))
        return model(image, levels(np.roll(attention, 1, axis=0) if name == "injected-permuted" else attention, device))

    return run_through


@torch.inference_mode()
def logits(name: str, model: nn.Module, rows: Rows, split: str, data: Path, exact: bool) -> np.ndarray:
    """Logits of a split with the stored maps, float32 [N]; ``exact`` without half precision."""
    model.eval()
    device, stored = device_of(model), load_bytes(data, rows.row)
    order = np.arange(len(rows.row))
    if name == "injected-permuted":
        order = others(View(split, torch.empty(len(order), 0), stored))
    found = []
    for at in range(0, len(order), BATCH):
        image = from_raster(rows.raster[at:at + BATCH]).to(device)
        part = {scale: values[order[at:at + BATCH]] for scale, values in stored.items()}
        maps = None if name == "injected-none" else levels(combine(part), device)
        with half(device) if not exact else torch.autocast(device.type, enabled=False):
            found.append(model(image, maps).float().cpu())
    return torch.cat(found).numpy()


def begin(run: Run, backbone: int) -> Injected:
    """Weights of the plain network; its classifier sees features that the last gate made larger by 1 + gate/2."""
    model = Injected(run.width)
    model.load_state_dict(load_backbone(run.folder, backbone, run.width).state_dict(), strict=False)
    return model


def checkpoint(folder: Path, name: str, backbone: int) -> Path:
    return folder / f"{name}-{backbone}.pt"


def load_injected(run: Run, name: str, backbone: int) -> Injected:
    model = Injected(run.width)
    model.load_state_dict(torch.load(checkpoint(run.folder, name, backbone), map_location="cpu")["average"])
    return model.to(memory_format=torch.channels_last).eval()


def tune_network(run: Run, name: str, backbone: int) -> Injected:
    """Fine-tunes, or goes on, or finds it done; returns the averaged network on the CPU."""
    torch.manual_seed(backbone)
    trainer = Trainer(begin(run, backbone).to(run.device), plan(run), backbone, checkpoint(run.folder, name, backbone))
    trainer.run(run.rows("train"), run.rows("val"), forward(name),
                lambda model, rows: logits(name, model, rows, "val", run.data, exact=False))
    return load_injected(run, name, backbone)


def compare_injected(run: Run, names: list[str]) -> None:
    """Seeds in the outer loop: what was interrupted leaves every arm of the earlier seeds done."""
    wanted = [name for name in names if not finished(run, name)]
    minutes = dict.fromkeys(wanted, 0.0)
    models: dict[str, dict[int, Injected]] = {name: {} for name in wanted}
    for backbone in run.injected:
        for name in wanted:
            started = time.monotonic()
            models[name][backbone] = tune_network(run, name, backbone)
            minutes[name] += (time.monotonic() - started) / 60
    for name in wanted:
        found = {seed_name(b, 1): logits(name, m, run.rows("val"), "val", run.data, exact=True)
                 for b, m in models[name].items()}
        write_val(run.evidence, name, run.rows("val"), found)
        gates = {seed_name(b, 1): [round(g, 4) for g in m.gates.tolist()] for b, m in models[name].items()}
        record_arm(run.evidence, name, {
            "kind": "network fine-tuned end to end", "seeds": list(found), "tuned": {}, "trials": [],
            "plan": asdict(plan(run)), "gates": None if name == "injected-none" else gates,
            "parameters": parameters(models[name][run.injected[0]]), "minutes": round(minutes[name], 2),
            "digest": digest_of([m.state_dict() for m in models[name].values()])})


def test_logits(run: Run, name: str, seeds: list[str]) -> tuple[dict[str, np.ndarray], str]:
    """Logits of the test images by the fine-tuned networks, and the digest of those."""
    models = {seed: load_injected(run, name, int(seed[1:].split("-")[0])) for seed in seeds}
    found = {seed: logits(name, m, run.rows("test"), "test", run.data, exact=True) for seed, m in models.items()}
    return found, digest_of([m.state_dict() for m in models.values()])
