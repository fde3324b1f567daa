"""The ONNX graphs of the parts, written node by node so that their names and shapes are stable.

Batch norm is folded into the convolutions. Opset 17 and IR 8 are old enough for every ONNX Runtime that
the host supports.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
import torch
from torch import nn

from heads import Parallel
from network import BLOCKS_A_STAGE, GRIDS, BasicBlock

OPSET, IR = 17, 8


class Builder:
    """Collects nodes and initialisers; every method returns the name of the tensor it made."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initialisers: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.initialisers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"{kind}:{output}", **attributes))
        return output

    def conv(self, x: str, name: str, conv: nn.Conv2d, norm: nn.BatchNorm2d, relu: bool, shift: float = 0.0) -> str:
        """Convolution with batch norm folded in; ``shift`` is what the input lacks of the one it was trained on."""
        weight, bias = fold(conv, norm)
        bias = bias + shift * weight.sum(axis=(1, 2, 3))
        pads = [conv.padding[0]] * 4
        y = self.node("Conv", [x, self.constant(f"{name}.weight", weight),
                               self.constant(f"{name}.bias", bias.astype(np.float32))],
                      f"{name}.sum" if relu else name, kernel_shape=list(conv.kernel_size),
                      strides=list(conv.stride), pads=pads)
        return self.node("Relu", [y], name) if relu else y

    def model(self, name: str, inputs: dict[str, tuple[int, list[int]]], outputs: dict[str, list[int]],
              ) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes, name,
            [helper.make_tensor_value_info(n, kind, shape) for n, (kind, shape) in inputs.items()],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in outputs.items()],
            self.initialisers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="lv06")
        model.ir_version = IR
        onnx.checker.check_model(model, full_check=True)
        return model


def fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[np.ndarray, np.ndarray]:
    """The weight and bias of a convolution followed by batch norm in inference mode."""
    scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach().double()
    weight = conv.weight.detach().double() * scale.view(-1, 1, 1, 1)
    bias = norm.bias.detach().double() - norm.running_mean.double() * scale
    return weight.float().numpy(), bias.float().numpy()


def block(builder: Builder, x: str, name: str, part: BasicBlock, output: str) -> str:
    y = builder.conv(x, f"{name}.conv1", part.conv1, part.bn1, relu=True)
    y = builder.conv(y, f"{name}.conv2", part.conv2, part.bn2, relu=False)
    kept = x
    if isinstance(part.shortcut, nn.Sequential):
        conv, norm = part.shortcut
        kept = builder.conv(x, f"{name}.shortcut", conv, norm, relu=False)
    return builder.node("Relu", [builder.node("Add", [y, kept], f"{name}.sum")], output)


def level_input(grid: int) -> str:
    """Name of the input that takes the attention level of ``grid`` cells along a side."""
    return f"attention{grid}"


def inject(builder: Builder, x: str, stage: int, gate: float) -> str:
    """``x * (1 + gate * attention)`` of one stage (pattern B)."""
    grid = GRIDS[stage]
    strength = builder.constant(f"gate{grid}", np.float32([gate]))
    scaled = builder.node("Mul", [level_input(grid), strength], f"scaled{grid}")
    factor = builder.node("Add", [scaled, builder.constant(f"one{grid}", np.float32([1]))], f"factor{grid}")
    return builder.node("Mul", [x, factor], "features" if stage == len(GRIDS) - 1 else f"injected{grid}")


def body(builder: Builder, x: str, model: nn.Module, shift: float) -> None:
    """Everything after normalisation; a model with ``gates`` takes attention after each stage."""
    stem, blocks = model.backbone.stem, model.backbone.blocks
    gates = model.gates.tolist() if hasattr(model, "gates") else None
    x = builder.conv(x, "stem", stem[0], stem[1], relu=True, shift=shift)
    x = builder.node("MaxPool", [x], "stem.pool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for i, part in enumerate(blocks):
        last = i == len(blocks) - 1
        x = block(builder, x, f"block{i}", part, "features" if last and gates is None else f"block{i}")
        stage, rest = divmod(i + 1, BLOCKS_A_STAGE)
        if gates is not None and rest == 0:
            x = inject(builder, x, stage - 1, gates[stage - 1])


def level_inputs(grids: Sequence[int]) -> dict[str, tuple[int, list[int]]]:
    return {level_input(grid): (TensorProto.FLOAT, [1, 1, grid, grid]) for grid in grids}


def injected_grids(model: nn.Module) -> tuple[int, ...]:
    """Grids of the levels that the backbone itself takes: all for pattern B, else none."""
    return GRIDS if hasattr(model, "gates") else ()


def feature_shape(model: nn.Module, side: int) -> list[int]:
    """[1, channels, g, g] for a square image of ``side`` pixels."""
    with torch.inference_mode():
        return list(model.backbone(torch.zeros(1, 1, side, side)).shape)


def backbone(model: nn.Module, mean: float, deviation: float, side: int = 224) -> onnx.ModelProto:
    """``image`` u8 [1,1,side,side] (the raster itself) to ``features`` float32; normalises inside."""
    builder = Builder()
    grey = builder.node("Cast", ["image"], "grey", to=TensorProto.FLOAT)
    centred = builder.node("Sub", [grey, builder.constant("mean", np.float32([mean * 255]))], "centred")
    scale = builder.constant("scale", np.float32([1 / (deviation * 255)]))
    body(builder, builder.node("Mul", [centred, scale], "normalised"), model, shift=0)
    image = {"image": (TensorProto.UINT8, [1, 1, side, side])}
    return builder.model("backbone", image | level_inputs(injected_grids(model)),
                         {"features": feature_shape(model, side)})


def backbone_body(model: nn.Module, shift: float, side: int = 224) -> onnx.ModelProto:
    """``normalised`` float32 less ``shift`` to ``features``: what quantisation starts from."""
    builder = Builder()
    body(builder, "normalised", model, shift)
    image = {"normalised": (TensorProto.FLOAT, [1, 1, side, side])}
    return builder.model("backbone", image | level_inputs(injected_grids(model)),
                         {"features": feature_shape(model, side)})


def classify(builder: Builder, flat: str, weight: np.ndarray, bias: float) -> None:
    """Flat values [1,K] to ``logit`` [1,1]."""
    builder.node("Gemm", [flat, builder.constant("weight", weight.reshape(1, -1).astype(np.float32)),
                          builder.constant("bias", np.float32([bias]))], "logit", transB=1)


def pool(builder: Builder, x: str, name: str) -> str:
    return builder.node("Flatten", [builder.node("GlobalAveragePool", [x], f"{name}.pooled")], f"{name}.flat")


def head(weight: np.ndarray, bias: float, grid: int = 7, attention: str | None = "attention7") -> onnx.ModelProto:
    """``features`` [1,C,g,g], and for pattern A the input ``attention`` [1,1,g,g] in [0,1], to ``logit`` [1,1]."""
    builder = Builder()
    inputs, x = {"features": (TensorProto.FLOAT, [1, len(weight), grid, grid])}, "features"
    if attention is not None:
        inputs[attention] = (TensorProto.FLOAT, [1, 1, grid, grid])
        factor = builder.node("Add", [attention, builder.constant("one", np.float32([1]))], "factor")
        x = builder.node("Mul", ["features", factor], "fused")
    classify(builder, pool(builder, x, "features"), weight, bias)
    return builder.model("head", inputs, {"logit": [1, 1]})


def parallel_head(model: Parallel) -> onnx.ModelProto:
    """Pattern C: ``features`` and the four levels to ``logit``; the maps have a branch of their own."""
    builder, x = Builder(), None
    weight, bias = model.classifier.folded()
    channels = len(model.classifier.weight)
    for grid, conv in zip(GRIDS, model.branch.convs, strict=True):
        level = level_input(grid)
        joined = level if x is None else builder.node("Concat", [x, level], f"joined{grid}", axis=1)
        y = builder.node("Conv", [joined, builder.constant(f"branch{grid}.weight", conv.weight.detach().numpy()),
                                  builder.constant(f"branch{grid}.bias", conv.bias.detach().numpy())],
                         f"branch{grid}.sum", kernel_shape=[3, 3], strides=list(conv.stride), pads=[1, 1, 1, 1])
        x = builder.node("Relu", [y], f"branch{grid}")
    assert x is not None
    flat = builder.node("Concat", [pool(builder, "features", "features"), pool(builder, x, "branch")], "flat", axis=1)
    classify(builder, flat, weight, bias)
    return builder.model("head", {"features": (TensorProto.FLOAT, [1, channels, GRIDS[-1], GRIDS[-1]]),
                                  **level_inputs(GRIDS)}, {"logit": [1, 1]})


def save(model: onnx.ModelProto, path: Path) -> None:
    path.write_bytes(model.SerializeToString(deterministic=True))
