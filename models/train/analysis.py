"""Figures of every arm and comparison from the raw logits, as protocol.md fixes them. Rounded to six decimals.

Temperature and threshold of each seed come from val by ``calibration.calibrate``, the appliance's own rule. A figure is
the mean over backbones of means over head seeds; its interval is from bootstrap draws of patients × seeds.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import stats
from calibration import calibrate, probability
from metrics import auc, expected_calibration_error
from plan import BINS, CONTRASTS, LEVEL, MARGIN_ACCURACY, MARGIN_AUC, SEED, Contrast
from raw import Cases, Raw

Figures = dict[str, Any]


def rounded(value: float | tuple[float, ...] | list[float]) -> Any:
    """Six decimals; None for what is not a number, and no minus before nought."""
    if isinstance(value, tuple | list | np.ndarray):
        return [rounded(float(v)) for v in value]
    return None if not math.isfinite(value) else round(float(value), 6) + 0.0


@dataclass(frozen=True)
class Draws:
    """Bootstrap draws, made once so that all arms share them: cases by split, seeds by their names."""

    resamples: int
    cases: dict[str, np.ndarray]

    @staticmethod
    def make(of: dict[str, Cases], splits: list[str], resamples: int) -> "Draws":
        return Draws(resamples, {split: stats.draw_cases(np.random.default_rng([SEED, i]), of[split].patient,
                                                         of[split].label, resamples)
                                 for i, split in enumerate(splits)})

    def of(self, split: str, seeds: list[tuple[int, int]]) -> stats.Resamples:
        rng = np.random.default_rng([SEED, 9])
        return stats.Resamples(self.cases[split], stats.draw_seeds(rng, seeds, self.resamples))


@dataclass(frozen=True)
class Measured:
    """One arm on one split, per seed: AUC [S] and its draws [R,S]; probabilities and right answers [N,S]."""

    seeds: list[tuple[int, int]]
    logit: np.ndarray
    auc: np.ndarray
    auc_draws: np.ndarray
    probability: np.ndarray
    called: np.ndarray
    right: np.ndarray
    right_draws: np.ndarray

    def only(self, seeds: list[tuple[int, int]]) -> "Measured":
        at = [self.seeds.index(s) for s in seeds]
        return Measured(seeds, self.logit[:, at], self.auc[at], self.auc_draws[:, at], self.probability[:, at],
                        self.called[:, at], self.right[:, at], self.right_draws[:, at])


def operating_points(raw: Raw, val: Cases) -> list[tuple[float, float]]:
    """Temperature and threshold of each seed, from val alone."""
    return [calibrate(val.label, raw.logits["val"][:, s]) for s in range(len(raw.seeds))]


def share_draws(hit: np.ndarray, among: np.ndarray, cases: np.ndarray) -> np.ndarray:
    """Draws [R,S] of the share of hits [N,S] among the chosen cases [N]."""
    return cases[:, among] @ hit[among].astype(float) / cases[:, among].sum(axis=1, keepdims=True)


def measure(raw: Raw, split: str, of: Cases, points: list[tuple[float, float]], cases: np.ndarray) -> Measured:
    logit = raw.logits[split]
    value = np.column_stack([probability(logit[:, s], t) for s, (t, _) in enumerate(points)])
    called = value >= np.array([threshold for _, threshold in points])
    right = called == (of.label > 0.5)[:, None]
    area = np.array([auc(of.label, logit[:, s]) for s in range(logit.shape[1])])
    return Measured(raw.seeds, logit, area, stats.resampled_auc(of.label, logit, cases), value, called, right,
                    share_draws(right, np.ones(len(right), bool), cases))


def summary(per_seed: np.ndarray, draws: np.ndarray, weights: np.ndarray, seed_draws: np.ndarray) -> Figures:
    """Mean over seeds, its interval, and the spread from seed to seed."""
    spread = float(np.std(per_seed, ddof=1)) if len(per_seed) > 1 else float("nan")
    mean_draws = (draws * seed_draws).sum(axis=1)
    return {"value": rounded(float(per_seed @ weights)), "interval95": rounded(stats.interval(mean_draws, LEVEL)),
            "seedDeviation": rounded(spread), "perSeed": rounded(per_seed)}


def calibrated(of: Cases, logit: np.ndarray, temperatures: np.ndarray, weights: np.ndarray) -> Figures:
    """Brier score, ECE, calibration slope and intercept at the given temperatures: means over seeds."""
    rows = []
    for s, temperature in enumerate(temperatures):
        value = probability(logit[:, s], temperature)
        rows.append([stats.brier(of.label, value), expected_calibration_error(of.label, value, BINS),
                     *stats.calibration_line(of.label, logit[:, s] / temperature)])
    return dict(zip(("brier", "ece", "slope", "intercept"), rounded(weights @ np.array(rows)), strict=True))


def figures(measured: Measured, of: Cases, points: list[tuple[float, float]], drawn: stats.Resamples) -> Figures:
    weights = stats.seed_weights(measured.seeds)
    positive = of.label > 0.5
    temperatures = np.array([t for t, _ in points])

    def share(hit: np.ndarray, among: np.ndarray) -> Figures:
        return summary(hit[among].mean(axis=0), share_draws(hit, among, drawn.cases), weights, drawn.seeds)

    at_90 = [stats.sensitivity_at_specificity(of.label, measured.logit[:, s], 0.9) for s in range(len(points))]
    found = {
        "auc": summary(measured.auc, measured.auc_draws, weights, drawn.seeds),
        "accuracy": summary(measured.right.mean(axis=0), measured.right_draws, weights, drawn.seeds),
        "sensitivity": share(measured.right, positive), "specificity": share(measured.right, ~positive),
        "sensitivityBySubtype": {kind: share(measured.right, of.subtype == kind)["value"]
                                 for kind in sorted(set(of.subtype[positive]))},
        "sensitivityAtSpecificity90": rounded(float(weights @ at_90)),
        "calibration": {"before": calibrated(of, measured.logit, np.ones(len(points)), weights),
                        "after": calibrated(of, measured.logit, temperatures, weights)},
    }
    found["balancedAccuracy"] = rounded((found["sensitivity"]["value"] + found["specificity"]["value"]) / 2)
    return found


def compare(first: Measured, second: Measured, of: Cases, drawn: stats.Resamples) -> Figures:
    """Differences first − second of AUC and accuracy over the seeds that both have, which are the drawn ones."""
    weights = stats.seed_weights(first.seeds)

    def difference(a: np.ndarray, b: np.ndarray, a_draws: np.ndarray, b_draws: np.ndarray, margin: float) -> Figures:
        draws = ((a_draws - b_draws) * drawn.seeds).sum(axis=1)
        equal = stats.bootstrap_tost(draws, margin)
        return {**summary(a - b, a_draws - b_draws, weights, drawn.seeds),
                "interval90": rounded(stats.interval(draws, 0.9)), "error": rounded(float(draws.std(ddof=1))),
                "p": rounded(stats.bootstrap_p(draws)), "margin": margin,
                "equivalenceP": rounded(equal), "equivalent": equal < 0.05}

    paired = [stats.delong_paired(of.label, first.logit[:, s], second.logit[:, s]) for s in range(len(first.seeds))]
    tables = [stats.mcnemar(first.right[:, s], second.right[:, s]) for s in range(len(first.seeds))]
    return {
        "seeds": [f"b{b}-h{h}" for b, h in first.seeds],
        "auc": difference(first.auc, second.auc, first.auc_draws, second.auc_draws, MARGIN_AUC),
        "accuracy": difference(first.right.mean(axis=0), second.right.mean(axis=0), first.right_draws,
                               second.right_draws, MARGIN_ACCURACY),
        "delong": {"error": rounded(float(np.median([d.error for d in paired]))),
                   "correlation": rounded(float(np.median([d.correlation for d in paired]))),
                   "medianP": rounded(float(np.median([d.p for d in paired]))),
                   "below05": sum(d.p < 0.05 for d in paired)},
        "mcnemar": {"onlyFirstRight": rounded(float(np.mean([t[0] for t in tables]))),
                    "onlySecondRight": rounded(float(np.mean([t[1] for t in tables]))),
                    "discordant": rounded(float(np.mean([(t[0] + t[1]) / len(of.label) for t in tables]))),
                    "medianP": rounded(float(np.median([t[2] for t in tables]))),
                    "below05": sum(t[2] < 0.05 for t in tables)},
    }


def adjust(contrasts: list[Figures], split: str) -> None:
    """Adds Holm's p to the secondary comparisons of a split; the primary one keeps its own."""
    family = [c[split]["auc"] for c in contrasts if split in c and not c["primary"]]
    for entry, p in zip(family, stats.holm([entry["p"] for entry in family]), strict=True):
        entry["pHolm"] = rounded(p)


def analyse(arms: dict[str, Raw], of: dict[str, Cases], resamples: int) -> tuple[Figures, list[Figures]]:
    """Figures by arm, and the comparisons of the plan for which both arms are there."""
    splits = ["val", "test"] if any("test" in raw.logits for raw in arms.values()) else ["val"]
    draws = Draws.make(of, splits, resamples)
    points = {name: operating_points(raw, of["val"]) for name, raw in arms.items()}
    found: Figures = {name: {"seeds": [f"b{b}-h{h}" for b, h in raw.seeds],
                             "temperatures": rounded([t for t, _ in points[name]]),
                             "thresholds": rounded([t for _, t in points[name]])} for name, raw in arms.items()}
    pairs: dict[Contrast, Figures] = {}
    for split in splits:
        measured = {name: measure(raw, split, of[split], points[name], draws.cases[split])
                    for name, raw in arms.items() if split in raw.logits}
        for name, one in measured.items():
            found[name][split] = figures(one, of[split], points[name], draws.of(split, one.seeds))
        for contrast in CONTRASTS:
            common = [s for s in measured[contrast.first].seeds if s in measured[contrast.second].seeds] if (
                contrast.first in measured and contrast.second in measured) else []
            if common:
                pair = pairs.setdefault(contrast, {"first": contrast.first, "second": contrast.second,
                                                   "primary": contrast.primary})
                pair[split] = compare(measured[contrast.first].only(common), measured[contrast.second].only(common),
                                      of[split], draws.of(split, common))
    listed = [pairs[c] for c in CONTRASTS if c in pairs]
    for split in splits:
        adjust(listed, split)
    return found, listed
