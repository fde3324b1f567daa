"""Writes models/NAME/README.md, the model card, from the manifest and results.json: its figures cannot drift from them.

    python models/train/cards.py [--models models] [--check]

A card that is there is left alone while results.json knows nothing of its model, or its model is no arm's.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from errors import Code, TrainError
from plan import ARMS, CONTROL, INJECTED_CONTROL, MULTI, SINGLE
from raw import read_json
from words import change, counted, plain, share_interval, table, with_interval

MODELS = Path(__file__).resolve().parents[1]

PATTERNS = {
    "none": "no attention: the control of the hybrids",
    "A": "hash attention fused as pattern A, `features × (1 + attention)` before the classifier",
    "B": "hash attention injected after each of the four stages, pattern B",
    "C": "hash attention in a small branch of its own, joined before the classifier, pattern C",
}

WIDE = """- **int8 on x86-64 without VNNI** adds pairs of products in 16 bits and can saturate: compare `int8-u8s8` with
  `fp32` on such a CPU first."""
NARROW = """- **Weights have 7 bits**, so that x86-64 CPUs without VNNI, which add pairs of products in 16 bits, cannot
  saturate."""


def arm_of(manifest: dict[str, Any]) -> str:
    """The arm whose weights a model has."""
    attention = manifest["attention"]
    if manifest["pattern"] == "A":
        return SINGLE if len(attention["scales"]) == 1 else MULTI
    return {"none": CONTROL, "B": "injected", "C": "parallel"}[manifest["pattern"]]


def figures(manifest: dict[str, Any], results: dict[str, Any]) -> str:
    """One table a split: every precision, and the appliance's own run."""
    how, parts = {"onnx": "ONNX parts", "appliance": "appliance"}, []
    names = {"val": "Validation (it also chose settings, temperature and threshold: flattering)",
             "test": "Official test split (chose nothing)"}
    for split, title in names.items():
        rows = [[model.get("precision", "–"), how[model["source"]], with_interval(model[split]["auc"]),
                 *(share_interval(model[split][key]) for key in ("accuracy", "sensitivity", "specificity")),
                 plain(model[split]["ece"]), plain(model[split]["brier"]), str(model[split]["notAssessed"])]
                for model in results["served"] if model.get("model") == manifest["name"] and split in model]
        if rows:
            head = ["precision", "run by", "AUC", "accuracy", "sensitivity", "specificity", "ECE", "Brier",
                    "not assessed"]
            parts.append(f"### {title}: {counted(results['data'][split])}\n\n{table(head, rows)}")
        elif split == "test":
            parts.append("The official test split has not been opened for this model.")
    return "\n\n".join(parts)


def attention(manifest: dict[str, Any], results: dict[str, Any]) -> str:
    """What attention does in the arm that this model comes from, over all seeds."""
    arm, split = arm_of(manifest), results["split"]
    where = {"val": "on validation", "test": "on the official test split"}[split]
    if arm == CONTROL:
        return "This model has no attention. What attention adds to it stands in [the evidence](../evidence/README.md)."
    pair = next((c[split] for c in results["contrasts"]
                 if c["first"] == arm and c["second"] in (CONTROL, INJECTED_CONTROL) and split in c), None)
    if pair is None:
        return f"Its arm (`{arm}`) has not been compared with the same network without attention yet."
    return f"""Over {len(pair['seeds'])} seeds {where}, the arm of this model (`{arm}`: {ARMS[arm]}) less the same
network without attention: AUC {change(pair['auc'])}, accuracy {change(pair['accuracy'], 100, 1)} percentage points (95 %
intervals over patients and seeds). The single model above is one of many runs:
[the evidence](../evidence/README.md) has them all."""


def card(manifest: dict[str, Any], results: dict[str, Any]) -> str:
    low, high = manifest["labels"]
    population = manifest["population"]
    narrow = all(variant["weightBits"] == 7 for variant in manifest["variants"].values())
    return f"""# {manifest['name']} {manifest['version']}

{low} against {high} on frontal chest X-rays: a one-channel ResNet-18 trained from scratch, int8, with
{PATTERNS[manifest['pattern']]}.
Written by `make evidence` from manifest.json and the evidence; nothing in it is typed by hand.

## Intended use

**Research use only.** Not a medical device; not for diagnosis, triage or any decision about a patient.

## Population

{population[0].upper()}{population[1:]}.
One hospital, two classes, labels not verified again. Nothing is known about adults, other hospitals, other equipment,
other diseases, or images that are no chest X-ray at all.

## Figures

The value, and the 95 % interval of a bootstrap over patients; one trained model, so the spread between training seeds
is not in it. Operating point: threshold {manifest['threshold']} after temperature {manifest['temperature']},
{manifest['thresholdRule']} ({manifest['calibrationSet']['name']}, {manifest['calibrationSet']['images']} images).
Decisions are made from the probability rounded to four decimals, as the appliance makes them. `int8-u8s8` is served on
x86-64, `int8-s8s8` on arm64; `fp32` is not served.

{figures(manifest, results)}

## What attention does

{attention(manifest, results)}

A map is a fixed function of the SHA-256 of the pixels, which changes beyond recognition with one grey level. It
explains nothing and shows no lesion. Identical blocks, such as black borders, do share one value.

## Limits

- **Validation is not test.** The operating point does not carry over to the official test split as the ranking does.
- **Shortcuts.** Originals of the two classes differ in shape and size, which stretching to a square leaves as
  distortion; borders, markers and JPEG history differ too. The evidence has ablations.
- **Probabilities** are calibrated on the validation split and its share of pneumonia. Elsewhere they are not.
{NARROW if narrow else WIDE}
- Logits differ in their last digits between CPUs and runtime versions; published probabilities have four decimals.

## Data and licence

{manifest['attribution']}
The weights are published under {manifest['licence']}. How to make them again: `models/train/README.md`.
"""


def of_an_arm(folder: Path) -> bool:
    """Whether a model is one of the study's: one from before it keeps the card that it came with."""
    path = folder / "evidence.json"
    return path.exists() and "arm" in read_json(path)


def cards(models: Path, results: dict[str, Any]) -> dict[Path, str]:
    """Cards by path, of the study's models that are measured, and of every model that has none."""
    measured = {model.get("model") for model in results["served"]}
    found = {}
    for path in sorted(models.glob("*/manifest.json")):
        target = path.parent / "README.md"
        if (path.parent.name in measured and of_an_arm(path.parent)) or not target.exists():
            found[target] = card(read_json(path), results)
    return found


def write_cards(models: Path, evidence: Path) -> None:
    for path, text in cards(models, json.loads((evidence / "results.json").read_text())).items():
        path.write_text(text)
        print(f"{path}: written")


def check_cards(models: Path, evidence: Path) -> None:
    made = cards(models, json.loads((evidence / "results.json").read_text()))
    stale = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    if stale:
        raise TrainError(Code.EVIDENCE_STALE, f"{', '.join(map(str, stale))} are not what manifest and results give")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--models", type=Path, default=MODELS)
    arguments.add_argument("--check", action="store_true", help="write nothing; fail if a card is not up to date")
    args = arguments.parse_args()
    try:
        (check_cards if args.check else write_cards)(args.models, args.models / "evidence")
    except TrainError as error:
        sys.exit(f"{error}\n  {error.action}")


if __name__ == "__main__":
    main()
