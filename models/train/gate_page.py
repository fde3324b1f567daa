"""Writes the gate down: the host's table, the vector that holds both languages together, and the evidence page."""

import json

import numpy as np

from gate_features import features
from gate_fit import Gate, distances, judge, standardised
from words import table

HEAD = """\
/**
 * The quality gate's coefficients. Made by models/train/gate.py: change nothing by hand, measure again after a change.
 * Longer than other files because it is numbers.
 */
import type { GateTable } from "./quality-rules.ts";

"""


def numbers(values: list[int], indent: str) -> str:
    """An array as the formatter lays it out: on one line where it fits, else filled to 120 columns."""
    words = [str(v) for v in values]
    if len(indent) + len(", ".join(words)) + 3 <= 120:
        return f"[{', '.join(words)}]"
    lines, line = [], indent + "  "
    for word in words:
        if len(line) + len(word) + 1 > 120:
            lines.append(line.rstrip())
            line = indent + "  "
        line += f"{word}, "
    return "[\n" + "\n".join([*lines, line.rstrip()]) + f"\n{indent}]"


def host_table(gate: Gate) -> str:
    rules = "".join(f'    {{\n      kind: "{r.kind}",\n      reason: "{r.reason}",\n      limit: {r.limit},\n'
                    f"      weights: {numbers(r.weights, '      ')},\n    }},\n" for r in gate.rules)
    rows = "".join(f"    {numbers(row, '    ')},\n" for row in gate.whitening)
    return (f"{HEAD}export const TABLE: GateTable = {{\n  mean: {numbers(gate.mean, '  ')},\n"
            f"  scale: {numbers(gate.scale, '  ')},\n  distance: {gate.distance},\n  whitening: [\n{rows}  ],\n"
            f"  rules: [\n{rules}  ],\n}};\n")


def formulae() -> dict[str, np.ndarray]:
    """u8 [224,224] that every language can make."""
    y, x = np.mgrid[0:224, 0:224]
    quadratic = (x * x + 3 * y * y + 7 * x * y) % 256
    hills = np.abs((x + 40) % 112 - 56) * 3 + y // 4
    lit = 255 - np.minimum(255, ((x - 112) ** 2 + (y - 90) ** 2) // 64)
    return {"quadratic": quadratic.astype(np.uint8), "hills": hills.astype(np.uint8), "lit": lit.astype(np.uint8)}


def vector(gate: Gate) -> str:
    images = formulae()
    films = np.stack(list(images.values()))
    found = features(films)
    z = standardised(found, gate.mean, gate.scale)
    lines = [json.dumps({"image": name, "reason": judge(gate, films[i:i + 1])[0],
                         "distance": int(distances(z[i:i + 1], gate.whitening)[0]),
                         "scores": [int(z[i] @ np.array(rule.weights)) for rule in gate.rules],
                         "features": found[i].tolist()}) for i, name in enumerate(images)]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def percent(figure: dict) -> str:
    return f"{figure['count']} of {figure['of']} ({100 * figure['count'] / figure['of']:.1f} %)"


def reasons_of(found: dict[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in found.items()) or "–"


def page(results: dict) -> str:
    rejected = [[name, percent(figure), reasons_of(figure["reasons"])]
                for name, figure in results["falseRejections"].items()]
    kinds = [[kind, "yes" if f["fitted"] else "no", percent(f), reasons_of(f["reasons"])]
             for kind, f in results["accepted"].items()]
    totals = results["acceptedInAll"]
    return f"""# What the quality gate turns away, and what it lets pass

Made by `models/train/gate.py` from `gate.json`; no figure is typed by hand. Research use only.

An image that is turned away gets `assessed: false` and one reason instead of a probability. The gate sees the 224×224
raster alone, as 78 whole numbers: brightness in 8×8 cells, edges at four scales in three directions, shares of black
and of white. {results['rules']} linear rules say in which way a film is spoilt or that a page is text; a distance from the
films of the training split says that an image is unlike them, whatever it is (`NOT_A_CHEST_FILM`). Fitted on train
films and a corpus made from them; measured on val films and a corpus of other seeds, made from val films.

## Films turned away that should not be

{table(["Films", "Turned away", "Reasons"], rejected)}

"Varied": mirrored, brighter or darker, turned by up to 7°, moved by up to 5 % and scaled by up to 12 %. The test
split chooses nothing here; where its row is missing, it has not been opened.

## Hostile images accepted

In all {percent(totals['all'])}; of the kinds that were seen in fitting {percent(totals['fitted'])}; of the
kinds that were left out of it {percent(totals['leftOut'])}.

{table(["Kind", "Seen in fitting", "Accepted", "Reasons given to the others"], kinds)}

## What the corpus is and is not

- It is made, not collected (`models/train/hostile.py`, `drawn.py`), at 224×224, and it is not stored here.
- Inverted, rotated, tilted (30 to 60°), cropped (a quarter to a half of each side), blurred and mosaic images are real
  films of this one data set, altered. Photos of a screen are real films with simulated keystone, moiré, glare and frame.
- Hands, limbs, skulls, pelves, CT-like slices and ultrasound fans are **drawings**, all by one hand. No real radiograph
  of another body part, no lateral or adult chest and no real photo of a screen was at hand: nothing is known of them.
- Mirrored films are accepted on purpose: no grey level tells left from right.
- The gate is of one hospital's films of children aged 1 to 5, and sees pixels alone: it cannot tell an adult's film
  or a PA view. What is stated of a film (age, view, modality, body part) is compared with the model's population beside
  it (`docs/guide.md`); that takes somebody who states it, and is not measured here: the data set states nothing.
- Features, cells and margins were chosen while looking at val films and at all kinds under another seed: the kinds
  "left out" were left out of the fit, not out of sight. The figures here are of a seed that was used once.
- Small tilts, mild blur, crops of less than a half of the side and clean screenshots of a film will often pass.
"""
