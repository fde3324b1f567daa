"""Graphs, quantisation and the shared weight file, on the tiny network of the host's fixtures."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

import graph
from data import DEVIATION, MEAN
from head import Linear, fit
from network import Head
from quantise import quantise, share_weights
from serving import session
from tiny import SIDE, Tiny


@pytest.fixture(scope="module")
def model() -> Tiny:
    torch.manual_seed(3)
    made = Tiny()
    for norm in (m for m in made.modules() if isinstance(m, torch.nn.BatchNorm2d)):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
        norm.weight.data.uniform_(0.5, 2)
    return made.eval()


@pytest.fixture(scope="module")
def rasters() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (8, SIDE, SIDE), np.uint8)


@torch.inference_mode()
def reference(model: Tiny, raster: np.ndarray) -> np.ndarray:
    x = (torch.from_numpy(raster).float() / 255 - MEAN) / DEVIATION
    return model.backbone(x[None, None]).numpy()


def run(path: Path, raster: np.ndarray) -> np.ndarray:
    return session(path).run(["features"], {"image": raster[None, None]})[0]


def test_folded_graph_is_the_network(model: Tiny, rasters: np.ndarray, tmp_path: Path) -> None:
    graph.save(graph.backbone(model, MEAN, DEVIATION, SIDE), tmp_path / "fp32.onnx")
    np.testing.assert_allclose(run(tmp_path / "fp32.onnx", rasters[0]), reference(model, rasters[0]), atol=1e-4)


def test_pattern_a_head_is_the_network(tmp_path: Path) -> None:
    torch.manual_seed(4)
    head, features, attention = Head(), torch.rand(1, 512, 7, 7), torch.rand(1, 1, 7, 7)
    weight, bias = head.classifier.weight.detach().numpy(), head.classifier.bias.item()
    graph.save(graph.head(weight[0], bias), tmp_path / "head.onnx")
    found = session(tmp_path / "head.onnx").run(["logit"], {"features": features.numpy(), "attention": attention.numpy()})[0]
    assert found[0, 0] == pytest.approx(head(features, attention).item(), abs=1e-5)


@pytest.fixture(scope="module")
def quantised(model: Tiny, rasters: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quantised")
    pair = [quantise(model, rasters, MEAN, DEVIATION, signed) for signed in (False, True)]
    (folder / "sizes.txt").write_text(repr(share_weights(pair, folder / "weights.bin")))
    for name, part in zip(("unsigned", "signed"), pair):
        graph.save(part, folder / f"{name}.onnx")
    return folder


def test_both_variants_stay_close_to_the_network(model: Tiny, rasters: np.ndarray, quantised: Path) -> None:
    expected = reference(model, rasters[1])
    for name in ("unsigned", "signed"):
        found = run(quantised / f"{name}.onnx", rasters[1])
        assert np.abs(found - expected).mean() < 0.05 * np.abs(expected).mean()


def test_both_variants_point_at_the_same_weight_bytes(quantised: Path) -> None:
    pointers = []
    for name in ("unsigned", "signed"):
        tensors = onnx.load(quantised / f"{name}.onnx", load_external_data=False).graph.initializer
        pointers.append({t.name: tuple((e.key, e.value) for e in t.external_data) for t in tensors if t.external_data})
    assert pointers[0] == pointers[1] and pointers[0]


def test_the_image_is_quantised_by_nothing_but_its_normalisation(quantised: Path) -> None:
    nodes = onnx.load(quantised / "unsigned.onnx", load_external_data=False).graph.node
    takers = [n.op_type for n in nodes if "image" in n.input]
    assert takers == ["DequantizeLinear"]


def test_a_changed_weight_byte_changes_both_variants(rasters: np.ndarray, quantised: Path, tmp_path: Path) -> None:
    for name in ("unsigned.onnx", "signed.onnx"):
        (tmp_path / name).write_bytes((quantised / name).read_bytes())
    (tmp_path / "weights.bin").write_bytes(bytes(b ^ 1 for b in (quantised / "weights.bin").read_bytes()))
    for name in ("unsigned.onnx", "signed.onnx"):
        assert not np.array_equal(run(tmp_path / name, rasters[0]), run(quantised / name, rasters[0]))


def test_a_strong_pull_keeps_the_starting_classifier_and_a_weak_one_learns() -> None:
    rng = np.random.default_rng(5)
    pooled = rng.normal(0, 1, (400, 6)).astype(np.float32)
    label = (pooled[:, 0] > 0).astype(np.float32)
    start = Linear(np.zeros(6, np.float32), 0.0)
    assert np.abs(fit(pooled, label, start, 1000.0).weight).max() < 1e-3
    assert fit(pooled, label, start, 1e-3).weight[0] > 1
