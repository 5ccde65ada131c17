from collections.abc import Sequence

import numpy as np
import pytest

from core.knowledge.wordwise import Wordwise
from core.nlp.encoder import Encoder
from core.nlp.tokens import NO_TOKENS, WIDTH, Tokens

NOTHING = np.full(2, 0.25, dtype=np.float32)


def tokens(*pieces: tuple[int, int]) -> Tokens:
    """Word pieces as (id, meaning): of two meanings the cosine is 1 if they are the same, else 0."""
    vectors = np.zeros((len(pieces), WIDTH), dtype=np.int8)
    for row, (_, meaning) in enumerate(pieces):
        vectors[row, meaning] = 127
    return Tokens(np.array([number for number, _ in pieces], dtype=np.uint16), vectors)


def fits(message: Tokens, *articles: tuple[Sequence[Tokens], Sequence[Tokens]]) -> list[list[float]]:
    found = Wordwise(articles).fits(message, range(len(articles)), NOTHING[: len(articles)])
    return [np.round(values, 2).tolist() for values in (found.whole, found.asked, found.weakest)]


def test_every_word_looks_for_its_like_anywhere_in_the_article() -> None:
    message = tokens((1, 1), (2, 2))
    apart = [tokens((1, 1))], [tokens((2, 2))]
    half = [tokens((1, 1), (7, 7))], [tokens((8, 8))]
    whole, asked, weakest = fits(message, apart, half)
    assert whole[0] == 1
    assert whole[1] < 1
    assert asked[0] == asked[1] < 1  # no single question says both
    assert weakest == [1, 0]


def test_a_rare_word_counts_for_more_than_one_that_all_articles_have() -> None:
    message = tokens((1, 1), (2, 2))
    has_rare = [tokens((1, 1))], ()
    has_common = [tokens((2, 2))], ()
    others = [([tokens((2, 9))], ())] * 6
    whole, _, _ = fits(message, has_rare, has_common, *others)
    assert whole[0] > 0.75 > 0.25 > whole[1]


def test_an_article_without_questions_is_judged_by_what_it_says() -> None:
    whole, asked, _ = fits(tokens((1, 1)), ((), [tokens((1, 1))]), ([tokens((3, 3))], ()))
    assert asked == whole == [1, 0]


@pytest.mark.parametrize("message", [NO_TOKENS, tokens((1, 1))])
def test_where_there_is_nothing_to_compare_vectors_decide(message: Tokens) -> None:
    """Articles stored before word pieces were kept, and messages that are empty."""
    assert fits(message, ([NO_TOKENS], []), ([tokens((1, 1))], [])) == [[0.25, 0.25]] * 3


def test_stored_tokens_are_read_back() -> None:
    kept = tokens((30_521, 5), (0, 63))
    assert len(kept.to_bytes()) == 2 * 66
    again = Tokens.from_bytes(kept.to_bytes())
    assert again.ids.tolist() == [30_521, 0]
    assert np.array_equal(again.vectors, kept.vectors)


async def test_the_encoder_gives_a_word_its_meaning_in_place(encoder: Encoder) -> None:
    """One row a word piece, the special ones left out; "bank" beside money is not "bank" beside a river."""
    money, loan, river = await encoder.read_many(["bank account", "bank loan", "bank of the river"])
    assert [len(meaning.tokens) for meaning in (money, loan, river)] == [2, 2, 4]
    first = [meaning.tokens.vectors[0].astype(float) / 127 for meaning in (money, loan, river)]
    assert first[0] @ first[0] == pytest.approx(1, abs=0.02)
    assert first[0] @ first[1] > first[0] @ first[2]
    assert np.array_equal((await encoder.encode("bank account")).tokens.vectors, money.tokens.vectors)


async def test_sixty_four_bytes_keep_which_word_pieces_are_alike(encoder: Encoder) -> None:
    texts = ["Where is my parcel?", "Can I send back the lamp?", "the lamp was cracked when I unpacked it"]
    upper = np.concatenate([encoder.upper_now(text)[1:-1] for text in texts])
    upper /= np.linalg.norm(upper, axis=1, keepdims=True)
    kept = np.concatenate([encoder.read_now(text).tokens.vectors.astype(float) / 127 for text in texts])
    exact, near = (table @ table.T for table in (upper - upper.mean(axis=0), kept))
    apart = ~np.eye(len(upper), dtype=bool)
    assert np.corrcoef(exact[apart], near[apart])[0, 1] > 0.8
