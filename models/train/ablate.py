"""The ``ablations`` step: the whitepaper's three arms on changed val and test images, after those arms were opened.

Every head that was compared scores what its own backbone makes of the changed bytes, with maps hashed from those. The
figures are descriptive: they choose nothing and carry no test.
"""

from collections.abc import Callable

import numpy as np
import torch

from ablation import KINDS, ablated, file_name
from arms import ARMS, View
from attention import all_bytes
from backbone import from_raster, load_backbone
from compare import PREDICT_SEED, Views, stored_head
from data import Rows
from errors import Code, TrainError
from fit import predict
from plan import CLAIMS
from results import KEYS, csv_path, has_test, lines_of, read_accounts, replace, text_of
from run import Run

SPLITS = ("val", "test")


def is_done(run: Run) -> bool:
    return all(csv_path(run.evidence, file_name(arm, kind)).exists() for arm in CLAIMS for kind in KINDS)


def scorer(run: Run, views: Views, backbone: int, columns: list[tuple[str, str]]) -> Callable[[np.ndarray], np.ndarray]:
    """From rasters u8 [B,224,224] to logits [B,K], a column for each (arm, seed) of one backbone."""
    model = load_backbone(run.folder, backbone, run.width)
    heads = {column: stored_head(run, views, *column) for column in columns}

    @torch.inference_mode()
    def scores(raster: np.ndarray) -> np.ndarray:
        # Half precision, as the features that the heads were fitted on are stored.
        features = model.backbone(from_raster(raster)).half().flatten(2)
        view = View("changed", features, all_bytes(raster))
        inputs = {arm: ARMS[arm].inputs(view) for arm in {arm for arm, _ in columns}}
        return np.column_stack([predict(heads[column], inputs[column[0]], PREDICT_SEED) for column in columns])

    return scores


def measured(run: Run, rows: Rows, views: Views, columns: list[tuple[str, str]]) -> dict[str, dict]:
    """Logits [N] by kind and (arm, seed)."""
    found: dict[str, dict] = {kind: {} for kind in KINDS}
    for backbone in run.backbones:
        own = [(arm, seed) for arm, seed in columns if seed.startswith(f"b{backbone}-")]
        for kind, logits in ablated(rows.raster, scorer(run, views, backbone, own)).items():
            found[kind] |= {column: logits[:, k] for k, column in enumerate(own)}
    return found


def ablations(run: Run) -> None:
    """Writes ``raw/ablation-ARM.KIND.csv`` unless all are there."""
    if is_done(run):
        return print("ablations: there already")
    closed = [arm for arm in CLAIMS if not has_test(csv_path(run.evidence, arm))]
    if closed:
        raise TrainError(Code.RUN_INCOMPLETE, f"test is still closed for {', '.join(closed)}: the step is `open-test`")
    accounts, views = read_accounts(run.evidence), Views(run)
    columns = [(arm, seed) for arm in CLAIMS for seed in accounts[arm]["seeds"]]
    found = {split: measured(run, run.rows(split), views, columns) for split in SPLITS}
    for arm in CLAIMS:
        for kind in KINDS:
            lines = [[*KEYS, *accounts[arm]["seeds"]]]
            for split in SPLITS:
                logits = {seed: found[split][kind][arm, seed] for seed in accounts[arm]["seeds"]}
                lines += lines_of(split, run.rows(split), logits)
            replace(csv_path(run.evidence, file_name(arm, kind)), text_of(lines))
