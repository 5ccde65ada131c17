import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.nlp.intents import courtesy, wants_human


@pytest.mark.parametrize(
    "text",
    [
        "I want to talk to a human",
        "agent",
        "human pls",
        "REPRESENTATIVE!!!",
        "speak to a persn",
        "is anyone real there?",
        "get me a person",
        "call me back",
        "I don't want a bot, I want a human",
        "My order is late. Third time. Agent.",
        "I don't need an article. Please connect me to your support team.",
        "Ich möchte mit einem Menschen sprechen",
        "moechte mit mitarbeiter sprechen",
        "je veux parler à un conseiller",
        "quiero hablar con una persona real",
    ],
)
def test_a_request_for_a_person_is_caught(text: str) -> None:
    assert wants_human(text)


@pytest.mark.parametrize(
    "text",
    [
        "I am a travel agent, do you give discounts?",
        "do you sell cleaning agent",
        "what do you do with my personal data",
        "I don't need a human",
        "are you open on human rights day",
        "can I talk about my order",
        "how do I contact customer service?",
        "are you a bot?",
        "your agent told me it would arrive today",
        "I spoke to a representative yesterday",
        "the driver didn't call me",
        "you can call me Dave",
        "is the tent for one person?",
        "do I need to speak to someone to cancel?",
        "the robot vacuum does not charge",
        "",
        "?",
    ],
)
def test_words_like_a_request_are_none(text: str) -> None:
    assert not wants_human(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hi!!", "greeting"),
        ("Helloooo", "greeting"),
        ("good morning team", "greeting"),
        ("hi, how are you?", "greeting"),
        ("👋", "greeting"),
        ("👍", "thanks"),
        ("Danke schön!", "thanks"),
        ("谢谢你", "thanks"),
        ("ありがとうございます！", "thanks"),
        ("thanks Sam!", "thanks"),
        ("ok thanks bye", "goodbye"),
        ("merci beaucoup, bonne journée", "goodbye"),
        ("Hello, where is my order?", None),
        ("thanks but it still fails", None),
        ("hi refund", None),
        ("yes", None),
        ("???", None),
        ("😡", None),
        ("", None),
    ],
)
def test_courtesy_is_told_from_a_question(text: str, kind: str | None) -> None:
    assert courtesy(text) == kind


@given(st.text(max_size=300))
def test_any_text_has_an_answer(text: str) -> None:
    assert wants_human(text) in (True, False)
    assert courtesy(text) in ("greeting", "thanks", "goodbye", None)
