"""Writes the evidence page, its plots and results.json from the raw results.

    python models/train/report.py [--evidence models/evidence] [--check]

The same raw files give the same bytes. ``--check`` writes nothing and fails if what is there differs.
"""

import argparse
import json
import math
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import page
import plots
from analysis import analyse, rounded
from calibration import SENSITIVITY_ON_VAL
from data import SPLITS
from errors import Code, TrainError
from extras import EDGES, ablations, curves, resolution, served
from plan import ARMS, BINS, CLAIMS, CONTROL, MARGIN_ACCURACY, MARGIN_AUC, MULTI, RESAMPLES, SEED
from raw import Cases, cases, read_arms, read_json, read_serving

EVIDENCE = Path(__file__).resolve().parents[1] / "evidence"
ATTRIBUTION = (
    "Kermany, Zhang, Goldbaum (2018), *Labeled Optical Coherence Tomography (OCT) and Chest X-Ray Images for\n"
    "Classification*, Mendeley Data V2, doi:10.17632/rscbjbr9sj.2, CC BY 4.0; Kermany et al., Cell 172 (2018) "
    "1122–1131.\nChanges: resized to 224×224 grey, a part of the images left out, pixel-identical duplicates dropped.")
LEAVES = re.compile(r"\[\s+([^\[\]{}]*?)\s+\]")


def compact(results: dict[str, Any]) -> str:
    """JSON with a line for each name; lists of numbers stay on one line."""
    text = json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False)
    return LEAVES.sub(lambda m: "[" + re.sub(r"\s*\n\s*", " ", m[1]) + "]", text) + "\n"


def counts(of: dict[str, Cases]) -> dict[str, Any]:
    return {split: {"images": len(c.label), "positives": int(c.label.sum()), "patients": len(np.unique(c.patient))}
            for split, c in of.items()}


def threshold_logit(arm: dict[str, Any]) -> float:
    """The mean threshold of an arm's seeds as a calibrated logit: where the histograms mark it."""
    value = min(max(sum(arm["thresholds"]) / len(arm["thresholds"]), 1e-4), 1 - 1e-4)
    return math.log(value / (1 - value))


def results_of(evidence: Path, index: Path, resamples: int) -> dict[str, Any]:
    of = cases(index)
    arms, ablated = read_arms(evidence / "raw", of)
    about = read_json(path) if (path := evidence / "raw" / "arms.json").exists() else {}
    figures, contrasts = analyse(arms, of, resamples)
    for name, entry in figures.items():
        entry["about"] = about.get(name)
    has_test = [name for name in arms if "test" in arms[name].logits]
    split = "test" if {MULTI, CONTROL} <= set(has_test) else "val"
    shown = MULTI if MULTI in arms else CONTROL
    return {
        "schema": "lv06/evidence/1", "split": split, "data": counts(of), "attribution": ATTRIBUTION,
        "settings": {"resamples": resamples, "seed": SEED, "marginAuc": MARGIN_AUC, "marginAccuracy": MARGIN_ACCURACY,
                     "sensitivityOnVal": SENSITIVITY_ON_VAL, "bins": BINS},
        "claims": CLAIMS, "closed": [n for n in arms if n not in has_test],
        "unplanned": [n for n in arms if n not in ARMS],
        "arms": figures, "contrasts": contrasts, "ablations": ablations(ablated, arms, of),
        "served": served(read_serving(evidence / "serving", of), of, resamples),
        "resolution": resolution(of, contrasts), "shown": shown,
        "shownThreshold": rounded(threshold_logit(figures[shown])) if shown in figures else 0.0,
        "histogramEdges": rounded(EDGES), "curves": curves(arms, of),
    }


def write(evidence: Path, out: Path, index: Path = SPLITS, resamples: int = RESAMPLES) -> list[str]:
    """Writes all files of the report into ``out`` and returns their names."""
    results = results_of(evidence, index, resamples)
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(compact(results))
    (out / "README.md").write_text(page.page(results))
    plots.draw(results, out)
    return ["results.json", "README.md", *plots.PLOTS]


def report(evidence: Path, index: Path = SPLITS) -> None:
    """The whole report of an evidence folder, whose models lie beside it."""
    print(f"{evidence}: {', '.join(write(evidence, evidence, index))}")


def same(first: Path, second: Path) -> bool:
    return first.exists() and first.read_bytes() == second.read_bytes()


def check(evidence: Path, index: Path = SPLITS, resamples: int = RESAMPLES) -> None:
    """Fails with the names of the files that are not what the raw results give."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        names = write(evidence, made, index, resamples)
        stale = [name for name in names if not same(evidence / name, made / name)]
    if stale:
        raise TrainError(Code.EVIDENCE_STALE, f"{', '.join(stale)} in {evidence} are not what its raw results give")
    print(f"{evidence}: up to date")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--evidence", type=Path, default=EVIDENCE)
    arguments.add_argument("--index", type=Path, default=SPLITS, help="labels, patients and splits")
    arguments.add_argument("--check", action="store_true", help="write nothing; fail if the report is not up to date")
    args = arguments.parse_args()
    try:
        (check if args.check else report)(args.evidence, args.index)
    except TrainError as error:
        sys.exit(f"{error}\n  {error.action}")


if __name__ == "__main__":
    main()
