"""The ``precompute`` step: rasters and hash bytes by the appliance itself, which is what serves."""

import json
import subprocess
from pathlib import Path

from data import precomputed_files, read_index
from errors import Code, TrainError
from results import CHECKOUT

LV06 = CHECKOUT / "lv06"


def has_node() -> bool:
    """Whether ``./lv06`` runs here."""
    return LV06.exists() and subprocess.run([LV06, "--version"], capture_output=True, check=False).returncode == 0


def is_precomputed(out: Path, index: Path) -> bool:
    """Whether every file of the index had its turn: one that was interrupted has left an index too."""
    wanted = {row["file"] for row in read_index(index)}
    try:
        return wanted <= precomputed_files(out).keys()
    except TrainError:
        return False


def precompute(images: Path, out: Path) -> None:
    """Goes on where an earlier run stopped. Refused files are no reason to stop: what needs them says so."""
    if not has_node():
        raise TrainError(Code.NODE_MISSING, "./lv06 does not start")
    ended = subprocess.run([LV06, "precompute", images.resolve(), "--out", out.resolve(), "--json"],
                           stdout=subprocess.PIPE, text=True, check=False)
    if ended.returncode not in (0, 6):
        raise TrainError(Code.DATA_PRECOMPUTED, f"./lv06 precompute ended with {ended.returncode}")
    print(json.dumps(json.loads(ended.stdout)))
