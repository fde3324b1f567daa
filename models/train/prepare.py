"""The ``prepare`` step: makes the prepared images from the public archive, pixel for pixel.

The archive is Mendeley Data V2, doi:10.17632/rscbjbr9sj.2 (on Kaggle: paultimothymooney/chest-xray-pneumonia),
CC BY 4.0. Files are found by name, whatever folder they lie in, and only those that kermany224.csv names: 224x224,
antialiased bilinear, stretched to a square, JPEG quality 75 with three equal channels.
"""

from pathlib import Path

from PIL import Image

from data import read_index
from errors import Code, TrainError
from progress import over

SIDE = 224


def prepare(source: Path, target: Path) -> None:
    with Image.open(source) as film:
        small = film.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".part")
    small.convert("RGB").save(unfinished, "JPEG", quality=75)
    unfinished.replace(target)


def prepare_all(archive: Path, out: Path) -> None:
    """Every image of the index; those that are there already are left as they are."""
    # Class and name together: the archive holds each image once under its class, and copies in hidden folders.
    where = {(p.parent.name, p.name): p for p in sorted(archive.rglob("*.jpeg")) if "__MACOSX" not in p.parts}
    rows = read_index()
    missing = [r["file"] for r in rows if (r["label"], r["file"]) not in where]
    if missing:
        raise TrainError(Code.DATA_FILE_MISSING,
                         f"{len(missing)} of {len(rows)} files are not under {archive}, the first is {missing[0]}")
    for row in over("preparing images", rows):
        target = out / row["label"] / row["file"]
        if target.exists():
            continue
        source = where[row["label"], row["file"]]
        try:
            prepare(source, target)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise TrainError(Code.DATA_UNREADABLE, f"{source}: {error}") from None
