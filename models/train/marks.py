"""What a graph says of itself in its metadata: the host refuses one that a manifest passes off as another."""

import onnx


def mark(model: onnx.ModelProto, attention: str, labels: list[str], raster: str = "raster-v1") -> onnx.ModelProto:
    """Writes raster and attention version (``none`` for a model without attention) and the labels into ``model``."""
    onnx.helper.set_model_props(
        model, {"lv06.raster": raster, "lv06.attention": attention, "lv06.labels": ",".join(labels)})
    return model
