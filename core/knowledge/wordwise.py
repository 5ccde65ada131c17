"""How well an article fits a message word by word: late interaction, as in ColBERT (Khattab and Zaharia 2020).

A vector of a whole text blurs what one word of the question changes. Here every word piece of the message looks for
the one in the article that means most nearly the same where it stands, and rare ones count for more. That takes too
long for every article, but not for the ten that vectors and words put first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.knowledge.reader import LONGEST_ASKING, Page
from core.knowledge.space import Matrix
from core.nlp.tokens import NO_TOKENS, SCALE, Tokens

_VOCABULARY = 1 << 16
_SAYS_SOMETHING = 0.5  # of the greatest weight among the message's word pieces


@dataclass(frozen=True, slots=True)
class Fits:
    """A number an article. `whole` is the weighted mean over the message's word pieces of their best cosine in the
    article, `asked` the same in the nearest single title, question or heading; `weakest` is the best cosine of the
    worst word piece among those that say something."""

    whole: Matrix
    asked: Matrix
    weakest: Matrix


@dataclass(frozen=True, slots=True)
class _Seen:
    """An article's views, one after the other, passages last: where each begins, and how many are no passages."""

    tokens: Tokens
    starts: NDArray[np.intp]
    asking: int

    def page(self, passage: int) -> Page:
        borders = [*self.starts.tolist(), len(self.tokens)]
        begin = min(self.asking + passage, len(borders) - 1)
        end = borders[min(begin + 1, len(borders) - 1)]
        asking = min(borders[self.asking], LONGEST_ASKING)
        return Page(self.tokens[:asking], self.tokens[borders[begin] : end])


class Wordwise:
    """Built from the word pieces of each article's titles, questions and headings, and of its passages."""

    def __init__(self, articles: Sequence[tuple[Sequence[Tokens], Sequence[Tokens]]]) -> None:
        self._articles = [_seen(asking, passages) for asking, passages in articles]
        holders = np.zeros(_VOCABULARY, dtype=np.float32)
        for article in self._articles:
            holders[np.unique(article.tokens.ids)] += 1
        # Okapi's idf, over articles; never quite nothing.
        self._weights = np.log1p((len(articles) - holders + 0.5) / (holders + 0.5)) + np.float32(1e-3)

    def rarity(self, message: Tokens) -> Matrix:
        """The weight of each word piece."""
        return np.asarray(self._weights[message.ids], dtype=np.float32)

    def page(self, article: int, passage: int) -> Page:
        """What is to be read of an article for a message that this passage of it is nearest to."""
        return self._articles[article].page(passage)

    def fits(self, message: Tokens, articles: Sequence[int], otherwise: Matrix) -> Fits:
        """Of the articles named by their places. `otherwise` stands for what has no word pieces to compare."""
        seen = [self._articles[number] for number in articles]
        if not len(message) or not seen or any(not len(article.tokens) for article in seen):
            return Fits(otherwise, otherwise, otherwise)
        weights = self.rarity(message)
        share = weights / weights.sum()
        counts = np.array([len(article.tokens) for article in seen])
        begins = np.cumsum(counts) - counts
        every = np.concatenate([article.tokens.vectors for article in seen]).astype(np.float32)
        cosines = (message.vectors.astype(np.float32) @ every.T) / np.float32(SCALE * SCALE)
        starts = np.concatenate([article.starts + begin for article, begin in zip(seen, begins, strict=True)])
        views = np.maximum.reduceat(cosines, starts, axis=1)
        sizes = np.array([len(article.starts) for article in seen])
        firsts = np.cumsum(sizes) - sizes
        best = np.maximum.reduceat(views, firsts, axis=1)
        whole, single = share @ best, share @ views
        asked = np.array(
            [
                single[first : first + article.asking].max(initial=-1.0) if article.asking else fit
                for article, first, fit in zip(seen, firsts, whole, strict=True)
            ],
            dtype=np.float32,
        )
        return Fits(whole, asked, best[weights >= _SAYS_SOMETHING * weights.max()].min(axis=0))


def _seen(asking: Sequence[Tokens], passages: Sequence[Tokens]) -> _Seen:
    asking, passages = ([tokens for tokens in views if len(tokens)] for views in (asking, passages))
    views = [*asking, *passages]
    if not views:
        return _Seen(NO_TOKENS, np.zeros(0, dtype=np.intp), 0)
    lengths = np.array([len(tokens) for tokens in views])
    return _Seen(Tokens.joined(views), np.cumsum(lengths) - lengths, len(asking))
