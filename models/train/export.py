"""The ``export`` step: five model folders that the host can load, int8 for x86-64 and arm64.

Plain, A and C share one frozen backbone, which lies in ``shared`` beside them; B has its own. Both flavours of a
backbone share one weight file. Quantisation is calibrated on train images; temperature and threshold are fitted on val
with the int8 model that x86-64 runs. Heads are those of seed 0 (all train images). Which seed's backbone is served is
chosen on val as well. The test split is not read here.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import graph
from arms import ARMS
from attention import GRID, SCALES, SINGLE_SCALE, WEIGHTS, combine, level, load_bytes, single
from backbone import load_backbone
from calibration import calibrate, probability
from compare import PREDICT_SEED, Views, seed_name, stored_head
from data import CLASSES, DEVIATION, MEAN, Rows
from errors import Code, TrainError
from fit import log_loss, predict
from heads import Parallel
from injection import load_injected
from injection import logits as injected_logits
from manifest import ATTENTION, manifest, part, write_manifest
from marks import mark
from metrics import at_threshold, auc, expected_calibration_error
from network import GRIDS, Injected, PlainClassifier
from quantise import Levels, quantise, share_weights
from results import KEYS, csv_path, read
from run import Run
from serving import logits

CALIBRATION_IMAGES = 256
WEIGHTS_FILE = "backbone-int8.bin"
# Precision variant → (signed activations, CPUs as Node's process.arch names them).
VARIANTS = {"int8-u8s8": (False, ["x64"]), "int8-s8s8": (True, ["arm64"])}
SERVED = "int8-u8s8"
FP32 = "fp32"
# Largest difference of a float32 graph's logit from the network's, as a share of the largest logit.
TOLERANCE = 0.01


@dataclass(frozen=True)
class Kind:
    """One served model: its folder, its pattern, and the arm whose weights it has."""

    name: str
    pattern: str
    arm: str
    scales: tuple[int, ...] = SCALES
    weights: tuple[float, ...] = WEIGHTS

    @property
    def grids(self) -> tuple[int, ...]:
        return {"none": (), "A": (GRID,)}.get(self.pattern, GRIDS)

    def levels(self, data: Path, row: np.ndarray) -> Levels:
        """What it takes besides the image, of the given stored rows: float32 [N,g,g] by input name."""
        stored = load_bytes(data, row, self.scales)
        attention = single(stored, self.scales[0]) if len(self.scales) == 1 else combine(stored)
        return {graph.level_input(g): level(attention, g) for g in self.grids}

    def attention(self) -> dict | None:
        if self.pattern == "none":
            return None
        return {"scales": list(self.scales), "weights": list(self.weights), "grids": list(self.grids)}


KINDS = (Kind("kermany-plain", "none", "none"),
         Kind("kermany-a-single", "A", "hash-single", (SINGLE_SCALE,), (1.0,)),
         Kind("kermany-a-multi", "A", "hash-multi"),
         Kind("kermany-b", "B", "injected"),
         Kind("kermany-c", "C", "parallel"))
PLAIN, PATTERN_B = KINDS[0], KINDS[3]


@dataclass(frozen=True)
class Chosen:
    """Seeds of the backbones that are served: the one that is shared, and pattern B's own."""

    shared: int
    injected: int

    def of(self, kind: Kind) -> int:
        return self.injected if kind.pattern == "B" else self.shared


def least_loss(evidence: Path, arm: str) -> int:
    """The backbone with the least class-balanced log-loss on val, averaged over the arm's heads on it."""
    header, rows = read(csv_path(evidence, arm))
    val = [row for row in rows if row[1] == "val"]
    label = np.array([float(row[2]) for row in val])
    losses: dict[int, list[float]] = {}
    for column, seed in enumerate(header[len(KEYS):], len(KEYS)):
        backbone = int(seed.split("-")[0].removeprefix("b"))
        losses.setdefault(backbone, []).append(log_loss(label, np.array([float(row[column]) for row in val])))
    return min(losses, key=lambda backbone: float(np.mean(losses[backbone])))


def chosen_on_val(evidence: Path) -> Chosen:
    """Shared: by the plain CNN's heads, which favour no attention. Pattern B has fewer seeds to choose from."""
    return Chosen(least_loss(evidence, PLAIN.arm), least_loss(evidence, PATTERN_B.arm))


def home(out: Path, kind: Kind) -> Path:
    """The folder that a model's backbone lies in."""
    return out / (kind.name if kind.pattern == "B" else "shared")


def calibration_rows(train: Rows) -> np.ndarray:
    """Train images spread evenly over the list, the same at every run."""
    return np.linspace(0, len(train.raster) - 1, min(CALIBRATION_IMAGES, len(train.raster))).astype(int)


def write_backbone(model: PlainClassifier, images: np.ndarray, levels: Levels, folder: Path, build: Path,
                   reduce_range: bool) -> None:
    """Both int8 flavours with one weight file into ``folder``, float32 (only to compare with) into ``build``.

    A backbone without ``levels`` is shared by models with and without attention, so it is marked for neither.
    """
    for place in (folder, build):
        place.mkdir(parents=True, exist_ok=True)
    made = {name: quantise(model, images, MEAN, DEVIATION, signed, reduce_range, levels=levels)
            for name, (signed, _) in VARIANTS.items()}
    sizes = share_weights(list(made.values()), folder / WEIGHTS_FILE)
    print(f"{folder.name}: weights {sizes['referredBytes']} bytes referred to, {sizes['writtenBytes']} written")
    for name, flavour in made.items():
        graph.save(mark(flavour, ATTENTION, list(CLASSES)) if levels else flavour, folder / f"backbone-{name}.onnx")
    graph.save(graph.backbone(model, MEAN, DEVIATION), build / f"backbone-{FP32}.onnx")


def write_head(run: Run, kind: Kind, views: Views, backbone: int, network: Injected, folder: Path) -> None:
    """``network``: the injected one, whose own classifier is pattern B's head."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind.pattern == "B":
        made = graph.head(network.classifier.weight.detach().numpy()[0], network.classifier.bias.item(), attention=None)
    else:
        head = stored_head(run, views, kind.arm, seed_name(backbone, 0))
        if isinstance(head, Parallel):
            made = graph.parallel_head(head)
        else:
            made = graph.head(*head.classifier.folded(), attention=graph.level_input(GRID) if kind.grids else None)
    graph.save(mark(made, ATTENTION if kind.grids else "none", list(CLASSES)), folder / "head.onnx")


def figures(label: np.ndarray, logit: np.ndarray, point: tuple[float, float]) -> dict[str, float]:
    value = probability(logit, point[0])
    found = {"auc": auc(label, logit), **at_threshold(label, value, point[1]),
             "ece": expected_calibration_error(label, value), "brier": float(((value - label) ** 2).mean())}
    return {key: round(v, 4) for key, v in found.items()}


def run_parts(out: Path, build: Path, data: Path, rows: Rows, precision: str) -> dict[str, np.ndarray]:
    """Logits of every model's parts in one precision, by model name: each backbone runs once over the rows."""
    found: dict[str, np.ndarray] = {}
    for shared in (True, False):
        kinds = [kind for kind in KINDS if (kind.pattern != "B") is shared]
        levels = {kind.name: kind.levels(data, rows.row) for kind in kinds}
        injected = {} if shared else levels[PATTERN_B.name]
        heads = {kind.name: (out / kind.name / "head.onnx", levels[kind.name] if shared else {}) for kind in kinds}
        body = home(build if precision == FP32 else out, kinds[0]) / f"backbone-{precision}.onnx"
        found |= logits(body, injected, heads, rows.raster)
    return found


def write_all(run: Run, out: Path, build: Path, chosen: Chosen, reduce_range: bool) -> None:
    train, network = run.rows("train"), load_injected(run, PATTERN_B.arm, chosen.injected)
    calibrating = calibration_rows(train)
    images = train.raster[calibrating]
    plain = load_backbone(run.folder, chosen.shared, run.width)
    write_backbone(plain, images, {}, out / "shared", build / "shared", reduce_range)
    write_backbone(network, images, PATTERN_B.levels(run.data, train.row[calibrating]), home(out, PATTERN_B),
                   home(build, PATTERN_B), reduce_range)
    views = Views(run)
    for kind in KINDS:
        write_head(run, kind, views, chosen.of(kind), network, out / kind.name)


def by_network(run: Run, chosen: Chosen) -> dict[str, np.ndarray]:
    """Val logits of every model by PyTorch and the stored features, before any export."""
    views, found = Views(run), {}
    for kind in KINDS:
        if kind.pattern == "B":
            network = load_injected(run, kind.arm, chosen.injected)
            found[kind.name] = injected_logits(kind.arm, network, run.rows("val"), "val", run.data, exact=True)
        else:
            head = stored_head(run, views, kind.arm, seed_name(chosen.shared, 0))
            found[kind.name] = predict(head, ARMS[kind.arm].inputs(views(chosen.shared, "val")), PREDICT_SEED)
    return found


def demand_equal(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    """The float32 graphs must be the networks, but for rounding (features are stored with 11 bits)."""
    for name, logit in found.items():
        worst = float(np.abs(logit - expected[name]).max() / max(1.0, float(np.abs(logit).max())))
        if not worst <= TOLERANCE:
            raise TrainError(Code.EXPORT_MISMATCH, f"{name}: a logit is {worst:.2%} off the network's")


def variants_of(out: Path, kind: Kind, reduce_range: bool) -> dict:
    """The manifest's account of both int8 flavours."""
    folder = out / kind.name
    head = part(folder / "head.onnx", folder)
    return {name: {"cpu": cpu, "weightBits": 7 if reduce_range else 8,
                   "parts": {"backbone": part(home(out, kind) / f"backbone-{name}.onnx", folder), "head": head}}
            for name, (_, cpu) in VARIANTS.items()}


def write_manifests(out: Path, version: str, val: Rows, found: dict[str, dict[str, np.ndarray]], chosen: Chosen,
                    reduce_range: bool) -> None:
    """``found``: val logits by precision and model name. evidence.json has the figures of all."""
    for kind in KINDS:
        folder = out / kind.name
        point = calibrate(val.label, found[SERVED][kind.name])
        on_val = {precision: figures(val.label, logits_of[kind.name], point) for precision, logits_of in found.items()}
        write_manifest(folder, manifest(folder, version, kind.pattern, kind.attention(),
                                        variants_of(out, kind, reduce_range), point, len(val.label), on_val[SERVED]))
        evidence = {"model": kind.name, "version": version, "arm": kind.arm,
                    "backbone": chosen.of(kind), "temperature": point[0],
                    "threshold": point[1], "val": on_val}
        (folder / "evidence.json").write_text(json.dumps(evidence, indent=1) + "\n")
        print(kind.name, json.dumps(on_val[SERVED]))


def export(run: Run, version: str, reduce_range: bool) -> None:
    val, out, build, chosen = run.rows("val"), run.models, run.fp32, chosen_on_val(run.evidence)
    print(f"served: backbone {chosen.shared}; pattern B's own, {chosen.injected}")
    write_all(run, out, build, chosen, reduce_range)
    found = {precision: run_parts(out, build, run.data, val, precision) for precision in (*VARIANTS, FP32)}
    demand_equal(found[FP32], by_network(run, chosen))
    write_manifests(out, version, val, found, chosen, reduce_range)
    total = sum(p.stat().st_size for kind in KINDS for p in (out / kind.name).iterdir())
    total += sum(p.stat().st_size for p in (out / "shared").iterdir())
    print(f"five models, {total / 1e6:.1f} MB")
