"""What stands beside the comparison of arms: ablations, served models, curves, and what the test set can resolve."""

from typing import Any

import numpy as np

import power
import stats
from analysis import Figures, operating_points, rounded
from calibration import probability
from metrics import at_threshold, auc, expected_calibration_error
from plan import BINS, CLAIMS, CONTROL, MULTI, SEED, SINGLE
from raw import Cases, Raw, Served

# How `lv06 eval` signs its figures.
APPLIANCE = "lv06 eval"
EDGES = np.linspace(-12, 12, 49)


def ablations(ablated: dict[str, Raw], arms: dict[str, Raw], of: dict[str, Cases]) -> list[Figures]:
    """Means over the seeds that the arm and its ablation share; temperature and threshold stay the arm's own."""
    found = []
    for name, raw in ablated.items():
        arm, _, kind = name.partition(".")
        if arm not in arms:
            continue
        whole = arms[arm]
        points = dict(zip(whole.seeds, operating_points(whole, of["val"]), strict=True))
        seeds = [s for s in raw.seeds if s in points]
        weights = stats.seed_weights(seeds)
        entry: Figures = {"arm": arm, "kind": kind, "seeds": len(seeds)}
        for split in [s for s in raw.logits if s in whole.logits]:
            label = of[split].label
            rows = []
            for seed in seeds:
                logit = raw.logits[split][:, raw.seeds.index(seed)]
                intact = whole.logits[split][:, whole.seeds.index(seed)]
                at = at_threshold(label, probability(logit, points[seed][0]), points[seed][1])
                rows.append([auc(label, logit), auc(label, intact), *at.values()])
            entry[split] = dict(zip(("auc", "intactAuc", "accuracy", "sensitivity", "specificity"),
                                    rounded(weights @ np.array(rows)), strict=True))
        found.append(entry)
    return found


def served_split(of: Cases, logit: np.ndarray, temperature: float, threshold: float, resamples: int) -> Figures:
    """Figures over the images that got a probability; intervals over patients."""
    kept = np.isfinite(logit)
    label, z = of.label[kept], logit[kept]
    value = probability(z, temperature)
    called, positive = value >= threshold, label > 0.5
    cases = stats.draw_cases(np.random.default_rng([SEED, 3]), of.patient[kept], label, resamples)

    def share(hit: np.ndarray, among: np.ndarray) -> Figures:
        draws = cases[:, among] @ hit[among].astype(float) / cases[:, among].sum(axis=1)
        return {"value": rounded(float(hit[among].mean())), "interval95": rounded(stats.interval(draws))}

    right = called == positive
    return {"images": int(kept.sum()), "notAssessed": int((~kept).sum()),
            "auc": {"value": rounded(auc(label, z)),
                    "interval95": rounded(stats.interval(stats.resampled_auc(label, z[:, None], cases)[:, 0]))},
            "accuracy": share(right, np.ones(len(right), bool)), "sensitivity": share(right, positive),
            "specificity": share(right, ~positive), "brier": rounded(stats.brier(label, value)),
            "ece": rounded(expected_calibration_error(label, value, BINS)), "roc": roc(label, z[:, None], np.ones(1))}


def served(models: list[Served], of: dict[str, Cases], resamples: int) -> list[Figures]:
    """``source``: what ran a model, "onnx" (its parts on stored rasters) or "appliance" (all, from the file on)."""
    kept = ("model", "version", "digest", "pattern", "precision", "temperature", "threshold")
    found = []
    for one in models:
        temperature, threshold = float(one.about["temperature"]), float(one.about["threshold"])
        source = "appliance" if one.about["by"] == APPLIANCE else "onnx"
        found.append({"name": one.name, "source": source, **{key: one.about[key] for key in kept if key in one.about},
                      **{split: served_split(of[split], logit, temperature, threshold, resamples)
                         for split, logit in one.logits.items()}})
    return found


def roc(label: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> list[list[float]]:
    """Corners [false positive rate, sensitivity]: mean sensitivity over seeds at each number of false alarms."""
    negatives = int((label < 0.5).sum())
    found = np.zeros(negatives + 1)
    for s, weight in enumerate(weights):
        limits = np.sort(scores[label < 0.5, s])[::-1]
        above = np.array([(scores[label > 0.5, s] > limit).mean() for limit in limits] + [1.0])
        found += weight * above
    inner = [i for i in range(1, negatives) if found[i - 1] < found[i + 1]]
    steps = [0, *inner, negatives]
    return [[rounded(i / negatives), rounded(float(found[i]))] for i in steps]


def histogram(logit: np.ndarray) -> list[float]:
    """Share of images in each bin of the calibrated logit; the outer bins hold what lies beyond."""
    counts, _ = np.histogram(np.clip(logit, EDGES[0] + 1e-6, EDGES[-1] - 1e-6), EDGES)
    return rounded(counts / max(1, counts.sum()))


def curves(arms: dict[str, Raw], of: dict[str, Cases]) -> Figures:
    """Of the arms that the whitepaper speaks of: ROC, reliability before and after temperature scaling, histograms."""
    found: Figures = {}
    for name in [n for n in (CONTROL, SINGLE, MULTI) if n in arms]:
        points = operating_points(arms[name], of["val"])
        temperature = np.array([t for t, _ in points])
        found[name] = {}
        for split, logit in arms[name].logits.items():
            label, scaled = of[split].label, logit / temperature
            pooled = np.tile(label, (logit.shape[1], 1)).T.ravel()
            found[name][split] = {
                "roc": roc(label, logit, stats.seed_weights(arms[name].seeds)),
                "reliability": {when: [[rounded(b.stated), rounded(b.observed), b.count]
                                       for b in stats.reliability(pooled, probability(z.ravel(), 1.0), BINS)]
                                for when, z in (("before", logit), ("after", scaled))},
                "histogram": {"NORMAL": histogram(scaled[label < 0.5]), "PNEUMONIA": histogram(scaled[label > 0.5])},
            }
    return found


def resolution(of: dict[str, Cases], contrasts: list[Figures]) -> Figures:
    """What the official test set can resolve: by its size alone, and with the agreement that was measured."""
    test = of["test"].label
    images, positives = len(test), int(test.sum())
    claims = [CLAIMS[arm] for arm in (CONTROL, SINGLE, MULTI)]
    steps = [(claims[0], claims[1]), (claims[0], claims[2])]
    found: Figures = {
        "images": images, "positives": positives, "alpha": power.ALPHA, "power": power.POWER,
        "halfWidth": rounded(power.half_width(claims[0]["accuracy"], images)),
        "byDiscordance": [{"discordant": d, "resolvable": rounded(power.mcnemar_resolvable(images, d)),
                           "imagesForClaims": [power.mcnemar_images(b["accuracy"] - a["accuracy"], d)
                                               for a, b in steps]}
                          for d in (0.03, 0.05, 0.08, 0.10)],
        "unpairedPerArm": [power.unpaired_images(a["accuracy"], b["accuracy"]) for a, b in steps],
        "byCorrelation": [{"correlation": r,
                           "imagesForClaims": [power.paired_auc_images(a["auc"], b["auc"], r, positives / images)
                                               for a, b in steps]} for r in (0.5, 0.7, 0.85, 0.95)],
    }
    primary = next((c for c in contrasts if c["primary"] and "test" in c), None)
    if primary:
        found["measured"] = measured_resolution(primary["test"], steps, images, positives)
    return found


def measured_resolution(pair: Figures, steps: list[tuple[dict[str, Any], dict[str, Any]]], images: int,
                        positives: int) -> Figures:
    """With the primary comparison's own error, discordance and correlation."""
    error, discordant, correlation = pair["auc"]["error"], pair["mcnemar"]["discordant"], pair["delong"]["correlation"]
    gains = [b["auc"] - a["auc"] for a, b in steps]
    return {"aucResolvable": rounded(power.resolvable(error)), "discordant": discordant, "correlation": correlation,
            "powerForClaims": rounded([power.power_of(g, error) if error else 1.0 for g in gains]),
            "accuracyResolvable": rounded(power.resolvable(pair["accuracy"]["error"])),
            "imagesForClaims": [power.paired_auc_images(a["auc"], b["auc"], min(correlation, 0.999), positives / images)
                                for a, b in steps]}
