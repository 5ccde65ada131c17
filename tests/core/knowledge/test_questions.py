from __future__ import annotations

import pytest

from core.knowledge.questions import asks_once


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("I ordered last week. When does it come?", "When does it come?"),
        ("When does it come? I ordered last week.", "When does it come?"),
        ("When does it come?", ""),
        ("I ordered last week.", ""),
        ("When does it come? And can I return it?", ""),
        ("", ""),
    ],
)
def test_the_one_question_of_a_longer_message(text: str, asked: str) -> None:
    assert asks_once(text) == asked
