"""Makes the prepared images from the public archive, pixel for pixel.

    python prepare.py --archive chest_xray --out DIR

The archive is Mendeley Data V2, doi:10.17632/rscbjbr9sj.2 (on Kaggle: paultimothymooney/chest-xray-pneumonia),
CC BY 4.0. Files are found by name, whatever folder they lie in, and only those that kermany224.csv names: 224x224,
antialiased bilinear, stretched to a square, JPEG quality 75 with three equal channels.
"""

import argparse
import csv
from pathlib import Path

from PIL import Image

from data import SPLITS

SIDE = 224


def prepare(source: Path, target: Path) -> None:
    with Image.open(source) as film:
        small = film.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    target.parent.mkdir(parents=True, exist_ok=True)
    small.convert("RGB").save(target, quality=75)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--archive", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    args = arguments.parse_args()
    # Class and name together: the archive holds each image once under its class, and copies in hidden folders.
    where = {(p.parent.name, p.name): p for p in sorted(args.archive.rglob("*.jpeg")) if "__MACOSX" not in p.parts}
    rows = list(csv.DictReader(SPLITS.open()))
    missing = [r["file"] for r in rows if (r["label"], r["file"]) not in where]
    if missing:
        raise SystemExit(f"{len(missing)} of {len(rows)} files are not under {args.archive}, the first is {missing[0]}")
    for i, row in enumerate(rows):
        prepare(where[row["label"], row["file"]], args.out / row["label"] / row["file"])
        if i % 100 == 99 or i + 1 == len(rows):
            print(f"\r{i + 1}/{len(rows)}", end="", flush=True)
    print()


if __name__ == "__main__":
    main()
