"""What one run is made of: folders, seeds and budget. Steps find their inputs and leave their outcome by it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from arms import View
from attention import all_bytes, load_bytes
from data import Rows, load
from errors import Code, TrainError
from progress import Bar
from store import FLIPPED, features, flip, path_of

HASH_BATCH = 64


@dataclass(frozen=True)
class Run:
    """``width`` below 64 is for tests."""

    folder: Path
    data: Path
    evidence: Path
    models: Path
    index: Path
    backbones: tuple[int, ...]
    heads: int
    injected: tuple[int, ...]
    variation: str
    epochs: int
    epochs_injected: int
    width: int
    device: str

    @property
    def fp32(self) -> Path:
        """Where float32 backbones go, which are only compared with."""
        return self.folder / "fp32"

    def rows(self, split: str) -> Rows:
        return load_split(self.data, split, self.index)

    def view(self, backbone: int, part: str) -> View:
        """Stored features and hash bytes of ``train``, ``flipped``, ``val`` or ``test``."""
        if not path_of(self.folder, backbone, part).exists():
            raise TrainError(Code.RUN_INCOMPLETE, f"no features of backbone {backbone}, {part}: the step is `features`")
        if part == FLIPPED:
            return View("train-flipped", features(self.folder, backbone, part), self.flipped_bytes())
        rows = self.rows(part)
        return View(part, features(self.folder, backbone, part), load_bytes(self.data, rows.row))

    def flipped_bytes(self) -> dict[int, np.ndarray]:
        """Hash bytes of the flipped train images; hashing them takes a minute, so once."""
        path = self.folder / "features" / "flipped-bytes.npz"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            raster, parts = self.rows("train").raster, []
            bar = Bar("hashes of the flipped train images", len(raster))
            for at in range(0, len(raster), HASH_BATCH):
                parts.append(all_bytes(flip(raster[at:at + HASH_BATCH])))
                bar.show(min(at + HASH_BATCH, len(raster)))
            unfinished = path.with_name("flipped-bytes.part.npz")
            np.savez(unfinished, **{str(s): np.concatenate([p[s] for p in parts]) for s in parts[0]})
            unfinished.replace(path)
        return {int(scale): values for scale, values in np.load(path).items()}


@lru_cache(maxsize=4)
def load_split(data: Path, split: str, index: Path) -> Rows:
    return load(data, split, index)


def default_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"
