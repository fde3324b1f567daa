"""The report's plots, from results.json alone, as SVG whose bytes depend on nothing else: no dates, fixed names."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

STYLE = {"svg.hashsalt": "lv06", "svg.fonttype": "none", "font.family": "sans-serif",
         "font.sans-serif": ["DejaVu Sans"], "font.size": 9,
         "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 9,
         "figure.facecolor": "white", "legend.frameon": False, "legend.fontsize": 8}
# Okabe and Ito's palette: told apart by colour-blind readers too.
COLOURS = ("#000000", "#E69F00", "#0072B2", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")


def save(figure: Figure, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    plt.close(figure)
    # Matplotlib leaves spaces at the ends of lines.
    path.write_text("".join(f"{line.rstrip()}\n" for line in path.read_text().splitlines()))


def forest(results: dict[str, Any], path: Path) -> None:
    """Difference of AUC in every comparison, with its interval; the band is what counts as no difference."""
    split = results["split"]
    rows = [c for c in results["contrasts"] if split in c][::-1]
    figure, axes = plt.subplots(figsize=(7, 0.8 + 0.27 * max(1, len(rows))))
    margin = results["settings"]["marginAuc"]
    axes.axvspan(-margin, margin, color="#eeeeee", lw=0)
    axes.axvline(0, color="#888888", lw=0.8)
    for y, row in enumerate(rows):
        auc = row[split]["auc"]
        colour = COLOURS[5] if row["primary"] else COLOURS[2]
        axes.plot(auc["interval95"], [y, y], color=colour, lw=1.6)
        axes.plot(auc["value"], y, "D" if row["primary"] else "o", color=colour, ms=5)
    axes.set_yticks(range(len(rows)), [f"{r['first']} − {r['second']}" for r in rows])
    axes.set_xlabel(f"difference of AUC, {split} (95 % interval over patients and seeds; band ±{margin})")
    axes.set_ylim(-0.7, len(rows) - 0.3)
    save(figure, path)


def roc_curves(results: dict[str, Any]) -> list[tuple[str, list[list[float]]]]:
    """Served models, by the appliance if it measured them; without any, the arms that the whitepaper speaks of."""
    split = results["split"]
    there = [m for m in results["served"] if split in m and m["source"] == "appliance"] or [
        m for m in results["served"] if split in m and m.get("precision") == "int8-u8s8"]
    measured = [(m["model"], m[split]["roc"], m[split]["auc"]["value"]) for m in there]
    arms = [(name, c[split]["roc"], results["arms"][name][split]["auc"]["value"])
            for name, c in results["curves"].items() if split in c]
    return [(f"{name} ({auc:.4f})", points) for name, points, auc in measured or arms]


def roc(results: dict[str, Any], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(4.2, 4))
    for i, (name, points) in enumerate(roc_curves(results)):
        axes.step(*zip(*points), where="post", color=COLOURS[i % len(COLOURS)], lw=1.1, label=name,
                  ls=("-", "--")[i // len(COLOURS) % 2])
    axes.plot([0, 1], [0, 1], color="#bbbbbb", lw=0.8)
    axes.set_xlabel("1 − specificity")
    axes.set_ylabel("sensitivity")
    axes.set_title(f"ROC, {results['split']} (AUC)")
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="lower right")
    save(figure, path)


def panels(results: dict[str, Any], arm: str, height: float) -> tuple[Figure, list[tuple[str, Axes]]]:
    splits = [s for s in ("val", "test") if s in results["curves"].get(arm, {})]
    wide = max(1, len(splits))
    figure, axes = plt.subplots(1, wide, figsize=(3.4 * wide, height), sharey=True, squeeze=False)
    return figure, list(zip(splits, axes[0]))


def reliability(results: dict[str, Any], path: Path) -> None:
    """Stated against observed probability before and after temperature scaling; areas are numbers of predictions."""
    arm = results["shown"]
    figure, drawn = panels(results, arm, 3.3)
    for split, axes in drawn:
        axes.plot([0, 1], [0, 1], color="#bbbbbb", lw=0.8)
        for i, (when, bins) in enumerate(results["curves"][arm][split]["reliability"].items()):
            stated, observed, count = zip(*bins)
            axes.plot(stated, observed, color=COLOURS[(5, 2)[i]], lw=1, label=f"{when} temperature scaling")
            axes.scatter(stated, observed, [3 + 150 * n / sum(count) for n in count], color=COLOURS[(5, 2)[i]])
        axes.set_title(f"{arm}, {split}")
        axes.set_xlabel("stated probability")
    if drawn:
        drawn[0][1].set_ylabel("observed share of pneumonia")
        drawn[0][1].legend(loc="lower right")
    save(figure, path)


def histograms(results: dict[str, Any], path: Path) -> None:
    """Scores of both classes on val and test: where they overlap, and how far test has moved."""
    arm, edges = results["shown"], results["histogramEdges"]
    figure, drawn = panels(results, arm, 2.6)
    for split, axes in drawn:
        for i, (kind, shares) in enumerate(results["curves"][arm][split]["histogram"].items()):
            axes.stairs(shares, edges, fill=True, alpha=0.55, color=COLOURS[(2, 1)[i]], label=kind)
        axes.axvline(results["shownThreshold"], color="#444444", lw=0.9, ls="--")
        axes.set_title(f"{arm}, {split}")
        axes.set_xlabel("calibrated logit (dashed: threshold)")
    if drawn:
        drawn[0][1].set_ylabel("share of the class")
        drawn[0][1].set_ylim(0, 1.35 * drawn[0][1].get_ylim()[1])
        drawn[0][1].legend(loc="upper left", ncols=2)
    save(figure, path)


PLOTS = {"forest.svg": forest, "roc.svg": roc, "reliability.svg": reliability, "histograms.svg": histograms}


def draw(results: dict[str, Any], folder: Path) -> None:
    with plt.rc_context(STYLE):
        for name, plot in PLOTS.items():
            plot(results, folder / name)
