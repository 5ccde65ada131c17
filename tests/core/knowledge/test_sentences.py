import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.knowledge.sentences import sentences


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("No. You cannot.", ["No.", "You cannot."]),
        ("No, we don't. Order No. 5 is late.", ["No, we don't.", "Order No. 5 is late."]),
        ("It weighs 2.5 kg, e.g. Monday. Then go.", ["It weighs 2.5 kg, e.g. Monday.", "Then go."]),
        (
            "Ask Dr. Smith. See https://acme.test/a.html today!",
            ["Ask Dr. Smith.", "See https://acme.test/a.html today!"],
        ),
        ("Hi! what is it? thanks", ["Hi!", "what is it?", "thanks"]),
        ('He said "No." She left.', ['He said "No."', "She left."]),
        ("One\ntwo", ["One", "two"]),
        ("1. Sign in. Then go.", ["1. Sign in.", "Then go."]),
        ("営業時間は？はい。", ["営業時間は？", "はい。"]),
        ("", []),
    ],
)
def test_where_sentences_end(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


@given(st.text())
def test_sentences_are_exact_parts_in_order(text: str) -> None:
    at = 0
    for sentence in sentences(text):
        at = text.index(sentence, at) + len(sentence)
