from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.messages import quoting, without_quote

lines = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1).filter(lambda line: not line.startswith(">"))


@given(st.lists(lines, min_size=1), st.lists(lines, min_size=1))
def test_what_was_quoted_and_what_was_written_come_apart_again(quoted: list[str], written: list[str]) -> None:
    text = quoting("\n".join(quoted)) + "\n".join(written)
    assert without_quote(text) == ("\n".join(written), "\n".join(quoted))


@pytest.mark.parametrize("text", ["", "Where is it?", "Is 3 > 2?", "a\n> b", "> only this", "\n> later"])
def test_what_quotes_nothing_above_itself_is_left_as_it_is(text: str) -> None:
    assert without_quote(text) == (text, "")
    assert quoting("  ") == ""
