import pytest

from core.knowledge.lexical import Words, content_words
from core.knowledge.relevance import Terms, ranking

ABROAD = [
    ("", "We deliver to 14 countries."),
    ("Prices", "- Zone 1 — Countries: Ireland, France; Price: £9\n- Zone 2 — Countries: Spain; Price: £13"),
    ("Customs", "All duties are paid by us. The courier of the Royal Mail asks you for nothing."),
    ("Countries we do not deliver to", "No, we do not ship to the USA, Canada or any other country."),
]


def best(question: str, closeness: list[float], pages: list[tuple[str, str]] = ABROAD) -> str:
    words = Words()
    terms = [Terms.of(heading, body, words) for heading, body in pages]
    return pages[ranking(content_words(question, words), terms, closeness)[0]][0]


@pytest.mark.parametrize(
    ("question", "closeness", "heading"),
    [
        ("do you ship to france", [0.5, 0.5, 0.4, 0.6], "Prices"),
        ("do you ship to the usa", [0.5, 0.5, 0.4, 0.6], "Countries we do not deliver to"),
        ("will the courier want duties", [0.6, 0.5, 0.5, 0.5], "Customs"),
        ("anything at all", [0.4, 0.4, 0.6, 0.3], "Customs"),
        ("anything at all", [0.5, 0.4, 0.52, 0.3], ""),
    ],
)
def test_words_and_vectors_choose_the_passage_together(question: str, closeness: list[float], heading: str) -> None:
    assert best(question, closeness) == heading


def test_a_refusal_answers_only_what_it_names() -> None:
    """However near its vector is."""
    assert best("do you ship to france", [0.2, 0.2, 0.1, 0.99]) == "Prices"


def test_a_word_that_is_a_name_only_sometimes_is_no_name() -> None:
    pages = [
        ("", "Pay with Visa, Apple Pay or a card. We do not take coins, so pay by card."),
        ("Cash", "Cash is fine."),
    ]
    words = Words()
    terms = [Terms.of(heading, body, words) for heading, body in pages]
    assert "pay" in terms[0].names & terms[0].common
    assert best("can I pay cash", [0.5, 0.5], pages) == "Cash"


def test_of_one_passage_or_none() -> None:
    assert ranking(["france"], [Terms.of("", "No.", Words())], [0.1]) == [0]
    assert ranking(["france"], [], []) == []
