"""Writes a model's manifest.json (schema lv06/model/1). What it says of files is read from the files."""

import hashlib
import json
import os
import re
from pathlib import Path

import onnx
from onnx import TensorProto

from calibration import SENSITIVITY_ON_VAL
from data import CLASSES, DEVIATION, MEAN

RASTER, ATTENTION = "raster-v1", "attention-v1"
TYPES = {TensorProto.FLOAT: "float32", TensorProto.UINT8: "uint8"}
POPULATION = "children aged 1 to 5, Guangzhou Women and Children's Medical Center, AP chest X-rays"
# The same as far as an image's metadata can tell: what is stated outside it is not assessed.
POPULATION_LIMITS = {"ageYears": {"min": 1, "max": 5}, "view": ["AP"], "modality": ["CR", "DX"], "bodyPart": ["CHEST"]}
ATTRIBUTION = ("Trained on: Kermany, Zhang, Goldbaum (2018), Labeled Optical Coherence Tomography (OCT) and Chest "
               "X-Ray Images for Classification, Mendeley Data V2, doi:10.17632/rscbjbr9sj.2, CC BY 4.0. "
               "Changes: resized to 224x224 grey, a part of the images left out.")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def named(path: Path, folder: Path) -> dict[str, str]:
    """A file as the manifest in ``folder`` names it: beside it, or in ``../shared``."""
    return {"file": Path(os.path.relpath(path, folder)).as_posix(), "digest": digest(path)}


def tensors(values: list[onnx.ValueInfoProto]) -> dict[str, dict]:
    return {v.name: {"type": TYPES[v.type.tensor_type.elem_type],
                     "shape": [d.dim_value for d in v.type.tensor_type.shape.dim]} for v in values}


def part(path: Path, folder: Path) -> dict:
    """The manifest's account of one ONNX file: digests of it and of its weights, inputs and outputs."""
    graph = onnx.load(path, load_external_data=False).graph
    places = {e.value for t in graph.initializer for e in t.external_data if e.key == "location"}
    account = named(path, folder)
    if places:
        account["weights"] = named(path.parent / places.pop(), folder)
    return {**account, "inputs": tensors(list(graph.input)), "outputs": tensors(list(graph.output))}


def manifest(folder: Path, version: str, pattern: str, attention: dict | None, variants: dict,
             point: tuple[float, float], images: int, metrics: dict) -> dict:
    """``point``: temperature and threshold; ``attention``: scales, weights and grids; ``metrics``: figures on val."""
    temperature, threshold = point
    return {
        "schema": "lv06/model/1",
        "name": folder.name,
        "version": version,
        "pattern": pattern,
        "raster": RASTER,
        "normalisation": {"mean": MEAN, "deviation": DEVIATION, "unit": 255, "where": "graph"},
        "attention": None if attention is None else {"version": ATTENTION, **attention},
        "labels": list(CLASSES),
        "temperature": temperature,
        "threshold": threshold,
        "thresholdRule": f"the highest with at least {SENSITIVITY_ON_VAL:.0%} sensitivity on the calibration set",
        "calibrationSet": {"name": "Kermany chest X-ray, split val of kermany224.csv", "images": images},
        "population": POPULATION,
        "populationLimits": POPULATION_LIMITS,
        "intendedUse": "research-only",
        "metrics": {"evidence": "evidence.json", "calibrationSet": metrics},
        "variants": variants,
        "licence": "CC-BY-4.0",
        "attribution": ATTRIBUTION,
    }


def one_line(found: re.Match[str]) -> str:
    return " ".join(found[0].split()).replace("[ ", "[").replace(" ]", "]")


def write_manifest(folder: Path, value: dict) -> None:
    """Lists of numbers and words stay on one line, for people who read it."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    short = re.sub(r"\[[^\[\]{}]*\]", one_line, text)
    (folder / "manifest.json").write_text(short + "\n")
