"""Find how large each channel of MiniLM's activations gets, so that int8 can be spread over them evenly.

A few channels are ten times as large as the rest; one int8 scale for all would round the rest away.
SmoothQuant (https://arxiv.org/abs/2211.10438) divides such a channel and multiplies the weights that read it.
The divisors are powers of two: that is exact, and the same on every machine.
"""

from math import erf, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.nlp.build.minilm import EPSILON, HEADS, LAYERS, SHARED_LAYERS, Weights
from core.nlp.build.wheel import Wheel

Floats = NDArray[np.float32]

SAMPLE = Path(__file__).parent / "data" / "calibration.txt"
MIGRATION = 0.75  # the paper's alpha: how much of the difficulty moves into the weights
_ERF = np.vectorize(erf, otypes=[np.float32])


def sample_divisors(wheel: Wheel, weights: Weights) -> Weights:
    """Those of data/calibration.txt."""
    return divisors(weights, wheel.encode(SAMPLE.read_text(encoding="utf-8").splitlines()))


def divisors(weights: Weights, texts: list[list[int]]) -> dict[str, Floats]:
    """By linear part ("encoder.layer.0.attention", ...wide, ...narrow): a power of two for each input."""
    largest: dict[str, Floats] = {}
    for ids in texts:
        _observe(weights, ids, largest)
    return {part: _divisor(peak, _readers(weights, part)) for part, peak in largest.items()}


def _divisor(peak: Floats, readers: Floats) -> Floats:
    weight = np.abs(readers).max(axis=0)
    ratio = np.maximum(peak, 1e-3) ** MIGRATION / np.maximum(weight, 1e-3) ** (1 - MIGRATION)
    logarithm = np.log2(ratio)
    power: Floats = np.exp2(np.rint(logarithm - logarithm.mean())).astype(np.float32)
    return power


def _readers(weights: Weights, part: str) -> Floats:
    layer, kind = part[: part.rindex(".") + 1], part.rpartition(".")[2]
    if kind == "attention":
        own = f"{layer}attention.self"
        return np.concatenate([weights[f"{own}.{key}.weight"] for key in ("query", "key", "value")])
    return weights[f"{layer}{'intermediate' if kind == 'wide' else 'output'}.dense.weight"]


def _observe(weights: Weights, ids: list[int], largest: dict[str, Floats]) -> None:
    """One pass in plain numpy, noting the largest absolute value of every channel."""

    hidden = (
        weights["embeddings.word_embeddings.weight"][ids]
        + weights["embeddings.position_embeddings.weight"][: len(ids)]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    hidden = _norm(weights, "embeddings", hidden)
    for number in range(SHARED_LAYERS):
        hidden = _observe_layer(weights, f"encoder.layer.{number}.", hidden, largest)
    for stack in ("encoder", "tone"):
        upper = hidden
        for number in range(SHARED_LAYERS, LAYERS):
            layer = f"{stack}.layer.{number}."
            if f"{layer}output.dense.weight" in weights:
                upper = _observe_layer(weights, layer, upper, largest)


def _observe_layer(weights: Weights, layer: str, hidden: Floats, largest: dict[str, Floats]) -> Floats:
    def note(kind: str, x: Floats) -> None:
        peak = np.abs(x).max(axis=0)
        part = f"{layer}{kind}"
        largest[part] = np.maximum(largest[part], peak) if part in largest else peak

    note("attention", hidden)
    mixed = _linear(weights, f"{layer}attention.output.dense", _attend(weights, layer, hidden))
    hidden = _norm(weights, f"{layer}attention.output", hidden + mixed)
    note("wide", hidden)
    wide = _linear(weights, f"{layer}intermediate.dense", hidden)
    wide = wide * np.float32(0.5) * (1 + _ERF(wide / sqrt(2)))
    note("narrow", wide)
    return _norm(weights, f"{layer}output", hidden + _linear(weights, f"{layer}output.dense", wide))


def _attend(weights: Weights, layer: str, hidden: Floats) -> Floats:
    def heads(key: str) -> Floats:
        projected = _linear(weights, f"{layer}attention.self.{key}", hidden)
        return projected.reshape(len(hidden), HEADS, -1).transpose(1, 0, 2)

    query, key, value = heads("query"), heads("key"), heads("value")
    scores = query @ key.transpose(0, 2, 1) / np.float32(sqrt(query.shape[-1]))
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    attended: Floats = (shares @ value).transpose(1, 0, 2).reshape(len(hidden), -1)
    return attended


def _linear(weights: Weights, name: str, x: Floats) -> Floats:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _norm(weights: Weights, name: str, x: Floats) -> Floats:
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled: Floats = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(EPSILON))
    return scaled * weights[f"{name}.LayerNorm.weight"] + weights[f"{name}.LayerNorm.bias"]
