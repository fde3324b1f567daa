"""The ``check`` step: is this folder fit to be trained on? What is wrong is named before anything is trained.

It reads every image once. Patients are taken from the file names themselves, not from the index, because a mistake in
the index is what it looks for.
"""

import hashlib
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from data import CLASSES, read_index
from errors import Code, TrainError
from progress import over

SHOWN = 5
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Least:
    """Fewest images of a split that its use bears: quantisation on train, temperature and threshold on val."""

    train: int = 256
    val: int = 100
    of_a_class: int = 20


Row = dict[str, str]
Problem = tuple[Code, str]


def patient_of(file: str) -> tuple[str, str]:
    """Patient group and subtype as a Kermany file name shows them; an unknown name is a patient of its own."""
    if found := re.match(r"person(\d+)_(bacteria|virus)_", file):
        return f"P{found[1]}", found[2]
    if found := re.match(r"(NORMAL2-)?IM-(\d+)", file):
        return f"{'N2' if found[1] else 'N1'}-{found[2]}", "normal"
    return Path(file).stem, ""


def pixels(path: Path) -> str:
    """A digest of what the picture shows, whatever the file's bytes. @raises OSError if it cannot be decoded"""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path) as film:
            grey = film.convert("L")
    return hashlib.sha256(f"{grey.size}".encode() + grey.tobytes()).hexdigest()


def some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def classes(images: Path) -> Iterator[Problem]:
    for name in CLASSES:
        folder = images / name
        if not folder.is_dir():
            yield Code.DATA_CLASS_MISSING, f"{images} has no folder {name}"
        elif not any(p.is_file() for p in folder.iterdir()):
            yield Code.DATA_CLASS_MISSING, f"{folder} is empty"


def files(images: Path, rows: list[Row]) -> tuple[list[Problem], dict[str, str]]:
    """Missing and unreadable files, and the pixel digest of each of the others by name."""
    missing, damaged, found = [], [], {}
    for row in over("reading images", rows):
        path = images / row["label"] / row["file"]
        if not path.is_file():
            missing.append(row["file"])
            continue
        try:
            found[row["file"]] = pixels(path)
        except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombWarning,
                Image.DecompressionBombError):
            damaged.append(row["file"])
    problems = []
    if missing:
        problems.append((Code.DATA_FILE_MISSING, f"{len(missing)} files of the index are not there: {some(missing)}"))
    if damaged:
        problems.append((Code.DATA_UNREADABLE, f"{len(damaged)} files cannot be read: {some(damaged)}"))
    return problems, found


def duplicates(rows: list[Row], digest: dict[str, str]) -> Iterator[Problem]:
    """Images with the same pixels of which the index says nothing, or which it puts into two splits."""
    alike = defaultdict(list)
    for row in rows:
        if row["file"] in digest:
            alike[digest[row["file"]]].append(row)
    unnamed = [r["file"] for same in alike.values() for r in [s for s in same if not s["dup_of"]][1:]]
    across = [same[0]["file"] for same in alike.values() if len({r["split"] for r in same}) > 1]
    if unnamed:
        yield Code.DATA_DUPLICATE, f"{len(unnamed)} images are pixel-identical copies: {some(unnamed)}"
    if across:
        yield Code.DATA_LEAK, f"{len(across)} images lie in two splits: {some(across)}"


def leaks(rows: list[Row]) -> Iterator[Problem]:
    """Patients in two splits, by file name or by the index's own groups. Train, val and demo are told apart by the
    number alone. Against test it is number and type: the same number under bacteria and virus is another person in the
    official division, which is not ours."""
    number, person = defaultdict(set), defaultdict(set)
    for row in rows:
        for group, subtype in {patient_of(row["file"]), (row["group"], row["subtype"])}:
            person[group, subtype].add(row["split"])
            if row["split"] != "test":
                number[group].add(row["split"])
    leaking = sorted({group for group, splits in number.items() if len(splits) > 1}
                     | {group for (group, _), splits in person.items() if len(splits) > 1})
    if leaking:
        yield Code.DATA_LEAK, f"{len(leaking)} patients are in two splits: {some(leaking)}"


def amounts(rows: list[Row], least: Least) -> Iterator[Problem]:
    kept = [row for row in rows if not row["dup_of"]]
    for split in SPLITS:
        count = {name: sum(r["split"] == split and r["label"] == name for r in kept) for name in CLASSES}
        wanted = {"train": least.train, "val": least.val}.get(split, 0)
        if sum(count.values()) < wanted:
            yield Code.DATA_TOO_FEW, f"split {split} has {sum(count.values())} images, {wanted} are needed"
        for name, found in count.items():
            if found == 0:
                yield Code.DATA_CLASS_MISSING, f"split {split} has no {name}"
            elif found < least.of_a_class:
                yield Code.DATA_TOO_FEW, f"split {split} has {found} {name}, {least.of_a_class} are needed"


def problems_of(images: Path, index: Path, least: Least) -> list[Problem]:
    rows = read_index(index)
    found = list(classes(images))
    if found:
        return found
    of_files, digest = files(images, rows)
    return [*of_files, *duplicates(rows, digest), *leaks(rows), *amounts(rows, least)]


def check(images: Path, index: Path, least: Least = Least()) -> None:
    """Prints every problem and raises the first, or says that there is none."""
    found = problems_of(images, index, least)
    for code, text in found[1:]:
        print(f"{code.name}: {text}\n  {code.value}")
    if found:
        raise TrainError(*found[0])
    print(f"{images}: nothing wrong in {len(read_index(index))} images")
