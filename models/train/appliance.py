"""The ``appliance`` step: every served model through the product's own pipeline, from the image file on.

It runs `./lv06 eval` on val and test, quality gate included, and keeps what that writes for the report beside what
``measure`` wrote: ``serving/MODEL.PRECISION.appliance.json`` and ``.csv``. The test split must be open by then.
"""

import json
import shutil
import subprocess
from pathlib import Path

from errors import Code, TrainError
from export import KINDS
from manifest import digest
from measure import demand_arms_open
from precompute import LV06, has_node
from results import EVIDENCE
from run import Run

# `./lv06 eval` ends so when it refused some images, which the figures then say.
DONE, REFUSED = 0, 6
# What the appliance serves unless told otherwise; it is older than this pipeline, which does not make it again.
DEFAULT = EVIDENCE.parent / "kermany-resnet18-a"


def is_current(run: Run, folder: Path) -> bool:
    """Whether there are figures of this very model."""
    now = digest(folder / "manifest.json")
    return any(json.loads(path.read_text())["digest"] == now
               for path in (run.evidence / "serving").glob(f"{folder.name}.*.appliance.json"))


def evaluate(run: Run, folder: Path, images: Path) -> None:
    out = run.folder / "eval"
    command = [LV06, "eval", run.index, "--images", images, "--split", "val,test", "--distinct",
               "--model", folder.resolve(), "--out", out.resolve()]
    ended = subprocess.run([str(word) for word in command], check=False).returncode
    if ended not in (DONE, REFUSED):
        raise TrainError(Code.EVAL_FAILED, f"./lv06 eval of {folder.name} ended with {ended}")
    for path in sorted((out / "serving").glob(f"{folder.name}.*")):
        (run.evidence / "serving").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, run.evidence / "serving" / f"{path.stem}.appliance{path.suffix}")


def measure_appliance(run: Run, images: Path) -> None:
    """Models whose figures are there are left alone."""
    demand_arms_open(run)
    if not has_node():
        raise TrainError(Code.NODE_MISSING, "./lv06 does not start")
    for folder in (*(run.models / kind.name for kind in KINDS), DEFAULT):
        if is_current(run, folder):
            print(f"{folder.name}: there already")
        else:
            evaluate(run, folder, images)
