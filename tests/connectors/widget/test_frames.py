from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.widget import frames
from connectors.widget.frames import FrameError, parse

ID = "a3c1b6e2-7f43-4e38-9a52-0d8a6f8f2b11"
KINDS = ["message", "typing", "human", "feedback", "history"]
CODES = {"bad_json", "bad_message", "empty", "too_long"}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
almost_frames = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS) | json_values},
    optional={
        "id": st.uuids().map(str) | json_values,
        "text": st.text() | json_values,
        "message_id": st.uuids().map(str) | json_values,
        "helpful": st.booleans() | json_values,
    },
)


def refusal(raw: str | bytes) -> dict[str, Any]:
    with pytest.raises(FrameError) as caught:
        parse(raw)
    return caught.value.frame


@given((json_values | almost_frames).map(orjson.dumps) | st.binary() | st.text())
def test_whatever_comes_is_a_frame_or_a_refusal_that_can_be_sent(raw: str | bytes) -> None:
    try:
        kind, refused = parse(raw).type, None
    except FrameError as error:
        kind, refused = "", orjson.loads(orjson.dumps(error.frame))
    assert kind in KINDS if refused is None else refused["code"] in CODES and refused["detail"]


@given(st.text(min_size=1, max_size=200).filter(lambda text: text.replace("\x00", "").strip()))
def test_a_text_comes_through_unchanged(text: str) -> None:
    frame = parse(orjson.dumps({"type": "message", "id": ID, "text": text, "unknown": 1}))
    assert isinstance(frame, frames.TextFrame)
    assert (frame.id, frame.text) == (UUID(ID), text)


@pytest.mark.parametrize("character", ["x", "é", "🚲", "\u0301"])
def test_length_is_counted_in_characters(character: str) -> None:
    def message(length: int) -> bytes:
        return orjson.dumps({"type": "message", "id": ID, "text": character * length})

    parse(message(10_000))
    assert refusal(message(10_001))["code"] == "too_long"
    assert refusal(message(10_001))["id"] == ID


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\x00", "\u2003\u00a0"])
def test_nothing_is_not_a_message(text: str) -> None:
    assert refusal(orjson.dumps({"type": "message", "id": ID, "text": text})) == {
        "type": "error",
        "code": "empty",
        "detail": "There is nothing in this message.",
        "id": ID,
    }


def test_a_refusal_names_the_field_and_the_message() -> None:
    frame = refusal(orjson.dumps({"type": "message", "id": ID}))
    assert frame["id"] == ID
    assert "text" in frame["detail"]


def test_two_visitors_ids_never_meet() -> None:
    one, two = UUID(int=1), UUID(int=2)
    assert frames.external_id(one, UUID(ID)) != frames.external_id(two, UUID(ID))
    assert frames.client_id(frames.external_id(one, UUID(ID))) == ID
