from __future__ import annotations

from string import Formatter

import pytest

from connectors.telegram.words import COMMANDS, LANGUAGES, TEXTS


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_all_that_english_does(language: str) -> None:
    said, english = TEXTS[language], TEXTS["en"]
    assert set(said) == set(english)
    assert {key: _fields(text) for key, text in said.items()} == {key: _fields(text) for key, text in english.items()}
    assert set(COMMANDS[language]) == set(COMMANDS["en"])
    # https://core.telegram.org/bots/api#botcommand
    assert all(3 <= len(what) <= 256 for what in COMMANDS[language].values())
