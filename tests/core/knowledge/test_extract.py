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
    assert found.text == "No, we are closed.\n\nIn summer:\n- Saturday: 10 to 4\n- Sunday: closed"
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
    filler = " ".join(["word"] * 130) + "."  # no opening to be given with it
    page = Article("a", "Returns", f"{filler}\n\n## What cannot be returned\n\n- gift cards\n- opened wax")
    found = extract("can I return wax", [hit_of(page, "opened wax")])
    assert found.text == "What cannot be returned:\n- gift cards\n- opened wax"


DELIVERY = Article(
    "delivery",
    "Delivery",
    f"""Delivery costs £3 and takes 2 days.

## Prices

| Zone | Countries | Price |
|---|---|---|
| 1 | Ireland, France | £9 |
| 2 | Spain, Italy | £13 |
| 3 | Norway | £19 |

A parcel to Norway is opened at the border.

{"Our carrier is known for care and speed. " * 12}

## Returns from abroad

Outside the UK you pay the postage yourself.
""",
)


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("how much to france", "Zone 1 — Countries: Ireland, France; Price: £9"),
        ("what does zone 2 cost", "Zone 2 — Countries: Spain, Italy; Price: £13"),
        ("norway?", "Zone 3 — Countries: Norway; Price: £19\n\nA parcel to Norway is opened at the border."),
    ],
)
def test_the_row_that_is_named_is_given_under_the_lead(hit_of: HitOf, question: str, rows: str) -> None:
    found = extract(question, [hit_of(DELIVERY, "Zone")])
    assert found.text == f"Delivery costs £3 and takes 2 days.\n\nPrices:\n{rows}"
    assert found.citations[0].text == rows.partition("\n")[0]


def test_a_question_that_names_no_row_gets_the_whole_table(hit_of: HitOf) -> None:
    text = extract("what are your prices", [hit_of(DELIVERY, "Zone")]).text
    assert [f"- Zone {number} — " in text for number in (1, 2, 3)] == [True] * 3


def test_an_exception_comes_after_the_rule_unless_it_is_asked_for(hit_of: HitOf) -> None:
    hit = hit_of(DELIVERY, "Outside")
    exception = "Returns from abroad:\nOutside the UK you pay the postage yourself."
    assert extract("who pays postage", [hit]).text == f"Delivery costs £3 and takes 2 days.\n\n{exception}"
    assert extract("postage from abroad", [hit]).text == exception


CODES = "| Code | Meaning |\n|---|---|\n" + "\n".join(
    f"| ERR-{number} | The reader has found fault number {number} in its drive and stops |"
    for number in range(301, 331)
)


@pytest.mark.parametrize("question", ["What does ERR-317 mean?", "err-317"])
def test_a_code_has_one_row_of_a_long_table(hit_of: HitOf, question: str) -> None:
    page = Article("codes", "Error codes", f"The code is on the display.\n\n{CODES}\n\nCall us about any other code.")
    found = extract(question, [hit_of(page, "ERR-317")])
    assert found.text.endswith("ERR-317 — Meaning: The reader has found fault number 317 in its drive and stops")
    assert found.text.count("ERR-") == 1


def test_an_unknown_code_has_no_row_and_no_half_table(hit_of: HitOf) -> None:
    page = Article("codes", "Error codes", f"The code is on the display.\n\n{CODES}\n\nCall us about any other code.")
    assert extract("ERR-999", [hit_of(page, "any other")]).text.endswith("Call us about any other code.")
    assert "ERR-" not in extract("ERR-999", [hit_of(page, "any other")]).text


@pytest.mark.parametrize(("question", "rows"), [("Does size M fit?", 1), ("I'm in need of a size", 6), ("A SIZE", 6)])
def test_a_size_is_a_capital_letter(hit_of: HitOf, question: str, rows: int) -> None:
    sizes = "\n".join(
        f"| {size} | {80 + 6 * n} to {85 + 6 * n} |" for n, size in enumerate(["XS", "S", "M", "L", "XL", "A"])
    )
    page = Article("sizes", "Sizes", f"{'Measure well. ' * 60}\n\n## Jackets\n\n| Size | Chest (cm) |\n|-|-|\n{sizes}")
    assert extract(question, [hit_of(page, "Chest")]).text.count("Chest") == rows


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
    turned = extract("How long does delivery take and can I change the address?", hits[::-1])
    assert turned.text == "You can change the address until it has left.\n\nDelivery takes 3 days.", "the surer first"
    assert [quote.article.id for quote in turned.citations] == ["address", "delivery"]


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
