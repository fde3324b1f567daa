"""Made-up films and what ``./lv06 precompute`` would make of them: small enough for a laptop, used by several tests."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from attention import SCALES, all_bytes
from run import Run

SIDE = 224
COUNTS = {"train": 24, "val": 12, "test": 12}
WIDTH = 4
COLUMNS = ("file", "label", "subtype", "group", "split", "dup_of")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def film(rng: np.random.Generator, positive: bool) -> np.ndarray:
    """u8 [224,224]: grey noise under a black border, brighter in the middle for the positive class."""
    image = rng.integers(40, 160, (SIDE, SIDE))
    image[70:150, 70:150] += 60 * positive
    image[:16] = 0
    return image.astype(np.uint8)


def name_of(number: int, positive: bool) -> dict[str, str]:
    if positive:
        return {"file": f"person{number}_bacteria_{number}.jpeg", "label": "PNEUMONIA", "subtype": "bacteria",
                "group": f"P{number}"}
    return {"file": f"IM-{number:04}-0001.jpeg", "label": "NORMAL", "subtype": "normal", "group": f"N1-{number:04}"}


@dataclass(frozen=True)
class Films:
    """``images``: class folders of JPEG files; ``data``: as precompute leaves it; ``index``: the CSV of both."""

    images: Path
    data: Path
    index: Path


def write_index(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    folder, rng = tmp_path_factory.mktemp("films"), np.random.default_rng(11)
    made = Films(folder / "images", folder / "data", folder / "index.csv")
    made.data.mkdir()
    rows, rasters = [], []
    for split, count in COUNTS.items():
        for _ in range(count):
            positive = len(rows) % 3 > 0
            rows.append({**name_of(len(rows), positive), "split": split, "dup_of": ""})
            path = made.images / rows[-1]["label"] / rows[-1]["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(film(rng, positive)).save(path, quality=75)
            rasters.append(np.asarray(Image.open(path)))
    write_index(made.index, rows)
    np.save(made.data / "raster.npy", np.stack(rasters))
    for scale, values in all_bytes(np.stack(rasters), (*SCALES, 32)).items():
        np.save(made.data / f"attention-{scale}.npy", values)
    lines = [json.dumps({"row": i, "file": f"{r['label']}/{r['file']}"}) for i, r in enumerate(rows)]
    (made.data / "index.jsonl").write_text("\n".join(lines) + "\n")
    return made


@pytest.fixture
def run(films: Films, tmp_path: Path) -> Run:
    """A run of the smallest size that still has two backbones and two head seeds."""
    return Run(folder=tmp_path / "run", data=films.data, evidence=tmp_path / "evidence", models=tmp_path / "models",
               index=films.index, backbones=(1, 2), heads=2, injected=(1,), variation="narrow", epochs=1,
               epochs_injected=1, width=WIDTH, device="cpu")
