from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.nlp.letter import gist

ASKED = "How long does delivery take?"


@pytest.mark.parametrize(
    "letter",
    [
        f"Hi,\n\n{ASKED}\n\nDana",
        f"Hello,\n\n{ASKED}\n\nBest regards\nDana Doe",
        f"Dear Sir or Madam, {ASKED} Kind regards, Dana",
        f"Dear Acme team,\n{ASKED}\nMany thanks in advance,\nkind regards\nDana",
        f"Hey there! {ASKED} Thanks!",
        f"hi {ASKED}",
        f"Good morning, {ASKED} Thank you so much for your help. Dana",
        f"Hello, hope you are well. {ASKED} Cheers Dana",
        f"Sehr geehrte Damen und Herren,\n\n{ASKED}\n\nMit freundlichen Grüßen\nDana Doe",
        f"Bonjour, {ASKED} Merci d'avance, Dana",
        f"Hola, {ASKED} Muchas gracias. Un saludo, Dana",
        f"{ASKED}\n\n– Dana",
        f"{ASKED} thx",
    ],
)
def test_a_letter_is_what_it_says_in_between(letter: str) -> None:
    assert gist(letter) == ASKED


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "Thanks!",
        "Thank you, Dana",
        ASKED,
        "Which sizes do you have?\nMedium",
        "Thanks for nothing.",
        "Still no parcel. Thanks for nothing.",
        "Best way to pay?",
        "Where do I write my thanks to the team that packed it so well?",
        "Is the jacket called Dear Alice in stock?",
        "I want the best",
        "",
        " ",
    ],
)
def test_what_is_no_letter_stays_as_it_is(text: str) -> None:
    assert gist(text) == text


@given(st.text(max_size=300))
def test_nothing_is_made_up_and_something_is_always_left(text: str) -> None:
    left = gist(text)
    assert left in text
    assert bool(left.strip()) == bool(text.strip())
    assert gist(left) in left
