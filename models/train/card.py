"""The model card, written from the manifest and the evidence so that its figures cannot drift from them."""

FIGURES = {"auc": "AUC", "accuracy": "accuracy", "sensitivity": "sensitivity", "specificity": "specificity",
           "ece": "ECE", "brier": "Brier"}

WIDE = """**int8 on x86-64 without VNNI** adds pairs of products in 16 bits and can saturate; the figures are from a CPU with
  VNNI. `export.py --reduce-range` makes weights that cannot saturate. Compare `int8-u8s8` with `fp32` on such a CPU first."""
NARROW = """**Weights have 7 bits**, so that x86-64 CPUs without VNNI, which add pairs of products in 16 bits, cannot saturate."""


def number(figure: dict) -> str:
    """As many decimals as the evidence has: rounding a rounded figure again can move it."""
    low, high = figure["interval95"]
    return f"{figure['value']:.4f} ({low:.4f}–{high:.4f})"


def table(split: dict) -> str:
    head = "| | " + " | ".join(FIGURES.values()) + " |\n|---" + "|---" * len(FIGURES) + "|\n"
    return head + "".join(f"| {name} | " + " | ".join(number(arm[key]) for key in FIGURES) + " |\n"
                          for name, arm in split["arms"].items())


def section(name: str, split: dict) -> str:
    gain = split["attentionMinusControlAuc"]
    low, high = gain["interval95"]
    return f"""### {name}: {split['images']} images ({split['positives']} pneumonia) of {split['patients']} patients

{table(split)}
AUC with hash attention less AUC of the control without it: {gain['value']:+.4f} ({low:+.4f} to {high:+.4f}).
Mean absolute difference of the logit, int8 (x86-64) from fp32: {split['int8MinusFp32LogitMeanAbsolute']:.3f}.
"""


def card(manifest: dict, evidence: dict) -> str:
    splits = evidence["splits"]
    names = {"val": "Validation (also chose head strength, temperature and threshold: flattering)",
             "test": "Official test split (chose nothing)"}
    reports = "\n".join(section(names[name], split) for name, split in splits.items())
    closed = "" if "test" in splits else "\nThe official test split has not been opened for this version.\n"
    low, high = manifest["labels"]
    narrow = all(variant["weightBits"] == 7 for variant in manifest["variants"].values())
    saturation = NARROW if narrow else WIDE
    return f"""# {manifest['name']} {manifest['version']}

{low} against {high} on frontal chest X-rays: a one-channel ResNet-18 trained from scratch, with hash attention
fused as pattern A (`features × (1 + attention)`), int8. Written by `models/train/evaluate.py`.

**Research use only.** Not a medical device; not for diagnosis, triage or any decision about a patient.

## Population

{manifest['population'][0].upper()}{manifest['population'][1:]}. One hospital, two classes. Nothing is known about adults, other hospitals,
other equipment, other diseases, or images that are no chest X-ray at all.

## Figures

Through the exported ONNX parts; the value, and the 95 % interval of a bootstrap over patients. Operating point:
threshold {manifest['threshold']} after temperature {manifest['temperature']}, {manifest['thresholdRule']} (validation). `int8-u8s8` is served on x86-64, `int8-s8s8`
on arm64 (computed here on x86-64). The control without attention has the same backbone and fitting protocol, and
its own temperature and threshold by the same rule. Pixel-identical duplicates are left out. Decisions are made from
the probability rounded to four decimals, as the appliance makes them.

{reports}{closed}
One training seed: the spread between seeds is not in the intervals.

## What to know before quoting a figure

- **Validation is not test.** In this data set validation is nearly solved and the official test split is not; the
  ranking carries over better than the operating point. Quote test, with sensitivity and specificity.
- **Hash attention carries no diagnostic information.** It is a fixed function of the pixels' SHA-256, which changes
  beyond recognition with one grey level. The control's figures stand beside the model's for that reason. The map
  explains nothing and shows no lesion. Identical blocks, such as black borders, do share one value.
- **Shortcuts.** Originals of the two classes differ in aspect ratio and size, which stretching to a square leaves as
  distortion; borders, markers and JPEG history differ too. A linear model on 56×56 pixels reaches AUC 0.984 on
  validation and 0.911 on test: read the figures above against that floor.
- **Probabilities** are calibrated on the validation split, where pneumonia is three films in four. Elsewhere they are not.
- {saturation}
- Logits differ in their last digits between CPUs and runtime versions; published probabilities have four decimals.

## Data and licence

{manifest['attribution']}
The weights are published under {manifest['licence']}. How to make them again: `models/train/README.md`.
"""
