"""Graphs, quantisation and the shared weight file, on the tiny network of the host's fixtures."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

import graph
from attention import level
from data import DEVIATION, MEAN
from export import Chosen, chosen_on_val
from heads import Parallel, Start
from network import GRIDS, Injected
from quantise import quantise, share_weights
from results import KEYS, csv_path, replace, text_of
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


def logit_of(path: Path, features: torch.Tensor, levels: dict[str, np.ndarray]) -> float:
    feeds = {"features": features.numpy(), **{name: values[None, None] for name, values in levels.items()}}
    return float(session(path).run(["logit"], feeds)[0][0, 0])


@pytest.fixture(scope="module")
def pyramid() -> dict[str, np.ndarray]:
    """Four levels of one map, by input name."""
    attention = np.random.default_rng(6).random((1, 56, 56))
    return {f"attention{grid}": level(attention, grid)[0] for grid in GRIDS}


def test_head_without_attention_is_a_linear_classifier_of_the_pooled_features(tmp_path: Path) -> None:
    features, weight = torch.rand(1, 16, 7, 7), np.linspace(-1, 1, 16, dtype=np.float32)
    graph.save(graph.head(weight, 0.5, attention=None), tmp_path / "head.onnx")
    assert logit_of(tmp_path / "head.onnx", features, {}) == pytest.approx(float(features.mean((2, 3))[0] @ torch.from_numpy(weight)) + 0.5, abs=1e-5)


def test_pattern_a_head_weights_each_cell_by_its_attention(tmp_path: Path, pyramid: dict[str, np.ndarray]) -> None:
    features, weight = torch.rand(1, 16, 7, 7), np.linspace(-1, 1, 16, dtype=np.float32)
    graph.save(graph.head(weight, 0.5), tmp_path / "head.onnx")
    expected = (features * (1 + torch.from_numpy(pyramid["attention7"]))).mean((2, 3))[0] @ torch.from_numpy(weight) + 0.5
    assert logit_of(tmp_path / "head.onnx", features, {"attention7": pyramid["attention7"]}) == pytest.approx(float(expected), abs=1e-5)


def test_pattern_c_head_is_the_network(tmp_path: Path, pyramid: dict[str, np.ndarray]) -> None:
    torch.manual_seed(8)
    start = Start(torch.rand(16), 0.1, torch.rand(16), torch.rand(16) + 0.5)
    network, features = Parallel(start).eval(), torch.rand(1, 16, 7, 7)
    torch.nn.init.normal_(network.classifier.change)
    graph.save(graph.parallel_head(network), tmp_path / "head.onnx")
    batch = {"pooled": features.mean((2, 3)), **{name: torch.from_numpy(values)[None] for name, values in pyramid.items()}}
    assert logit_of(tmp_path / "head.onnx", features, pyramid) == pytest.approx(network(batch).item(), abs=1e-4)


@torch.inference_mode()
def test_pattern_b_backbone_is_the_network_also_in_int8(tmp_path: Path, rasters: np.ndarray, pyramid: dict[str, np.ndarray]) -> None:
    torch.manual_seed(9)
    network = Injected(4).eval()
    network.gates.copy_(torch.tensor([0.3, -0.4, 0.9, 0.6]))
    feeds = {name: values[None, None] for name, values in pyramid.items()}
    image = (torch.from_numpy(rasters[:1]).float()[:, None] / 255 - MEAN) / DEVIATION
    expected = network.features(image, [torch.from_numpy(feeds[f"attention{g}"]) for g in GRIDS]).numpy()
    made = {"fp32": graph.backbone(network, MEAN, DEVIATION),
            **{name: quantise(network, rasters, MEAN, DEVIATION, signed, levels={n: np.repeat(v[0], 8, 0) for n, v in feeds.items()})
               for name, signed in (("u8s8", False), ("s8s8", True))}}
    for name, model in made.items():
        graph.save(model, tmp_path / f"{name}.onnx")
        found = session(tmp_path / f"{name}.onnx").run(["features"], {"image": rasters[:1, None], **feeds})[0]
        assert np.abs(found - expected).mean() < (1e-5 if name == "fp32" else 0.1) * np.abs(expected).mean(), name


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


def test_what_is_served_is_chosen_on_val_alone(tmp_path: Path) -> None:
    def write(arm: str, seeds: list[str], *rows: list[str]) -> None:
        replace(csv_path(tmp_path, arm), text_of([[*KEYS, *seeds], *rows]))

    write("none", ["b2-h1", "b2-h2", "b3-h1", "b3-h2"],
          ["a", "val", "1", "3", "1", "2", "2"], ["b", "val", "0", "-3", "-1", "-2", "-2"],
          ["c", "test", "1", "9", "9", "-9", "-9"], ["d", "test", "0", "-9", "-9", "9", "9"])
    write("injected", ["b1-h1", "b2-h1"], ["a", "val", "1", "2", "1"], ["b", "val", "0", "-2", "-1"])
    assert chosen_on_val(tmp_path) == Chosen(shared=3, injected=1)
