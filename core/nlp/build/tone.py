# torch is installed for building only.
# mypy: disable-error-code="import-not-found,misc,no-any-return"
"""Train the tone branch: a copy of MiniLM's upper layers that learns feeling instead of topic.

The lower layers are shared with the encoder and stay as they are, so one pass serves both. What they give is
computed once, with the very int8 graph that ships, and only the branch and the head on it are trained.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from core.nlp import surface
from core.nlp.build.corpus import Corpus
from core.nlp.build.minilm import HEADS, LAYERS, SHARED_LAYERS, WIDTH, Weights

MAX_TOKENS = 96
HIDDEN, OUTPUTS = 64, 5
EPOCHS, BATCH, WARM_UP, SEED = 2, 32, 200, 0
LEARNING_RATE = {"branch": 6e-5, "head": 6e-4, "words": 3e-3}
SHUFFLED_TOGETHER = 2048  # texts of about one length share a batch, within so many


@dataclass(frozen=True, slots=True)
class Prepared:
    """A corpus with what the shared layers make of it (all tokens of all texts in one table)."""

    corpus: Corpus
    hidden: NDArray[np.float16]
    starts: NDArray[np.int64]
    shapes: NDArray[np.float32]
    buckets: list[tuple[int, ...]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.starts)


def prepare(corpus: Corpus, session: onnxruntime.InferenceSession, tokenizer: Tokenizer) -> Prepared:
    encoded = [tokenizer.encode(text).ids[:MAX_TOKENS] for text in corpus.texts]
    starts = np.concatenate([[0], np.cumsum([len(ids) for ids in encoded])]).astype(np.int64)
    hidden = np.empty((starts[-1], WIDTH), dtype=np.float16)
    for ids, start in zip(encoded, starts, strict=False):
        hidden[start : start + len(ids)] = session.run(["shared"], {"ids": np.array([ids])})[0][0]
    found = [surface.words(text) for text in corpus.texts]
    shapes = np.stack([surface.shape(text, words) for text, words in zip(corpus.texts, found, strict=True)])
    return Prepared(corpus, hidden, starts, shapes, [surface.buckets(words) for words in found])


class Branch(nn.Module):
    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(weights, number) for number in range(SHARED_LAYERS, LAYERS))
        self.hidden = nn.Linear(2 * WIDTH + len(surface.SHAPE_NAMES), HIDDEN)
        self.out = nn.Linear(HIDDEN, OUTPUTS)
        self.words = nn.EmbeddingBag(surface.BUCKETS, OUTPUTS, mode="sum")
        nn.init.zeros_(self.words.weight)

    def forward(self, batch: "Batch") -> Tensor:
        x = batch.hidden
        with torch.autocast("cpu", torch.bfloat16):
            for layer in self.layers:
                x = layer(x, batch.mask)
        x, mask = x.float(), batch.mask[:, :, None]
        mean = (x * mask).sum(1) / mask.sum(1)
        largest = x.masked_fill(~mask, -1e4).max(1).values
        features = functional.dropout(torch.cat([mean, largest, batch.shapes], 1), 0.1, self.training)
        hidden = functional.dropout(torch.relu(self.hidden(features)), 0.1, self.training)
        shares = functional.dropout(batch.word_shares, 0.3, self.training)
        spoken = self.words(batch.words, batch.word_starts, per_sample_weights=shares)
        outputs: Tensor = self.out(hidden) + spoken
        return outputs


class Layer(nn.Module):
    """One layer of BERT, from the encoder's own weights."""

    def __init__(self, weights: Weights, number: int) -> None:
        super().__init__()
        own = f"encoder.layer.{number}."
        self.query_key_value = _linear(weights, *(f"{own}attention.self.{part}" for part in ("query", "key", "value")))
        self.projected = _linear(weights, f"{own}attention.output.dense")
        self.middle = _norm(weights, f"{own}attention.output.LayerNorm")
        self.wide = _linear(weights, f"{own}intermediate.dense")
        self.narrow = _linear(weights, f"{own}output.dense")
        self.last = _norm(weights, f"{own}output.LayerNorm")

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        rows, tokens, _ = x.shape
        parts = self.query_key_value(x).view(rows, tokens, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        dropout = 0.1 if self.training else 0.0
        attended = functional.scaled_dot_product_attention(
            parts[0], parts[1], parts[2], attn_mask=mask[:, None, None, :], dropout_p=dropout
        )
        attended = attended.transpose(1, 2).reshape(rows, tokens, WIDTH)
        x = self.middle(x + functional.dropout(self.projected(attended), dropout))
        wide = functional.gelu(self.wide(x))
        result: Tensor = self.last(x + functional.dropout(self.narrow(wide), dropout))
        return result


def _linear(weights: Weights, *names: str) -> nn.Linear:
    weight = np.concatenate([weights[f"{name}.weight"] for name in names])
    linear = nn.Linear(weight.shape[1], weight.shape[0])
    linear.weight.data = torch.tensor(weight)
    linear.bias.data = torch.tensor(np.concatenate([weights[f"{name}.bias"] for name in names]))
    return linear


def _norm(weights: Weights, name: str) -> nn.LayerNorm:
    norm = nn.LayerNorm(WIDTH, eps=1e-12)
    norm.weight.data = torch.tensor(weights[f"{name}.weight"].copy())
    norm.bias.data = torch.tensor(weights[f"{name}.bias"].copy())
    return norm


@dataclass(frozen=True, slots=True)
class Batch:
    hidden: Tensor
    mask: Tensor
    shapes: Tensor
    words: Tensor
    word_starts: Tensor
    word_shares: Tensor


def batch_of(prepared: Prepared, rows: NDArray[np.int64]) -> Batch:
    lengths = prepared.lengths[rows]
    hidden = np.zeros((len(rows), lengths.max(), WIDTH), dtype=np.float32)
    mask = np.arange(lengths.max())[None, :] < lengths[:, None]
    for place, row in enumerate(rows):
        hidden[place, : lengths[place]] = prepared.hidden[prepared.starts[row] : prepared.starts[row + 1]]
    words = [prepared.buckets[row] for row in rows]
    counts = np.array([len(found) for found in words])
    return Batch(
        torch.tensor(hidden),
        torch.tensor(mask),
        torch.tensor(prepared.shapes[rows]),
        torch.tensor(np.concatenate(words), dtype=torch.int64),
        torch.tensor(np.concatenate([[0], np.cumsum(counts)[:-1]]), dtype=torch.int64),
        torch.tensor(np.repeat(1 / np.sqrt(counts), counts), dtype=torch.float32),
    )


def train(weights: Weights, comments: Prepared, lines: Prepared) -> Branch:
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # more threads would add up in another order each time
    rng = np.random.default_rng(SEED)
    branch = Branch(weights).train()
    optimizer = _optimizer(branch)
    batches = [batch for _ in range(EPOCHS) for batch in _epoch(comments, lines, rng)]
    for step, (prepared, rows) in enumerate(batches):
        warmth = min(1.0, (step + 1) / WARM_UP) * max(0.02, 1 - step / len(batches))
        for group in optimizer.param_groups:
            group["lr"] = group["top"] * warmth
        optimizer.zero_grad()
        loss = _loss(branch(batch_of(prepared, rows)), prepared.corpus, rows)
        loss.backward()
        nn.utils.clip_grad_norm_(branch.parameters(), 1.0)
        optimizer.step()
    return branch.eval()


def _optimizer(branch: Branch) -> torch.optim.Optimizer:
    head = [*branch.hidden.parameters(), *branch.out.parameters()]
    groups = {"branch": branch.layers.parameters(), "head": head, "words": branch.words.parameters()}
    return torch.optim.AdamW(
        [
            {"params": list(parameters), "top": LEARNING_RATE[name], "weight_decay": 1e-4 if name == "words" else 0.01}
            for name, parameters in groups.items()
        ]
    )


def _epoch(
    comments: Prepared, lines: Prepared, rng: np.random.Generator
) -> Iterator[tuple[Prepared, NDArray[np.int64]]]:
    """Every comment once and every line twice, in batches of one source and of about one length."""
    batches = []
    for prepared, times in ((comments, 1), (lines, 2)):
        rows = rng.permutation(np.tile(np.arange(len(prepared.corpus.texts)), times))
        for chunk in np.array_split(rows, max(1, len(rows) // SHUFFLED_TOGETHER)):
            ordered = chunk[np.argsort(prepared.lengths[chunk], kind="stable")]
            batches += [(prepared, part) for part in np.array_split(ordered, max(1, len(ordered) // BATCH))]
    return (batches[place] for place in rng.permutation(len(batches)))


def _loss(outputs: Tensor, corpus: Corpus, rows: NDArray[np.int64]) -> Tensor:
    label, frustration, urgency, weight, urgency_weight = (
        torch.tensor(column[rows])
        for column in (
            corpus.labels,
            corpus.frustration,
            corpus.urgency,
            corpus.weight,
            corpus.urgency_weight,
        )
    )
    feeling = -(label * outputs[:, :3].log_softmax(1)).sum(1)
    anger = functional.binary_cross_entropy_with_logits(outputs[:, 3], frustration, reduction="none")
    hurry = functional.binary_cross_entropy_with_logits(outputs[:, 4], urgency, reduction="none")
    return (weight * (feeling + 0.5 * anger) + 0.5 * urgency_weight * hurry).mean()


def layer_weights(layers: Iterable[nn.Module], stack: str) -> Weights:
    """The trained upper layers under MiniLM's own names, with `stack` in place of "encoder"."""
    weights: Weights = {}

    def put(name: str, part: nn.Linear | nn.LayerNorm) -> None:
        weights[f"{name}.weight"] = part.weight.detach().numpy()
        weights[f"{name}.bias"] = part.bias.detach().numpy()

    for number, layer in zip(range(SHARED_LAYERS, LAYERS), layers, strict=True):
        own = f"{stack}.layer.{number}."
        for place, key in enumerate(("query", "key", "value")):
            rows = slice(place * WIDTH, (place + 1) * WIDTH)
            weights[f"{own}attention.self.{key}.weight"] = layer.query_key_value.weight.detach().numpy()[rows]
            weights[f"{own}attention.self.{key}.bias"] = layer.query_key_value.bias.detach().numpy()[rows]
        put(f"{own}attention.output.dense", layer.projected)
        put(f"{own}attention.output.LayerNorm", layer.middle)
        put(f"{own}intermediate.dense", layer.wide)
        put(f"{own}output.dense", layer.narrow)
        put(f"{own}output.LayerNorm", layer.last)
    return weights


def head_arrays(branch: Branch) -> dict[str, NDArray[np.generic]]:
    """What `core.nlp.sentiment.SentimentModel` reads, less the temperature."""
    return {
        "hidden": branch.hidden.weight.detach().numpy().T.astype(np.float16),
        "hidden_bias": branch.hidden.bias.detach().numpy(),
        "out": branch.out.weight.detach().numpy().T.astype(np.float16),
        "out_bias": branch.out.bias.detach().numpy(),
        "words": branch.words.weight.detach().numpy().astype(np.float16),
    }
