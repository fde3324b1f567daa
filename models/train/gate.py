"""Fits and measures the quality gate: which images get ``assessed: false``, and why.

    python3 models/train/gate.py --data DIR --run DIR

``--data`` is what ``./lv06 precompute`` wrote. The features of films and corpus are kept in the run folder and made
only once. Writes host/pipeline/quality-table.ts, the vector that holds both
languages together, and models/evidence/gate.json and gate.md.
Train fits, val measures. ``--open-test`` adds the official test films once, after the table was committed.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np

import hostile
from data import SPLITS, load
from errors import Code, TrainError
from gate_features import features
from gate_fit import Gate, Rule, fit, judge
from gate_page import host_table, page, vector
from progress import over
from results import CHECKOUT, EVIDENCE, replace

FIT_SEED, MEASURE_SEED, TO_FIT, TO_MEASURE = 1, 3, 500, 100
PIPELINE = CHECKOUT / "host" / "pipeline"
VECTOR = Path(__file__).parent / "fixtures" / "gate-vector.json"


def fitting(data: Path, run: Path, index: Path) -> dict[str, np.ndarray]:
    """Features by name, int [N,78]: train films, their variations, and every fitted kind of the corpus."""
    kept = run / f"gate-fit-{TO_FIT}.npz"
    if kept.exists():
        return dict(np.load(kept))
    films = load(data, "train", index).raster
    found = {"films": features(films), "varied": features(hostile.friendly(films, FIT_SEED))}
    for kind in over("making the corpus to fit to", [k for k, v in hostile.KINDS.items() if v.fitted]):
        found[kind] = features(hostile.make(kind, TO_FIT, films, FIT_SEED))
    unfinished = kept.with_suffix(".part.npz")
    np.savez(unfinished, **found)
    unfinished.replace(kept)
    return found


def fitted(found: dict[str, np.ndarray], run: Path) -> Gate:
    kept = run / "gate.json"
    if not kept.exists():
        corpus = {kind: (hostile.KINDS[kind].reason, z) for kind, z in found.items() if kind in hostile.KINDS}
        replace(kept, json.dumps(fit(found["films"], found["varied"], corpus).as_dict()))
    read = json.loads(kept.read_text())
    return Gate(**{**read, "rules": [Rule(**rule) for rule in read["rules"]]})


def counted(reasons: list[str | None], turned_away: bool) -> dict:
    given = Counter(r for r in reasons if r is not None)
    count = given.total() if turned_away else len(reasons) - given.total()
    return {"count": count, "of": len(reasons), "reasons": dict(sorted(given.items()))}


def measured(gate: Gate, data: Path, index: Path) -> dict:
    """With other seeds, on films of other patients."""
    train, films = load(data, "train", index).raster, load(data, "val", index).raster
    rejections = {"train": train, "val": films, "val, varied": hostile.friendly(films, MEASURE_SEED)}
    accepted = {}
    for kind in over("measuring on the corpus of other seeds", list(hostile.KINDS)):
        made = hostile.make(kind, TO_MEASURE, films, MEASURE_SEED)
        accepted[kind] = {"fitted": hostile.KINDS[kind].fitted, **counted(judge(gate, made), turned_away=False)}
    return {"rules": len(gate.rules), "seeds": {"fit": FIT_SEED, "measure": MEASURE_SEED},
            "falseRejections": {name: counted(judge(gate, f), turned_away=True) for name, f in rejections.items()},
            "acceptedInAll": {"all": total(accepted, [True, False]), "fitted": total(accepted, [True]),
                              "leftOut": total(accepted, [False])}, "accepted": accepted}


def total(accepted: dict[str, dict], which: list[bool]) -> dict:
    chosen = [figure for figure in accepted.values() if figure["fitted"] in which]
    return {"count": sum(f["count"] for f in chosen), "of": sum(f["of"] for f in chosen)}


def open_test(gate: Gate, results: dict, data: Path, index: Path) -> None:
    """The official test films, once, with the table that is committed."""
    from open_test import is_committed  # noqa: PLC0415 - needs PyTorch, which nothing else here does

    host = PIPELINE / "quality-table.ts"
    if host.read_text() != host_table(gate) or not is_committed(host):
        raise TrainError(Code.TEST_UNCOMMITTED, f"{host.name} is not committed as it was fitted")
    if "test" in results["falseRejections"]:
        raise TrainError(Code.TEST_ALREADY_OPEN, "gate.json has a row for test")
    results["falseRejections"]["test"] = counted(judge(gate, load(data, "test", index).raster), turned_away=True)


def perform(args: argparse.Namespace) -> None:
    args.run.mkdir(parents=True, exist_ok=True)
    gate = fitted(fitting(args.data, args.run, args.index), args.run)
    kept = args.evidence / "gate.json"
    if args.open_test:
        results = json.loads(kept.read_text())
        open_test(gate, results, args.data, args.index)
    else:
        replace(PIPELINE / "quality-table.ts", host_table(gate))
        replace(VECTOR, vector(gate))
        results = measured(gate, args.data, args.index)
    replace(kept, json.dumps(results, indent=1) + "\n")
    replace(args.evidence / "gate.md", page(results))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="what ./lv06 precompute wrote")
    parser.add_argument("--run", type=Path, default=Path("build/gate"), help="where features and the fit are kept")
    parser.add_argument("--evidence", type=Path, default=EVIDENCE, help="where results go (default: models/evidence)")
    parser.add_argument("--index", type=Path, default=SPLITS, help="labels and splits (default: kermany224.csv)")
    parser.add_argument("--open-test", action="store_true", help="measure the official test films, once")
    try:
        perform(parser.parse_args())
    except TrainError as error:
        print(f"\n{error}\n  {error.action}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
