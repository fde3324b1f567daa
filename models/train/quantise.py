"""Static int8 quantisation of the backbone, for x86-64 and arm64, with one weight file for both.

x86-64 wants unsigned activations (U8S8), arm64 signed ones (S8S8); weights are the same signed bytes,
symmetric per channel, so both graphs point into one file. The raster is itself the first quantised tensor:
grey levels are the integers, scale and zero point the normalisation, and no pixel is touched before the
first convolution. The zero point is the mean rounded; what that leaves goes into the first bias.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from torch import nn

from graph import IR, backbone_body

# Initialisers of at least this size go to the shared file; it is the alignment there too.
SHARED_FROM_BYTES = 1024
ALIGNMENT = 64


# Float32 [N,g,g] by the name of the input that takes it.
Levels = Mapping[str, np.ndarray]


class Rasters(CalibrationDataReader):
    """Feeds rasters u8 [N,side,side] as the body's dequantised input, and the attention levels of pattern B."""

    def __init__(self, rasters: np.ndarray, levels: Levels, scale: float, zero: int) -> None:
        self.feeds: Iterator[dict[str, np.ndarray]] = (
            {"normalised": ((r.astype(np.float32) - zero) * np.float32(scale))[None, None],
             **{name: values[i][None, None] for name, values in levels.items()}} for i, r in enumerate(rasters))

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.feeds, None)


def take_raster(model: onnx.ModelProto, signed: bool, side: int) -> None:
    """Replaces the quantised float input by the u8 raster (for signed activations, re-centred by 128)."""
    graph = model.graph
    quantise = next(n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == "normalised")
    others = [i for i in graph.input if i.name != "normalised"]
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 1, side, side]))
    graph.input.extend(others)
    if signed:
        zero = next(i for i in graph.initializer if i.name == quantise.input[2])
        raw = numpy_helper.from_array(np.uint8(int(numpy_helper.to_array(zero)) + 128), "image.zero")
        graph.initializer.append(raw)
        graph.node.insert(0, helper.make_node("DequantizeLinear", ["image", quantise.input[1], "image.zero"],
                                              ["normalised"], name="DequantizeLinear:image"))
        return
    for node in graph.node:
        for i, name in enumerate(node.input):
            if name == quantise.output[0]:
                node.input[i] = "image"
    graph.node.remove(quantise)


def attention_nodes(model: onnx.ModelProto) -> list[str]:
    """Nodes between an attention input and the features it weights: a handful of numbers, not worth rounding."""
    reached = {i.name for i in model.graph.input if i.name.startswith("attention")}
    found = []
    for node in model.graph.node:
        if reached & set(node.input):
            found.append(node.name)
            if node.output[0].startswith(("scaled", "factor")):
                reached.add(node.output[0])
    return found


def quantise(model: nn.Module, calibration: np.ndarray, mean: float, deviation: float, signed: bool,
             reduce_range: bool = False, side: int = 224, levels: Levels | None = None) -> onnx.ModelProto:
    """The int8 backbone, ``image`` u8 [1,1,side,side] (and attention levels) to ``features`` float32.

    Calibrated on ``calibration`` u8 [N,side,side] and ``levels``. Attention and its factor stay float32.
    """
    scale, zero = 1 / (deviation * 255), round(mean * 255)
    shift = (zero - mean * 255) * scale
    activations = QuantType.QInt8 if signed else QuantType.QUInt8
    kind, centre = (np.int8, 128) if signed else (np.uint8, 0)
    fixed = {"scale": np.array(scale, np.float32), "zero_point": np.array(zero - centre, kind)}
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "body.onnx", Path(folder) / "int8.onnx"
        onnx.save(backbone_body(model, shift, side), source)
        quantize_static(source, target, Rasters(calibration, levels or {}, scale, zero), quant_format=QuantFormat.QDQ,
                        per_channel=True, reduce_range=reduce_range, activation_type=activations,
                        weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
                        nodes_to_exclude=attention_nodes(onnx.load(source)),
                        extra_options={"TensorQuantOverrides": {"normalised": [fixed]}, "WeightSymmetric": True})
        result = onnx.load(target)
    take_raster(result, signed, side)
    result.ir_version = IR
    del result.graph.value_info[:]
    return result


def share_weights(models: list[onnx.ModelProto], path: Path) -> dict[str, int]:
    """Moves large initialisers of all models into one file, each distinct content once.

    Call before saving the models beside ``path``. Returns the bytes referred to and the bytes written.
    """
    offsets: dict[bytes, int] = {}
    content = bytearray()
    referred = 0
    for model in models:
        for tensor in model.graph.initializer:
            data = numpy_helper.to_array(tensor).tobytes()
            if len(data) < SHARED_FROM_BYTES:
                continue
            key = hashlib.sha256(data).digest()
            if key not in offsets:
                content.extend(b"\0" * (-len(content) % ALIGNMENT))
                offsets[key] = len(content)
                content.extend(data)
            referred += len(data)
            refer(tensor, path.name, offsets[key], len(data))
    path.write_bytes(content)
    return {"referredBytes": referred, "writtenBytes": len(content)}


def refer(tensor: onnx.TensorProto, file: str, offset: int, length: int) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    del tensor.external_data[:]
    for key, value in (("location", file), ("offset", str(offset)), ("length", str(length))):
        tensor.external_data.add(key=key, value=value)
