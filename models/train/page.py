"""The evidence page, written from results.json alone: no figure in it is typed by hand."""

import re
from typing import Any

from plan import ARMS, CLAIMS, CONTROL, INJECTED_CONTROL, MULTI, SINGLE
from words import (
    change,
    counted,
    listed,
    p_value,
    plain,
    share,
    share_interval,
    signed,
    table,
    with_interval,
)

Results = dict[str, Any]

ABLATIONS = {
    "border": "outer 8 % on each side painted with the image's mean",
    "aspect-1.20-pad": "squeezed back to 1.2 : 1, mean above and below",
    "aspect-1.45-pad": "squeezed back to 1.45 : 1, mean above and below",
    "aspect-1.20-crop": "widened to 1.2 : 1, left and right cut off",
    "aspect-1.45-crop": "widened to 1.45 : 1, left and right cut off",
}


def pairs(results: Results) -> list[tuple[Results, Results]]:
    """The comparisons on the split that the page speaks of, each with its figures there."""
    return [(c, c[results["split"]]) for c in results["contrasts"] if results["split"] in c]


def primary(results: Results) -> Results | None:
    return next((pair for c, pair in pairs(results) if c["primary"]), None)


def verdict(auc: Results) -> str:
    """What an interval and an equivalence test allow to be said."""
    low, high = auc["interval95"]
    if low > 0:
        return "better than the plain CNN"
    if high < 0:
        return "worse than the plain CNN"
    if auc["equivalent"]:
        ruled_out = f"a difference in AUC of {auc['margin']} is ruled out (p {p_value(auc['equivalenceP'])})"
        return f"equivalent to the plain CNN: {ruled_out}"
    return f"not shown to differ from the plain CNN, and a difference in AUC of {auc['margin']} is not ruled out"


def answer(results: Results) -> str:
    pair = primary(results)
    if pair is None:
        return "**There is no answer yet:** the arms `hash-multi` and `none` have not both been measured."
    test = results["split"] == "test"
    where = "On the official test set" if test else "On validation, which also chose the settings,"
    return (f"**{where} the CNN with multi-scale hash attention is {verdict(pair['auc'])}.** "
            f"Δ AUC {change(pair['auc'])}, Δ accuracy {change(pair['accuracy'], 100, 1)} percentage points: 95 % "
            f"intervals over patients and training seeds, {counted(results['data'][results['split']])}.")


def opened(results: Results) -> str:
    if results["split"] == "val":
        return ("\n> **The test set has not been opened.** All figures below are validation, which also chose the "
                "settings: they flatter.\n")
    closed = results["closed"]
    return f"\n> The test set has not been opened for: {', '.join(closed)}.\n" if closed else ""


def claims(results: Results) -> str:
    rows = []
    for arm, claim in CLAIMS.items():
        found = results["arms"].get(arm, {}).get(results["split"])
        row = [claim["name"], plain(claim["auc"], 3), with_interval(found["auc"]) if found else "–"]
        for key in ("accuracy", "sensitivity", "specificity"):
            row += [share(claim[key]), share_interval(found[key]) if found else "–"]
        rows.append([*row, share(found["balancedAccuracy"]) if found else "–"])
    return table(["Model", "AUC claimed", "measured", "accuracy claimed", "measured", "sensitivity claimed", "measured",
                  "specificity claimed", "measured", "balanced accuracy measured"], rows)


def arms(results: Results) -> str:
    controls = (CONTROL, INJECTED_CONTROL)
    controlled = {c["first"]: pair for c, pair in pairs(results) if c["second"] in controls}
    rows = []
    for arm in [*ARMS, *results["unplanned"]]:
        entry = results["arms"].get(arm, {})
        if results["split"] not in entry:
            continue
        area, pair = with_interval(entry[results["split"]]["auc"]), controlled.get(arm)
        row = [f"`{arm}`", ARMS.get(arm, "not in the protocol"), tuned(entry), str(len(entry["seeds"])), area]
        if pair is None:
            rows.append([*row, "–", "–", "–"])
        else:
            p = pair["auc"].get("pHolm", pair["auc"]["p"])
            rows.append([*row, change(pair["auc"]), p_value(p), change(pair["accuracy"], 100, 1)])
    return table(["Arm", "What multiplies or joins the features", "tuned to", "seeds", "AUC", "Δ AUC", "p",
                  "Δ accuracy, pp"], rows)


def tuned(entry: Results) -> str:
    """The trial that validation chose: learning rate and pull towards the backbone's own classifier."""
    chosen = (entry.get("about") or {}).get("tuned")
    return f"{chosen['rate']:g}, {chosen['pull']:g}" if chosen else "–"


def no_gain_by_hashing(results: Results) -> str:
    """Arms above their control whose twin with another image's map is above it too, as much as can be told."""
    found = {(c["first"], c["second"]): pair["auc"] for c, pair in pairs(results)}
    gained = [first for (first, second), auc in found.items() if second in (CONTROL, INJECTED_CONTROL)
              and auc["interval95"][0] > 0]
    twins = [(own, other) for own, other in found if own in gained and other in gained
             and found[own, other]["interval95"][0] <= 0 <= found[own, other]["interval95"][1]]
    return "".join(f"\n`{own}` gains, and so does `{other}`, with the map of another image "
                   f"({change(found[own, other])} between them): that is no gain by hashing." for own, other in twins)


def whole_or_heads(results: Results) -> str:
    """How heads refitted on stored features compare with the same network fine-tuned whole, both without attention."""
    arms = [results["arms"].get(name, {}).get(results["split"]) for name in (CONTROL, INJECTED_CONTROL)]
    if None in arms:
        return ""
    heads, whole = (arm["auc"]["value"] for arm in arms)
    return (f"- Without attention, heads refitted on frozen features reach an AUC of {plain(heads)} "
            f"({results['split']}), networks fine-tuned whole {plain(whole)}. Heads that tuning left nearer to the "
            "backbone's own classifier (column \"tuned to\") differ from the others for that reason too: compare an "
            "arm with its permuted twin.\n")


def others(results: Results) -> str:
    found = [f"`{c['first']}` − `{c['second']}` {change(pair['auc'])}, p {p_value(pair['auc']['pHolm'])}"
             for c, pair in pairs(results) if c["second"] not in (CONTROL, INJECTED_CONTROL)]
    return f"The image's own map or another's, three scales or one: {'; '.join(found)}." if found else ""


def budget(results: Results) -> str:
    """What the arms were given, as arms.json says."""
    told = [arm["about"] for arm in results["arms"].values() if arm.get("about")]
    heads = [a for a in told if a.get("trials")]
    if not heads:
        return ""
    trials = listed([str(n) for n in sorted({len(a["trials"]) for a in heads})])
    sizes = [a["parameters"] for a in heads]
    span = " to ".join(str(n) for n in sorted({min(sizes), max(sizes)}))
    return (f"Each arm on stored features had {trials} tuning trials on validation; heads have {span} parameters. All "
            f"arms together took {sum(a['minutes'] for a in told):.0f} minutes.")


def details(results: Results) -> str:
    pair = primary(results)
    if pair is None:
        return ""
    auc, accuracy, seeds = pair["auc"], pair["accuracy"], len(pair["seeds"])
    delong, mcnemar = pair["delong"], pair["mcnemar"]
    return "\n".join([
        f"`{MULTI}` − `{CONTROL}` in detail: bootstrap p {p_value(auc['p'])}. Equivalence within ±{auc['margin']} AUC: "
        f"p {p_value(auc['equivalenceP'])}; within ±{100 * accuracy['margin']:.1f} pp accuracy: p "
        f"{p_value(accuracy['equivalenceP'])}.",
        f"Seed by seed, DeLong: median p {p_value(delong['medianP'])}, below 0.05 in {delong['below05']} of {seeds}; "
        f"McNemar: median p {p_value(mcnemar['medianP'])}, below 0.05 in {mcnemar['below05']} of {seeds}.",
        f"The two decide differently on {share(mcnemar['discordant'])} of images. From seed to seed Δ AUC has a "
        f"standard deviation of {plain(auc['seedDeviation'])}.",
    ])


def points(results: Results) -> str:
    rows = []
    for arm in [a for a in CLAIMS if a in results["arms"]]:
        for split in [s for s in ("val", "test") if s in results["arms"][arm]]:
            found = results["arms"][arm][split]
            before, after = found["calibration"]["before"], found["calibration"]["after"]
            kinds = " / ".join(share(found["sensitivityBySubtype"].get(k)) for k in ("bacteria", "virus"))
            rows.append([f"`{arm}`", split, share(found["accuracy"]["value"]), share(found["sensitivity"]["value"]),
                         kinds, share(found["specificity"]["value"]), share(found["sensitivityAtSpecificity90"]),
                         plain(after["brier"]), f"{plain(before['ece'])} → {plain(after['ece'])}",
                         f"{plain(after['slope'], 2)} / {signed(after['intercept'], 2)}"])
    return table(["Arm", "split", "accuracy", "sensitivity", "bacteria / virus", "specificity",
                  "sensitivity at 90 % specificity", "Brier", "ECE before → after", "slope / intercept"], rows)


def ablation(results: Results) -> str:
    rows = []
    for a in results["ablations"]:
        found = a.get(results["split"])
        if found:
            rows.append([f"`{a['arm']}`", ABLATIONS.get(a["kind"], a["kind"]), plain(found["auc"]),
                         signed(found["auc"] - found["intactAuc"]), share(found["accuracy"]),
                         share(found["sensitivity"]), share(found["specificity"])])
    if not rows:
        return f"None measured on {results['split']}."
    return table(["Arm", "Image changed", "AUC", "Δ AUC", "accuracy", "sensitivity", "specificity"], rows)


def served(results: Results) -> str:
    how, rows = {"onnx": "ONNX parts", "appliance": "appliance"}, []
    for model in results["served"]:
        found = model.get(results["split"])
        if found:
            rows.append([f"`{model.get('model', model['name'])}`", model.get("precision", "–"), how[model["source"]],
                         with_interval(found["auc"]), share_interval(found["accuracy"]),
                         share(found["sensitivity"]["value"]), share(found["specificity"]["value"]),
                         plain(found["brier"]), plain(found["ece"]), str(found["notAssessed"])])
    if not rows:
        return f"None measured on {results['split']} yet."
    return table(["Model", "precision", "run by", "AUC", "accuracy", "sensitivity", "specificity", "Brier", "ECE",
                  "not assessed"], rows)


def resolution(results: Results) -> str:
    found = results["resolution"]
    gains = [(CLAIMS[arm]["auc"] - CLAIMS[CONTROL]["auc"], CLAIMS[arm]["accuracy"] - CLAIMS[CONTROL]["accuracy"])
             for arm in (SINGLE, MULTI)]
    parts = [f"One accuracy on {found['images']} images is known to ±{100 * found['halfWidth']:.1f} percentage points."]
    if "measured" in found:
        measured = found["measured"]
        parts += [
            f"Paired and over all seeds, this study resolves a difference of {plain(measured['aucResolvable'])} in AUC "
            f"and of {100 * measured['accuracyResolvable']:.1f} points in accuracy (power {share(found['power'])}, α "
            f"{found['alpha']}).",
            f"If the whitepaper's gains in AUC ({listed([signed(auc, 3) for auc, _ in gains])}) were real, it would "
            f"find them with a probability of {listed([share(p) for p in measured['powerForClaims']])}."]
    parts.append(f"One run against one run, by McNemar's test, it takes what the table says; unpaired, "
                 f"{listed([str(n) for n in found['unpairedPerArm']])} images an arm.")
    rows = [[share(d["discordant"]), f"{100 * d['resolvable']:.1f} pp", *map(str, d["imagesForClaims"])]
            for d in found["byDiscordance"]]
    head = ["the two disagree on", f"{found['images']} images resolve",
            *(f"images needed for {signed(100 * accuracy, 1)} pp" for _, accuracy in gains)]
    return "\n".join(parts) + "\n\n" + table(head, rows)


def page(results: Results) -> str:
    """The whole page; sections that have nothing to say leave no gap."""
    return re.sub(r"\n{3,}", "\n\n", text(results)).replace(" \n", "\n")


def text(results: Results) -> str:
    split, claimed, hoped = results["split"], CLAIMS[CONTROL], CLAIMS[MULTI]
    return f"""# What hash attention does to accuracy

Written by `make evidence` from `raw/` and `serving/`; every figure is in [results.json](results.json), what was decided
beforehand in [protocol.md](protocol.md). Research use only; not a medical device.

**Asked.** The whitepaper states that attention maps made of SHA-256 digests raise a CNN's accuracy on chest X-rays
from {share(claimed["accuracy"])} to {share(hoped["accuracy"])} and its AUC from {plain(claimed["auc"], 3)} to {plain(hoped["auc"], 3)}, and names no data. Trained and tuned alike on public X-rays, does the network with hash
attention tell pneumonia from normal better than the same network without it?

{answer(results)}
{opened(results)}
## Beside the whitepaper's figures ({split}: {counted(results["data"][split])})

{claims(results)}

Mean over seeds, 95 % interval. The threshold is fixed on validation: the highest with at least
{share(results["settings"]["sensitivityOnVal"])} sensitivity there. The whitepaper's accuracies are means of sensitivity
and specificity: compare them with the balanced accuracy.

## Every arm, with its controls

{arms(results)}

Δ is against `{CONTROL}`, for pattern B against `{INJECTED_CONTROL}`; p is Holm's over all comparisons but the primary
one, `{MULTI}` − `{CONTROL}`, which has its own. "Tuned to": learning rate and pull. {budget(results)}
{others(results)}{no_gain_by_hashing(results)}

{details(results)}

![Difference of AUC of every comparison](forest.svg)

## Operating point and calibration

{points(results)}

Temperature and threshold come from validation; "before → after" is temperature scaling. Slope 1 and intercept 0 are
ideal; an intercept below 0 says that pneumonia is overstated.

![ROC](roc.svg)
![Reliability before and after temperature scaling](reliability.svg)
![Scores on validation and test](histograms.svg)

## What the networks look at: ablations

{ablation(results)}

## Served models ({split})

{served(results)}

"ONNX parts" runs the exported network on the stored rasters, "appliance" the product's own pipeline from file to
message. `int8-u8s8` is served on x86-64, `int8-s8s8` on arm64; `fp32` is not served. Temperature and threshold are the
manifest's.

## What this test set can and cannot resolve

{resolution(results)}

## Limits

- One hospital, children aged 1 to 5, AP films, two classes, labels not verified again. Nothing follows for adults,
  other sites, other equipment or other diseases.
- Validation and the official test set differ in this data: thresholds and calibration need not carry over.
- Originals of the two classes differ in shape, size, JPEG history, markers and borders. Part of any figure is that.
- Few backbones: resampling them understates how much training again from scratch would vary. Heads share frozen
  backbones; a backbone trained with attention from the start was not tested, only pattern B's fine-tuning.
{whole_or_heads(results)}- Test figures of an earlier model of this project were known when the protocol was written; it says which.
- A digest changes beyond recognition with one grey level: the map is no explanation and shows no lesion.

## Data

{results["attribution"]}

Anew from the raw results: `make evidence`. Anew from the images: [models/train](../train/README.md).
"""
