"""Formatting for Telegram: whatever the text, Telegram takes every piece and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.telegram.rich import LONGEST, render, rich, split, units
from core.messages import Citation
from tests.standins.telegram_methods import entities
from tests.standins.telegram_methods import units as counted

WORDS = st.text("abcdefgh😀é漢", min_size=1, max_size=12)
MARKS = [
    "**",
    "*",
    "_",
    "~~",
    "`",
    "\n",
    "\n\n",
    "> ",
    "- ",
    "1. ",
    "# ",
    "```\n",
    "[",
    "](https://a.example)",
    "](/x)",
]
SOUP = st.lists(st.one_of(WORDS, st.sampled_from([*MARKS, " ", "\\", "&amp;", "<b>", "|"])), max_size=60).map("".join)


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    wrapped = [inner.map(lambda text, mark=mark: f"{mark}{text}{mark}") for mark in ("**", "*", "~~")]
    return st.one_of(*wrapped, inner.map("[{}](https://a.example)".format), st.tuples(inner, inner).map(" ".join))


NESTED = st.recursive(st.one_of(WORDS, WORDS.map("`{}`".format)), _nested, max_leaves=12)
DOCUMENTS = st.lists(
    st.tuples(st.sampled_from(["", "# ", "> ", "> > ", "- ", "1. ", "- > "]), NESTED).map("".join), max_size=8
).map("\n\n".join)


def check(markdown: str) -> None:
    for piece in render(markdown):
        assert 0 < counted(piece.text) <= LONGEST
        assert piece.text == piece.text.strip()
        entities({"entities": [entity.to_dict() for entity in piece.entities]}, piece.text, "entities")


@given(st.one_of(st.text(), SOUP, DOCUMENTS))
@settings(max_examples=300, deadline=None)
def test_telegram_takes_every_piece(markdown: str) -> None:
    check(markdown.encode("utf-8", "replace").decode())


@given(st.one_of(SOUP, DOCUMENTS), st.integers(8, 60))
@settings(max_examples=200, deadline=None)
def test_splitting_loses_nothing_and_keeps_what_is_bold_bold(markdown: str, longest: int) -> None:
    whole = rich(markdown)
    pieces = split(whole, longest)
    assert all(units(piece.text) <= longest for piece in pieces)
    assert "".join("".join(p.text for p in pieces).split()) == "".join(whole.text.split())

    def marked(parts: list[object]) -> list[tuple[str, str]]:
        found = [(s.kind, c) for p in parts for s in p.spans for c in p.text[s.start : s.end] if not c.isspace()]
        return sorted(found)

    assert marked(pieces) == marked([whole])


@given(DOCUMENTS)
@settings(max_examples=200, deadline=None)
def test_every_word_arrives_in_order(markdown: str) -> None:
    """The marks go, the words stay. (What turns out to be no mark stays, too.)"""
    letters = set("abcdefgh😀é漢")
    shown = iter(rich(markdown).text)
    expected = [character for character in markdown.replace("](https://a.example)", "]") if character in letters]
    assert all(character in shown for character in expected)


@pytest.mark.parametrize(
    ("markdown", "text", "marked"),
    [
        ("**bold _both_**", "bold both", [("bold", "bold both"), ("italic", "both")]),
        ("**a `b` c**", "a b c", [("bold", "a "), ("code", "b"), ("bold", " c")]),
        ("[`x`](https://a.example)", "x", [("text_link", "x")]),
        ("[x](/help)", "x", [("text_link", "x")]),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))", []),
        ("costs $5 or $10, <b>5 & 6</b> a_b_c", "costs $5 or $10, <b>5 & 6</b> a_b_c", []),
        ("> one\n> two", "one\ntwo", [("blockquote", "one\ntwo")]),
        ("- a\n  1. b\n- c", "• a\n  1. b\n• c", []),
        ("```py\nx = 1\n```", "x = 1", [("pre", "x = 1")]),
        ("😀 **x**", "😀 x", [("bold", "x")]),
    ],
)
def test_markdown_is_shown_as_it_is_meant(markdown: str, text: str, marked: list[tuple[str, str]]) -> None:
    shown = rich(markdown, "https://shop.example")
    assert shown.text == text
    assert [(span.kind, shown.text[span.start : span.end]) for span in shown.spans] == marked


def test_sources_are_links_below_each_once() -> None:
    source = Citation("a", "Delivery", "/help/delivery", "…")
    (piece,) = render("Two days.", (source, source, Citation("b", "No page", None, "")), "https://shop.example")
    assert piece.text == "Two days.\n\n📖 Delivery\n📖 No page"
    assert [entity.url for entity in piece.entities] == ["https://shop.example/help/delivery"]


def test_a_long_text_breaks_between_words_and_never_inside_a_character() -> None:
    text = " ".join(["wordy"] * 3000)
    assert {word for piece in render(text) for word in piece.text.split()} == {"wordy"}
    family = "👨‍👩‍👧‍👦"
    for piece in render("x" + family * 1000):
        assert piece.text.count("\u200d") % 3 == 0
