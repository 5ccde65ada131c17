from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import StartupError
from core.secrets import SecretBox, derive

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(st.dictionaries(texts, texts, max_size=4))
def test_what_is_sealed_can_be_opened(values: dict[str, str]) -> None:
    box = SecretBox("a key")
    sealed = box.seal(values)
    assert box.open(sealed) == values
    assert all(value.encode() not in sealed for value in values.values() if len(value) > 3)


def test_nothing_sealed_opens_empty() -> None:
    assert SecretBox("a key").open(None) == {}


@pytest.mark.parametrize("sealed", [SecretBox("another key").seal({"token": "hunter2"}), b"not sealed at all"])
def test_what_another_key_sealed_is_refused_with_the_remedy(sealed: bytes) -> None:
    with pytest.raises(StartupError, match="DESKHAND_SECRET_KEY") as refused:
        SecretBox("a key").open(sealed)
    assert refused.value.__suppress_context__
    assert "hunter2" not in str(refused.value)


def test_a_bit_changed_is_noticed() -> None:
    box = SecretBox("a key")
    sealed = bytearray(box.seal({"token": "hunter2"}))
    sealed[30] ^= 1
    with pytest.raises(StartupError):
        box.open(bytes(sealed))


def test_each_purpose_has_its_own_key() -> None:
    keys = {derive("a key", purpose) for purpose in ("sessions", "secrets")} | {derive("b key", "secrets")}
    assert len(keys) == 3
    assert {len(key) for key in keys} == {32}
