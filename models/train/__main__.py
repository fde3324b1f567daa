"""Training and evidence: from a folder of chest X-rays to models and what is true of them.

    python3 models/train all --images DIR --run DIR

Every step leaves its outcome in the run or evidence folder and is skipped when that is there; after an interruption the
same command goes on. Research use only.
"""

import argparse
import os
import sys
from pathlib import Path

# Must be set before ONNX Runtime and PyTorch are loaded: idle threads that spin slow the other cores' work down.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import backbone
import injection
from ablate import ablations
from appliance import measure_appliance
from arms import ARMS
from check import check
from compare import compare
from data import SPLITS
from errors import TrainError
from export import export
from measure import is_measured, measure
from network import WIDTH
from open_test import open_test
from precompute import is_precomputed, precompute
from prepare import prepare_all
from results import EVIDENCE, csv_path, has_test, read_accounts
from run import Run, default_device
from store import FLIPPED, path_of, store

STEPS = {
    "prepare": "the 5,556 images from the public archive",
    "check": "is the folder of images fit to be trained on?",
    "precompute": "rasters and hash bytes, by ./lv06",
    "train": "the plain backbones, from scratch",
    "features": "the frozen backbones' features of train and val",
    "arms": "every arm: tuned on val, fitted for every seed, val results written",
    "open-test": "the test split, once per arm, after protocol and arms were committed",
    "export": "five model folders, int8",
    "measure": "what the exported models say, in every precision that runs here",
    "ablations": "the whitepaper's arms on changed images: border masked, shape undone",
    "appliance": "the served models through the product's own pipeline, by ./lv06 eval",
    "report": "the report from the raw results",
    "all": "everything from the folder of images to the report",
}


def run_of(args: argparse.Namespace) -> Run:
    """A run with an evidence folder of its own keeps its models to itself too."""
    args.run.mkdir(parents=True, exist_ok=True)
    models = EVIDENCE.parent if args.evidence.resolve() == EVIDENCE.resolve() else args.run / "models"
    return Run(folder=args.run, data=args.data or args.run / "precomputed", evidence=args.evidence, models=models,
               index=args.index, backbones=tuple(args.backbones), heads=args.heads, injected=tuple(args.injected),
               variation=args.variation, epochs=args.epochs, epochs_injected=args.epochs_injected, width=args.width,
               device=args.device)


def train(run: Run) -> None:
    for seed in run.backbones:
        how = backbone.plan(run.variation, run.epochs)
        backbone.train(run.folder, seed, how, run.rows("train"), run.rows("val"), run.width, run.device)


def features(run: Run) -> None:
    for seed in run.backbones:
        parts = {"train": "train", FLIPPED: "train", "val": "val"}
        missing = [part for part in parts if not path_of(run.folder, seed, part).exists()]
        if missing:
            model = backbone.load_backbone(run.folder, seed, run.width, run.epochs)
            for part in missing:
                store(run.folder, seed, part, model, run.rows(parts[part]))
    run.flipped_bytes()


def arms(run: Run, asked: list[str]) -> None:
    names = asked or [*ARMS, *injection.NAMES]
    compare(run, [name for name in names if name in ARMS])
    injection.compare_injected(run, [name for name in names if name in injection.NAMES])


def report(run: Run) -> None:
    """Imported late: plotting is not needed by any other step."""
    import report as made  # noqa: PLC0415

    made.report(run.evidence, run.index)


def everything(run: Run, args: argparse.Namespace) -> None:
    check(args.images, run.index)
    if not is_precomputed(run.data, run.index):
        precompute(args.images, run.data)
    train(run)
    features(run)
    arms(run, [])
    export_and_measure(run, args)
    open_what_is_closed(run)
    measure(run, test=True)
    ablations(run)
    measure_appliance(run, args.images)
    report(run)


def open_what_is_closed(run: Run) -> None:
    if any(not has_test(csv_path(run.evidence, name)) for name in read_accounts(run.evidence)):
        open_test(run, [])


def export_and_measure(run: Run, args: argparse.Namespace) -> None:
    if not is_measured(run):
        export(run, args.version, args.reduce_range)
        measure(run, test=False)


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 models/train", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    for name, text in STEPS.items():
        step = steps.add_parser(name, help=text, description=text)
        if name == "prepare":
            step.add_argument("--archive", type=Path, required=True, help="folder chest_xray of the public archive")
        if name in ("prepare", "check", "precompute", "appliance", "all"):
            step.add_argument("--images", type=Path, required=True, help="folder with NORMAL and PNEUMONIA")
        if name in ("arms", "open-test"):
            step.add_argument("names", nargs="*", type=arm_name, metavar="ARM", help="default: all")
        if name in ("export", "all"):
            exporting(step)
        if name == "measure":
            step.add_argument("--open-test", action="store_true", help="the test split too, once, after the arms")
        common(step, run_needed=name not in ("prepare", "check", "report"))
    return parser


def arm_name(word: str) -> str:
    if word not in (*ARMS, *injection.NAMES):
        raise argparse.ArgumentTypeError(f"there is no arm '{word}', but {', '.join([*ARMS, *injection.NAMES])}")
    return word


def exporting(step: argparse.ArgumentParser) -> None:
    step.add_argument("--version", default="0.2.0", help="of the models")
    step.add_argument("--reduce-range", action=argparse.BooleanOptionalAction, default=True,
                      help="7-bit weights: no saturation on x86-64 without VNNI")


def common(step: argparse.ArgumentParser, run_needed: bool) -> None:
    step.add_argument("--run", type=Path, required=run_needed, default=Path("build/train"),
                      help="where steps leave their outcome")
    step.add_argument("--data", type=Path, help="what ./lv06 precompute wrote (default: precomputed in the run folder)")
    step.add_argument("--evidence", type=Path, default=EVIDENCE, help="where results go (default: models/evidence)")
    step.add_argument("--index", type=Path, default=SPLITS, help="labels and splits (default: kermany224.csv)")
    step.add_argument("--backbones", type=int, nargs="+", default=list(backbone.SEEDS), help="seeds of the backbones")
    step.add_argument("--heads", type=int, default=5, help="head seeds per backbone")
    step.add_argument("--injected", type=int, nargs="+", default=[1, 2], help="seeds of pattern B and its controls")
    step.add_argument("--variation", choices=sorted(backbone.VARIATIONS), default="narrow", help="of train images")
    step.add_argument("--epochs", type=int, default=backbone.EPOCHS, help="of a backbone")
    step.add_argument("--epochs-injected", type=int, default=4, help="of pattern B's fine-tuning")
    step.add_argument("--device", default=default_device(), help="cpu or cuda (default: what is there)")
    step.add_argument("--width", type=int, default=WIDTH, help=argparse.SUPPRESS)


def perform(args: argparse.Namespace) -> None:
    if args.step == "prepare":
        return prepare_all(args.archive, args.images)
    if args.step == "check":
        return check(args.images, args.index)
    run = run_of(args)
    steps = {
        "precompute": lambda: precompute(args.images, run.data), "train": lambda: train(run),
        "features": lambda: features(run), "arms": lambda: arms(run, args.names),
        "open-test": lambda: open_test(run, args.names),
        "export": lambda: export(run, args.version, args.reduce_range),
        "measure": lambda: measure(run, args.open_test), "report": lambda: report(run),
        "ablations": lambda: ablations(run), "appliance": lambda: measure_appliance(run, args.images),
        "all": lambda: everything(run, args),
    }
    steps[args.step]()


def main(words: list[str] | None = None) -> int:
    try:
        perform(options().parse_args(words))
    except TrainError as error:
        print(f"\n{error}\n  {error.action}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
