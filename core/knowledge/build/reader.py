# torch and onnx are installed for building only.
# mypy: disable-error-code="import-not-found,misc,no-any-return"
"""Trains the reader: `python -m core.knowledge.build.reader` (`make models`), under half an hour on one core.

It learns from the invented businesses in tests/data/trades/reader alone, so that every other knowledge base says how it
does on one that it has never seen. Each question is put to its business's articles, the likeliest six at a time. In two
of three turns some articles are left out, often the right one too: then none of the six answers, however near it looks.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.knowledge.build.confidence import indexed
from core.knowledge.index import IndexedArticle, KnowledgeIndex
from core.knowledge.reader import (
    ASKING,
    BEYOND,
    LONGEST_ASKING,
    LONGEST_MESSAGE,
    MADE_OF,
    PASSAGE,
    SHIPPED,
    Page,
    readable,
    side_by_side,
)
from core.knowledge.sources import read_folder
from core.nlp.build.meaning import TRADES, digest
from core.nlp.encoder import Encoder
from core.nlp.tokens import WIDTH, Tokens

SAMPLE = SHIPPED.with_suffix(".sample.jsonl")
HIDDEN, HEADS = 128, 4
ABSENT = -1.0  # the cosine to a kind of text that the page has none of
OPSET = 18
SEEN = 6  # articles at a time, more than are read when it serves: the last ones are easy, and teach that too
EPOCHS, WARM_UP, SEED = 4, 60, 0
LEARNING_RATE, DECAY, DROPOUT = 1e-3, 0.01, 0.1
LEFT_OUT, FEWEST, FEWEST_KEPT = 0.7, 8, 0.6  # how often articles are left out, and how many stay at least


@dataclass(frozen=True, slots=True)
class Trade:
    """A business's questions and articles as the network takes them, padded to one length each. `ranked`: for each
    question all articles, the likeliest first. `right`: (questions, articles)."""

    asked: Tensor
    rarity: Tensor
    pages: Tensor
    kinds: Tensor
    ranked: NDArray[np.int64]
    right: NDArray[np.bool_]


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.kind = nn.Embedding(2, WIDTH)
        nn.init.zeros_(self.kind.weight)
        self.first_look, self.second_look = Attention(WIDTH), Attention(HIDDEN)
        self.taken_in, self.taken_in_norm = nn.Linear(WIDTH + HIDDEN + 5, HIDDEN), nn.LayerNorm(HIDDEN)
        self.to_each_other, self.from_each_other = nn.Linear(HIDDEN, 3 * HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.second_out = nn.Linear(HIDDEN, HIDDEN)
        self.wide, self.narrow = nn.Linear(HIDDEN, 2 * HIDDEN), nn.Linear(2 * HIDDEN, HIDDEN)
        self.norms = nn.ModuleList(nn.LayerNorm(HIDDEN) for _ in range(3))
        self.telling = nn.Linear(HIDDEN, 1)
        self.weighed, self.verdict = nn.Linear(3 * HIDDEN + 3, HIDDEN), nn.Linear(HIDDEN, 1)

    def forward(self, asked: Tensor, rarity: Tensor, page: Tensor, kind: Tensor) -> Tensor:
        """A logit a row. The message's word pieces are `asked`, (rows, words, 64), with the idf of each in `rarity`,
        nothing beyond the end; those of the article are `page`, (rows, length, 64), with what each belongs to."""
        absent, beyond = _hidden(rarity <= 0), _hidden(kind == BEYOND)
        cosines = asked @ page.transpose(1, 2)
        to_asking, to_passage = (
            cosines.masked_fill((kind != part)[:, None], ABSENT).amax(2) for part in (ASKING, PASSAGE)
        )
        best = torch.maximum(to_asking, to_passage)
        share = rarity / rarity.sum(1, keepdim=True).clamp(min=1e-6)
        page = page + self.kind(kind.clamp(min=0))
        numbers = torch.stack([rarity / 4, to_asking, to_passage, best, share * 5], 2)
        x = torch.cat([asked, self.first_look(asked, page, beyond), numbers], 2)
        x = self._thought_over(self._dropped(self.taken_in_norm(_gelu(self.taken_in(x)))), absent, page, beyond)
        telling = (self.telling(x)[..., 0] + absent[:, 0]).softmax(1)
        pooled = [(share[:, None] @ x)[:, 0], (x + absent.transpose(1, 2)).amax(1), (telling[:, None] @ x)[:, 0]]
        pooled += [(part * share).sum(1, keepdim=True) for part in (best, to_asking, to_passage)]
        logits: Tensor = self.verdict(self._dropped(_gelu(self.weighed(torch.cat(pooled, 1)))))[:, 0]
        return logits

    def _thought_over(self, x: Tensor, absent: Tensor, page: Tensor, beyond: Tensor) -> Tensor:
        query, key, value = (_heads(part) for part in self.to_each_other(x).chunk(3, -1))
        scores = query @ key.transpose(2, 3) / sqrt(HIDDEN // HEADS) + absent[:, None]
        heard = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
        x = self.norms[0](x + self._dropped(self.from_each_other(heard)))
        x = self.norms[1](x + self._dropped(self.second_out(self.second_look(x, page, beyond))))
        return self.norms[2](x + self._dropped(self.narrow(_gelu(self.wide(x)))))

    def _dropped(self, x: Tensor) -> Tensor:
        return functional.dropout(x, DROPOUT, self.training)


class Attention(nn.Module):
    """From a message's word pieces to an article's. The keys' projection is applied to the queries and the values' to
    what was gathered: the same numbers, and a message has a tenth of an article's word pieces."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, HIDDEN)
        self.key, self.value = nn.Linear(WIDTH, HIDDEN, bias=False), nn.Linear(WIDTH, HIDDEN)

    def forward(self, x: Tensor, page: Tensor, beyond: Tensor) -> Tensor:
        keys, values = (part.weight.view(HEADS, -1, WIDTH) for part in (self.key, self.value))
        queries = (self.query(x) / sqrt(HIDDEN // HEADS)).chunk(HEADS, -1)
        # All heads as one table: few large multiplications.
        looking = torch.cat([query @ key for query, key in zip(queries, keys, strict=True)], 1)
        gathered = ((looking @ page.transpose(1, 2) + beyond).softmax(-1) @ page).view(x.shape[0], HEADS, -1, WIDTH)
        found = [gathered[:, head] @ value.T for head, value in enumerate(values)]
        return torch.cat(found, -1) + self.value.bias


def _hidden(where: Tensor) -> Tensor:
    """(rows, 1, places): what to add to a score there."""
    return torch.where(where, -1e4, 0.0)[:, None]


def _heads(x: Tensor) -> Tensor:
    return x.view(x.shape[0], -1, HEADS, HIDDEN // HEADS).transpose(1, 2)


def _gelu(x: Tensor) -> Tensor:
    return functional.gelu(x, approximate="tanh")


async def read_trades(places: Sequence[Path]) -> list[Trade]:
    encoder = Encoder(2)
    try:
        return [await _trade(place, encoder) for place in places]
    finally:
        encoder.close()


async def _trade(place: Path, encoder: Encoder) -> Trade:
    articles = await indexed(read_folder(place / "knowledge"), encoder)
    index = KnowledgeIndex(articles, read=False)
    asked = [json.loads(line) for line in (place / "questions.jsonl").read_text("utf-8").splitlines()]
    meanings = await encoder.read_many([question["text"] for question in asked])
    number = {article.id: place for place, article in enumerate(articles)}
    ranked = []
    for question, meaning in zip(asked, meanings, strict=True):
        # Copies of an article are no hits: they come last.
        hits = index.search(question["text"], meaning, k=len(articles)).hits
        first = [number[hit.article.id] for hit in hits]
        ranked.append(first + [other for other in range(len(articles)) if other not in first])
    right = np.array([[article.id in question["expected"] for article in articles] for question in asked])
    tokens = [meaning.tokens for meaning in meanings]
    rarity = [torch.from_numpy(index.rarity(each)[:LONGEST_MESSAGE]) for each in tokens]
    pages, kinds = map(torch.from_numpy, side_by_side([page_of(article) for article in articles]))
    return Trade(
        _padded([torch.from_numpy(readable(each.vectors[:LONGEST_MESSAGE])) for each in tokens]),
        _padded(rarity),
        pages,
        kinds,
        np.array(ranked),
        right,
    )


def page_of(article: IndexedArticle) -> Page:
    """All of an article: the businesses' articles are short."""
    asking = [view.tokens for view in article.views if view.kind != "passage"]
    passages = [view.tokens for view in article.views if view.kind == "passage"]
    return Page(Tokens.joined(asking)[:LONGEST_ASKING], Tokens.joined(passages))


def _padded(texts: Sequence[Tensor]) -> Tensor:
    return nn.utils.rnn.pad_sequence(texts, batch_first=True)


def train(trades: Sequence[Trade]) -> Network:
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # more threads would add up in another order each time
    rng = np.random.default_rng(SEED)
    network = Network().train()
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=DECAY)
    steps = EPOCHS * len(trades)
    for step, trade in enumerate(_turns(trades, rng)):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / WARM_UP) * max(0.03, 1 - step / steps)
        optimizer.zero_grad()
        loss = _loss(network, trade, rng)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if step % len(trades) == 0:
            sys.stderr.write(f"{step // len(trades)} of {EPOCHS}: {loss.item():.3f}\n")
    return network.eval()


def _turns(trades: Sequence[Trade], rng: np.random.Generator) -> Iterator[Trade]:
    for _ in range(EPOCHS):
        yield from (trades[place] for place in rng.permutation(len(trades)))


def _loss(network: Network, trade: Trade, rng: np.random.Generator) -> Tensor:
    """The negative log probability of the right articles among the six and "none of these"."""
    kept = np.ones(trade.right.shape[1], dtype=bool)
    if rng.random() < LEFT_OUT:
        most = max(FEWEST, int(len(kept) * rng.uniform(FEWEST_KEPT, 1)))
        kept[rng.permutation(len(kept))[most:]] = False
    # The right ones that stay are always among the six: stable, so that the others keep their order.
    rows = np.arange(len(trade.ranked))[:, None]
    rank = np.where(kept[trade.ranked], 1, 2) - trade.right[rows, trade.ranked] * kept[trade.ranked]
    six = np.take_along_axis(trade.ranked, np.argsort(rank, axis=1, kind="stable")[:, :SEEN], axis=1)
    right = torch.from_numpy(trade.right[rows, six] & kept[six])
    logits = logits_of(network, trade, six).masked_fill(~torch.from_numpy(kept[six]), -1e4)
    chances = torch.cat([logits, torch.zeros(len(logits), 1)], 1).log_softmax(1)
    hoped = torch.cat([right, ~right.any(1, keepdim=True)], 1)
    return -chances.masked_fill(~hoped, -1e4).logsumexp(1).mean()


def logits_of(network: Network, trade: Trade, chosen: NDArray[np.int64]) -> Tensor:
    """Of each question's chosen articles."""
    row, page = torch.arange(len(chosen)).repeat_interleave(chosen.shape[1]), torch.from_numpy(chosen.reshape(-1))
    logits: Tensor = network(trade.asked[row], trade.rarity[row], trade.pages[page], trade.kinds[page])
    return logits.view(chosen.shape)


def sample(network: Network, trade: Trade) -> list[dict[str, object]]:
    """What PyTorch computes for one business: a test compares what is served with it."""
    with torch.no_grad():
        logits = logits_of(network, trade, trade.ranked[:, :SEEN])
    return [{"question": n, "logits": [round(float(x), 3) for x in row]} for n, row in enumerate(logits)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m core.knowledge.build.reader", description=__doc__)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    given = parser.parse_args()
    trades = asyncio.run(read_trades(sorted(place for place in TRADES.iterdir() if place.is_dir())))
    write(train(trades), trades[0], given.out)


def write(network: Network, shown: Trade, out: Path) -> None:
    """The network, and beside it what PyTorch computes with it for one business."""
    _export(network, (shown.asked[:2], shown.rarity[:2], shown.pages[:2], shown.kinds[:2]), out)
    lines = (json.dumps(row) + "\n" for row in sample(network.eval(), shown))
    out.with_name(SAMPLE.name).write_text("".join(lines), encoding="utf-8")


def _export(network: Network, example: tuple[Tensor, ...], out: Path) -> None:
    rows, words, length = "rows", "words", "length"
    shapes = {"asked": (rows, words), "rarity": (rows, words), "page": (rows, length), "kind": (rows, length)}
    torch.onnx.export(
        network,
        example,
        out,
        dynamo=False,  # the newer exporter asks for a package more, and fixes shapes that vary here
        input_names=list(shapes),
        output_names=["logit"],
        dynamic_axes={name: dict(enumerate(axes)) for name, axes in shapes.items()} | {"logit": {0: rows}},
        opset_version=OPSET,
    )
    model = onnx.load(out)
    onnx.helper.set_model_props(model, {MADE_OF: digest()})
    onnx.save(model, out)


if __name__ == "__main__":
    main()
