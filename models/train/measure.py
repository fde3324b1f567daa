"""The ``measure`` step: what the exported parts say of every image, in every precision that runs here.

``serving/MODEL.PRECISION.json`` says what ran and where, ``MODEL.PRECISION.csv`` has a logit per image. int8-s8s8 is
made for arm64; computed on x86-64 it shows what its rounding does, not what its speed is.
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort

from errors import Code, TrainError
from export import FP32, KINDS, VARIANTS, Kind, run_parts
from manifest import digest
from open_test import demand_committed
from results import csv_path, has_test, machine, read, replace, text_of
from run import Run

PRECISIONS = (*VARIANTS, FP32)
HEADER = ["file", "split", "label", "logit"]


def table_path(run: Run, kind: Kind, precision: str) -> Path:
    return run.evidence / "serving" / f"{kind.name}.{precision}.csv"


def is_measured(run: Run) -> bool:
    return all(table_path(run, kind, p).exists() for kind in KINDS for p in PRECISIONS)


def account(run: Run, kind: Kind, precision: str) -> dict:
    folder = run.models / kind.name
    manifest = json.loads((folder / "manifest.json").read_text())
    taken = {key: manifest[key] for key in ("version", "pattern", "temperature", "threshold")}
    return {"model": kind.name, **taken, "digest": digest(folder / "manifest.json"), "precision": precision,
            "cpu": machine()["cpu"], "onnxruntime": ort.__version__, "by": "ONNX Runtime for Python"}


def add(run: Run, split: str, precision: str) -> None:
    """Adds the rows of a split to the tables of one precision; val begins them anew."""
    rows = run.rows(split)
    found = run_parts(run.models, run.fp32, run.data, rows, precision)
    for kind in KINDS:
        path = table_path(run, kind, precision)
        before = [HEADER] if split == "val" else [HEADER, *read(path)[1]]
        lines = [[file, split, str(int(label)), f"{logit:.5g}"]
                 for file, label, logit in zip(rows.file, rows.label, found[kind.name], strict=True)]
        replace(path, text_of([*before, *lines]))
        replace(path.with_suffix(".json"), json.dumps(account(run, kind, precision), indent=1) + "\n")


def demand_arms_open(run: Run) -> None:
    """The comparison of arms comes first: nothing that is served may be seen on test before it."""
    demand_committed(run.evidence)
    closed = [kind.arm for kind in KINDS if not has_test(csv_path(run.evidence, kind.arm))]
    if closed:
        raise TrainError(Code.RUN_INCOMPLETE, f"test is still closed for {', '.join(closed)}: the step is `open-test`")


def measure(run: Run, test: bool) -> None:
    """Val rows of models that have none or have changed since; with ``test`` the test rows too, once per model."""
    if test:
        demand_arms_open(run)
    for precision in PRECISIONS:
        tables = [table_path(run, kind, precision) for kind in KINDS]
        opened = [has_test(path) for path in tables]
        current = all(path.exists() and json.loads(path.with_suffix(".json").read_text())["digest"]
                      == digest(run.models / kind.name / "manifest.json") for path, kind in zip(tables, KINDS))
        if any(opened) and not current:
            raise TrainError(Code.EVIDENCE_OPEN, f"the models in {precision} were measured on test, and are others now")
        if not current:
            add(run, "val", precision)
        if test and not all(opened):
            add(run, "test", precision)
