"""What travels over the widget's socket: one JSON object a frame."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from core.messages import JsonObject
from core.models import Message

MAX_CHARACTERS = 10_000


class Frame(BaseModel):
    model_config = ConfigDict(extra="ignore")


class TextFrame(Frame):
    type: Literal["message"]
    id: UUID
    text: str


class TypingFrame(Frame):
    type: Literal["typing"]


class HumanFrame(Frame):
    """The button "Talk to a person"."""

    type: Literal["human"]
    id: UUID | None = None


class FeedbackFrame(Frame):
    type: Literal["feedback"]
    message_id: UUID
    helpful: bool


class HistoryFrame(Frame):
    type: Literal["history"]


ClientFrame = Annotated[
    TextFrame | TypingFrame | HumanFrame | FeedbackFrame | HistoryFrame, Field(discriminator="type")
]
_client: TypeAdapter[ClientFrame] = TypeAdapter(ClientFrame)


class FrameError(Exception):
    """A frame that cannot be used: told to the client, which may go on."""

    def __init__(self, code: str, detail: str, message_id: str | None = None) -> None:
        super().__init__(detail)
        self.frame: JsonObject = {"type": "error", "code": code, "detail": detail}
        if message_id:
            self.frame["id"] = message_id


def parse(raw: str | bytes) -> ClientFrame:
    """Raises `FrameError` with code `bad_json`, `bad_message`, `empty` or `too_long`."""
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise FrameError("bad_json", "A frame is one JSON object.") from None
    try:
        frame = _client.validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "frame"
        message_id = data.get("id") if isinstance(data, dict) else None
        raise FrameError(
            "bad_message", f"{where}: {first['msg']}", message_id if isinstance(message_id, str) else None
        ) from None
    if isinstance(frame, TextFrame):
        if not frame.text.replace("\x00", "").strip():
            raise FrameError("empty", "There is nothing in this message.", str(frame.id))
        if len(frame.text) > MAX_CHARACTERS:
            raise FrameError(
                "too_long",
                f"A message has at most {MAX_CHARACTERS:,} characters; this one has "
                f"{len(frame.text):,}. Send it in parts.",
                str(frame.id),
            )
    return frame


def live_frame(message: JsonObject) -> JsonObject:
    """A message as its event tells of it (`core.outbox.as_event`, `core.inbox`)."""
    customers = message["author"] == "customer"
    return {
        "type": "message",
        "message": {
            "id": client_id(message["external_id"]) if customers else message["id"],
            "author": message["author"],
            "name": message["name"],
            "text": message["text"],
            "citations": [_public(citation) for citation in message.get("citations", ())],
            "confidence": message.get("confidence"),
            "created_at": message["created_at"],
        },
    }


def stored_frame(message: Message) -> JsonObject:
    """A message from the database; a customer's own bears the id that their client gave it."""
    return {
        "type": "message",
        "message": {
            "id": client_id(message.external_id or "") if message.author == "customer" else str(message.id),
            "author": message.author,
            "name": message.speaker or "",
            "text": message.text,
            "citations": [_public(citation) for citation in message.citations],
            "confidence": message.confidence,
            "helpful": message.helpful,
            "created_at": message.created_at.isoformat(),
        },
    }


def external_id(visitor_id: UUID, message_id: UUID) -> str:
    """The message's id in our database: two visitors may choose the same one, by accident or not."""
    return f"{visitor_id}:{message_id}"


def client_id(external: str) -> str:
    """The id that the visitor's browser gave a message, from `external_id`."""
    return external.rpartition(":")[2]


def escalated_frame(number: int) -> JsonObject:
    return {"type": "escalated", "ticket": {"number": number}}


def _public(citation: dict[str, Any]) -> JsonObject:
    return {key: citation[key] for key in ("title", "url", "quote")}
