import threading

import pytest

from core.knowledge.copies import copy_groups
from core.knowledge.lexical import Lexicon, Words, content_words


def test_stems_and_rare_words_decide() -> None:
    lexicon = Lexicon(["Returning an order is free.", "Error E-1042 means your card expired.", "We deliver orders."])
    assert lexicon.match("what is error e-1042").scores.argmax() == 1
    assert lexicon.match("can I return it").scores.argmax() == 0
    assert lexicon.match("delivery of orders").scores.argmax() == 2


def test_coverage_and_unknown_words() -> None:
    lexicon = Lexicon(["reset your password", "pay by card"])
    match = lexicon.match("reset netflix password please")
    assert match.coverage[0] > 0.3
    assert match.coverage[1] == 0
    assert match.coverage[0] + match.unknown == pytest.approx(1)
    assert lexicon.match("please").unknown == 0
    assert lexicon.match("").scores.tolist() == [0, 0]


def test_scores_stay_between_nothing_and_one() -> None:
    lexicon = Lexicon(["card " * 500, "card", ""])
    scores = lexicon.match("card").scores
    assert 0 == scores[2] < scores.min(initial=1, where=scores > 0)
    assert scores.max() <= 1


def test_a_lexicon_of_nothing() -> None:
    assert Lexicon([]).match("anything").scores.shape == (0,)


def test_one_splitter_serves_many_threads() -> None:
    words, found = Words(), []
    threads = [threading.Thread(target=lambda: found.append(words("Returning orders"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["return", "order"]] * 8


def test_words_without_meaning_are_dropped() -> None:
    assert content_words("Hello, can you tell me how returns work please?", Words()) == ["return", "work"]


def test_copies_are_grouped_but_codes_keep_apart() -> None:
    page = frozenset(f"word{'abcdefghijklmnopqrstuvwxyz'[n % 26]}{'abcdefghij'[n // 26]}" for n in range(100))
    changed = (page - {"wordaa"}) | {"another"}
    half = frozenset(sorted(page)[:50])
    assert copy_groups([page, changed, half, page | {"e1042"}, page | {"e1043"}, page]).tolist() == [0, 0, 2, 3, 4, 0]
    assert copy_groups([frozenset(), frozenset()]).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("my printer says j104", [1, -1, -1]),
        ("J104 or J117?", [1, 1, -1]),
        ("code J999", [-1, -1, -1]),
        ("J104, and J999", [1, -1, -1]),
        ("error L20", [0, 0, 0]),  # two articles hold it
        ("order 48213377 of 2024 came 10am, 2nd delay", [0, 0, 0]),
        ("serial 3TX99812K", [0, 0, 0]),  # no article has codes of this kind
    ],
)
def test_a_code_names_the_article_that_alone_holds_it(text: str, named: list[int]) -> None:
    lexicon = Lexicon(["J104 is a jam of the L20", "J117 is a jam of the tray", "The L20 prints in 2024 or by 10am"])
    assert lexicon.match(text).named.tolist() == named


def test_copies_are_named_together() -> None:
    lexicon = Lexicon(["error j104 jam", "error j104 jam", "error j117 jam"])
    assert lexicon.match("j104").named.tolist() == [1, 1, -1]


def test_somebodys_own_number_is_no_unknown_word() -> None:
    lexicon = Lexicon(["return an order", "Error J104"])
    assert lexicon.match("return order 48213377").unknown == lexicon.match("return order").unknown == 0
    assert lexicon.match("error J999").unknown > 0.3
