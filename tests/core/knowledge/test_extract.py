from collections.abc import Callable

import pytest

from core.knowledge.articles import Article
from core.knowledge.extract import extract
from core.knowledge.index import Hit
from core.knowledge.questions import parts

HitOf = Callable[..., Hit]

LONG = "No, you cannot change it yourself. " + " ".join(
    f"Our {thing} team looks after the {thing} of every parcel, checks it twice and writes to you when all is done."
    for thing in ("packing", "label", "weight", "customs", "address", "invoice", "carrier", "insurance")
)


def test_a_short_article_is_given_whole(hit_of: HitOf) -> None:
    body = "No, we are closed.\n\n## In summer\n\n- Saturday: 10 to 4\n- Sunday: closed"
    found = extract("open on sunday?", [hit_of(Article("a", "Hours", body), "Sunday")])
    assert found.text == "No, we are closed.\n\nIn summer\n- Saturday: 10 to 4\n- Sunday: closed"
    assert [quote.text for quote in found.citations] == ["- Saturday: 10 to 4\n- Sunday: closed", "No, we are closed."]


def test_a_long_answer_keeps_its_no_and_a_run_of_neighbours(hit_of: HitOf) -> None:
    found = extract("insurance against a lost carrier", [hit_of(Article("a", "Q", LONG, None, ("Q",)))])
    first, run = found.text.split("\n\n")
    assert first == "No, you cannot change it yourself."
    assert "Our carrier team" in run
    assert "Our insurance team" in run
    assert run in LONG
    assert len(found.text.split()) < 120


def test_steps_are_never_cut_into_holes(hit_of: HitOf) -> None:
    steps = "\n".join(f"{n}. Press button {n} and wait until the light next to it shines green." for n in range(1, 15))
    filler = " ".join(["Some words of no great use stand here."] * 8)
    page = Article("a", "Reset", f"{filler}\n\nTo reset it:\n\n{steps}")
    found = extract("what happens after button 7 on reset", [hit_of(page, "Press")])
    assert all(f"{n}. Press button {n}" in found.text for n in range(1, 15))


def test_a_passage_under_a_heading_brings_it_along(hit_of: HitOf) -> None:
    filler = " ".join(["word"] * 130) + "."
    page = Article("a", "Returns", f"{filler}\n\n## What cannot be returned\n\n- gift cards\n- opened wax")
    found = extract("can I return wax", [hit_of(page, "opened wax")])
    assert found.text == "What cannot be returned\n- gift cards\n- opened wax"


def test_a_sentence_that_leans_back_brings_what_it_leans_on(hit_of: HitOf) -> None:
    filler = " ".join(f"Sentence number {n} speaks of other matters entirely." for n in range(20))
    body = f"Opening line. {filler} Vouchers last three years. They cannot be paid out in cash. {filler}"
    found = extract("paid out cash", [hit_of(Article("a", "Vouchers", body), "paid out")])
    assert "Vouchers last three years. They cannot be paid out in cash." in found.text


def test_a_second_part_is_answered_from_a_second_article(hit_of: HitOf) -> None:
    hits = [
        hit_of(Article("delivery", "Delivery time", "Delivery takes 3 days.")),
        hit_of(Article("address", "Change the address", "You can change the address until it has left.")),
    ]
    found = extract("How long does delivery take and can I change the address?", hits)
    assert found.text == "Delivery takes 3 days.\n\nYou can change the address until it has left."
    assert [quote.article.id for quote in found.citations] == ["delivery", "address"]
    assert extract("How long does delivery take?", hits).text == "Delivery takes 3 days."


@pytest.mark.parametrize("question", ["", "?!", "customs", "Hello, do you know how much it weighs and when it comes?"])
@pytest.mark.parametrize(
    "body", [LONG, "Yes.", "1. One\n2. Two", "| a | b |\n|-|-|\n| 1 | 2 |", "```\ncode\n\ncode\n```"]
)
def test_every_quote_stands_in_its_passage(hit_of: HitOf, question: str, body: str) -> None:
    found = extract(question, [hit_of(Article("a", "Title", body))])
    assert found.text
    assert found.citations
    assert all(quote.text and quote.text in quote.passage.body for quote in found.citations)


def test_nothing_to_quote(hit_of: HitOf) -> None:
    assert extract("anything", []).citations == ()
    assert extract("anything", [hit_of(Article("a", "A", "<!-- -->"))]).text == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("How long is delivery and can I change the address?", ["How long is delivery", "can I change the address?"]),
        ("Hi! Where is my parcel? And how do I return it?", ["Where is my parcel?", "And how do I return it?"]),
        ("Do you sell bread and butter?", ["Do you sell bread and butter?"]),
        ("hello", ["hello"]),
        ("", [""]),
    ],
)
def test_the_parts_of_a_message(text: str, found: list[str]) -> None:
    assert parts(text) == found
