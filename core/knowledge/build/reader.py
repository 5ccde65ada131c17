# torch is installed for building only.
# mypy: disable-error-code="import-not-found,misc,no-any-return"
"""Trains the reader: `python -m core.knowledge.build.reader` (`make models`), a quarter of an hour on one core.

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
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.knowledge.build.confidence import indexed
from core.knowledge.index import IndexedArticle, KnowledgeIndex
from core.knowledge.reader import HEADS, LONGEST_ASKING, LONGEST_MESSAGE, LONGEST_PAGE, SHIPPED, Page
from core.knowledge.sources import read_folder
from core.nlp.build.meaning import TRADES, digest
from core.nlp.encoder import Encoder
from core.nlp.tokens import NO_TOKENS, SCALE, WIDTH, Tokens

SAMPLE = SHIPPED.with_suffix(".sample.jsonl")
HIDDEN = 128
SEEN = 6  # articles at a time, more than are read when it serves: the last ones are easy, and teach that too
EPOCHS, WARM_UP, SEED = 6, 60, 0
LEARNING_RATE, DECAY, DROPOUT = 1e-3, 0.01, 0.1
LEFT_OUT, FEWEST, FEWEST_KEPT = 0.7, 8, 0.6  # how often articles are left out, and how many stay at least


@dataclass(frozen=True, slots=True)
class Texts:
    """Word pieces of several texts, padded to one length. `kinds`: 1 in a passage, else 0."""

    vectors: Tensor
    present: Tensor
    kinds: Tensor


@dataclass(frozen=True, slots=True)
class Trade:
    """`ranked`: for each question all articles, the likeliest first. `right`: (questions, articles)."""

    questions: Texts
    rarity: Tensor
    articles: Texts
    ranked: NDArray[np.int64]
    right: NDArray[np.bool_]


class Network(nn.Module):
    """What `core.knowledge.reader.Reader` computes, with the same names."""

    def __init__(self) -> None:
        super().__init__()
        self.kind = nn.Embedding(2, WIDTH)
        nn.init.zeros_(self.kind.weight)
        self.qp, self.kp, self.vp = (nn.Linear(WIDTH, HIDDEN) for _ in range(3))
        self.inp, self.n0 = nn.Linear(WIDTH + HIDDEN + 5, HIDDEN), nn.LayerNorm(HIDDEN)
        self.sqkv, self.so, self.n1 = nn.Linear(HIDDEN, 3 * HIDDEN), nn.Linear(HIDDEN, HIDDEN), nn.LayerNorm(HIDDEN)
        self.q2, self.o2, self.n2 = nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, HIDDEN), nn.LayerNorm(HIDDEN)
        self.k2, self.v2 = nn.Linear(WIDTH, HIDDEN), nn.Linear(WIDTH, HIDDEN)
        self.f1, self.f2, self.n3 = nn.Linear(HIDDEN, 2 * HIDDEN), nn.Linear(2 * HIDDEN, HIDDEN), nn.LayerNorm(HIDDEN)
        self.pool = nn.Linear(HIDDEN, 1)
        self.h, self.out = nn.Linear(3 * HIDDEN + 3, HIDDEN), nn.Linear(HIDDEN, 1)

    def forward(self, asked: Texts, rarity: Tensor, pages: Texts, page_of: Tensor) -> Tensor:
        """A logit for each row of `asked`, which is put to the page that `page_of` names."""
        present, there = asked.present, pages.present[page_of]
        passage = pages.kinds[page_of][:, None] == 1
        cosines = (asked.vectors @ pages.vectors[page_of].transpose(1, 2)).masked_fill(~there[:, None], -1.0)
        asking, told = cosines.masked_fill(passage, -1.0).amax(2), cosines.masked_fill(~passage, -1.0).amax(2)
        best = torch.maximum(asking, told)
        share = rarity * present
        share = share / share.sum(1, keepdim=True).clamp(min=1e-6)
        page = pages.vectors + self.kind(pages.kinds)
        seen = _attend(self.qp(asked.vectors), self.kp(page)[page_of], self.vp(page)[page_of], there)
        numbers = torch.stack([rarity / 4, asking, told, best, share * 5], 2)
        x = self.n0(_gelu(self.inp(torch.cat([asked.vectors, seen, numbers], 2))))
        x = self._thought_over(self._dropped(x), present, page, page_of, there)
        telling = self.pool(x)[..., 0].masked_fill(~present, -1e4).softmax(1)
        pooled = [(x * share[..., None]).sum(1), x.masked_fill(~present[..., None], -1e4).amax(1)]
        pooled += [
            (x * telling[..., None]).sum(1),
            *((part * share).sum(1, keepdim=True) for part in (best, asking, told)),
        ]
        logits: Tensor = self.out(self._dropped(_gelu(self.h(torch.cat(pooled, 1)))))[:, 0]
        return logits

    def _thought_over(self, x: Tensor, present: Tensor, page: Tensor, page_of: Tensor, there: Tensor) -> Tensor:
        query, key, value = self.sqkv(x).chunk(3, -1)
        x = self.n1(x + self._dropped(self.so(_attend(query, key, value, present))))
        again = _attend(self.q2(x), self.k2(page)[page_of], self.v2(page)[page_of], there)
        x = self.n2(x + self._dropped(self.o2(again)))
        return self.n3(x + self._dropped(self.f2(_gelu(self.f1(x)))))

    def _dropped(self, x: Tensor) -> Tensor:
        return functional.dropout(x, DROPOUT, self.training)


def _attend(query: Tensor, key: Tensor, value: Tensor, there: Tensor) -> Tensor:
    rows, words, width = query.shape
    by_head = (part.reshape(rows, -1, HEADS, width // HEADS).transpose(1, 2) for part in (query, key, value))
    attended = functional.scaled_dot_product_attention(*by_head, attn_mask=there[:, None, None])
    return attended.transpose(1, 2).reshape(rows, words, width)


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
    index = KnowledgeIndex(articles)
    asked = [json.loads(line) for line in (place / "questions.jsonl").read_text("utf-8").splitlines()]
    meanings = await encoder.read_many([question["text"] for question in asked])
    number = {article.id: place for place, article in enumerate(articles)}
    ranked = []
    for question, meaning in zip(asked, meanings, strict=True):
        # By score, which owes nothing to the reader. Copies of an article are no hits: they come last.
        hits = sorted(index.search(question["text"], meaning, k=len(articles)).hits, key=lambda hit: -hit.score)
        first = [number[hit.article.id] for hit in hits]
        ranked.append(first + [other for other in range(len(articles)) if other not in first])
    right = np.array([[article.id in question["expected"] for article in articles] for question in asked])
    tokens = [meaning.tokens for meaning in meanings]
    rarity = [torch.from_numpy(index.rarity(each)[:LONGEST_MESSAGE]) for each in tokens]
    pages = [page_of(article) for article in articles]
    return Trade(
        _texts([(each, NO_TOKENS) for each in tokens], LONGEST_MESSAGE),
        nn.utils.rnn.pad_sequence(rarity, batch_first=True),
        _texts([(page.asking, page.passage) for page in pages], LONGEST_PAGE),
        np.array(ranked),
        right,
    )


def page_of(article: IndexedArticle) -> Page:
    """All of an article: the businesses' articles are short."""
    asking = [view.tokens for view in article.views if view.kind != "passage"]
    passages = [view.tokens for view in article.views if view.kind == "passage"]
    return Page(Tokens.joined(asking)[:LONGEST_ASKING], Tokens.joined(passages))


def _texts(parts: Sequence[tuple[Tokens, Tokens]], longest: int) -> Texts:
    vectors, kinds = [], []
    for first, second in parts:
        both = Tokens.joined([first, second])
        vectors.append(torch.from_numpy(both.vectors[:longest].astype(np.float32) / np.float32(SCALE)))
        kinds.append(torch.tensor([0] * len(first) + [1] * len(second))[:longest])
    lengths = torch.tensor([len(text) for text in vectors])
    padded = nn.utils.rnn.pad_sequence(vectors, batch_first=True)
    present = torch.arange(padded.shape[1])[None] < lengths[:, None]
    return Texts(padded, present, nn.utils.rnn.pad_sequence(kinds, batch_first=True))


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
    row = torch.arange(len(chosen)).repeat_interleave(chosen.shape[1])
    asked = trade.questions
    texts = Texts(asked.vectors[row], asked.present[row], asked.kinds[row])
    logits: Tensor = network(texts, trade.rarity[row], trade.articles, torch.from_numpy(chosen.reshape(-1)))
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
    """The weights, and beside them what PyTorch computes with them for one business."""
    for part in network.parameters():
        part.data = part.data.half().float()
    weights = {name: part.detach().numpy().astype(np.float16) for name, part in network.named_parameters()}
    np.savez(out, made_of=digest(), **weights)
    lines = (json.dumps(row) + "\n" for row in sample(network, shown))
    out.with_name(SAMPLE.name).write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
