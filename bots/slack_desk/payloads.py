"""What Slack sends us, parsed once into the few fields that are used.

https://docs.slack.dev/reference/interaction-payloads, …/reference/events, …/interactivity/implementing-slash-commands
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A message in Slack. Only all three together name it."""

    team: str
    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Person:
    team: str
    """The workspace in which it happened."""
    id: str
    home: str
    """The workspace that the person belongs to: another one for guests over Slack Connect."""


@dataclass(frozen=True, slots=True)
class Click:
    person: Person
    action: str
    value: str
    trigger_id: str
    response_url: str | None
    place: Place | None
    """None in the home tab and in private answers."""


@dataclass(frozen=True, slots=True)
class About:
    """What a modal is about. It travels as the modal's private metadata, which Slack signs with the rest."""

    channel_id: UUID
    ticket: int
    draft: UUID | None = None
    version: int = 0
    message: UUID | None = None

    def as_metadata(self) -> str:
        values = {"channel": str(self.channel_id), "ticket": self.ticket, "version": self.version}
        values |= {"draft": str(self.draft)} if self.draft else {}
        values |= {"message": str(self.message)} if self.message else {}
        return json.dumps(values)


@dataclass(frozen=True, slots=True)
class Submission:
    person: Person
    view_id: str
    """Of the form that was open: the same when it is submitted again."""
    form: str
    about: About
    values: dict[str, str]
    """What was typed or chosen, by block."""


@dataclass(frozen=True, slots=True)
class Command:
    person: Person
    channel: str
    text: str
    response_url: str


@dataclass(frozen=True, slots=True)
class File:
    id: str
    name: str
    content_type: str
    size: int
    url: str


@dataclass(frozen=True, slots=True)
class Said:
    """A person's message in a thread."""

    person: Person
    place: Place
    thread: Place
    text: str
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Reaction:
    person: Person
    place: Place
    emoji: str


def click(body: Json) -> Click:
    action = body["actions"][0]
    container = body.get("container") or {}
    team = body["team"]["id"]
    place = None
    if container.get("type") == "message" and not container.get("is_ephemeral"):
        place = Place(team, container["channel_id"], container["message_ts"])
    value = (action.get("selected_option") or {}).get("value") or action.get("value") or ""
    return Click(
        person=_person(body["user"], team),
        action=action["action_id"],
        value=value,
        trigger_id=body.get("trigger_id", ""),
        response_url=body.get("response_url"),
        place=place,
    )


def is_home(body: Json) -> bool:
    """Whether it was clicked in the home tab, where nothing can be answered privately."""
    return bool((body.get("view") or {}).get("type") == "home")


def shortcut(body: Json) -> Click:
    """A message shortcut, as if it were a button of that message."""
    place = Place(body["team"]["id"], body["channel"]["id"], body["message_ts"])
    person = _person(body["user"], place.team)
    return Click(person, body["callback_id"], "", body.get("trigger_id", ""), body.get("response_url"), place)


def submission(body: Json) -> Submission:
    view = body["view"]
    about = json.loads(view["private_metadata"])
    return Submission(
        person=_person(body["user"], body["team"]["id"]),
        view_id=view["id"],
        form=view["callback_id"],
        about=About(
            channel_id=UUID(about["channel"]),
            ticket=about["ticket"],
            draft=UUID(about["draft"]) if "draft" in about else None,
            version=about["version"],
            message=UUID(about["message"]) if "message" in about else None,
        ),
        values={block: _value(typed) for block, inputs in view["state"]["values"].items() for typed in inputs.values()},
    )


def command(body: Json) -> Command:
    person = Person(body["team_id"], body["user_id"], body["team_id"])
    return Command(person, body["channel_id"], (body.get("text") or "").strip(), body["response_url"])


def said(body: Json) -> Said | None:
    """None for what is no person's message in a thread."""
    event = body["event"]
    if event.get("bot_id") or "user" not in event or event.get("thread_ts") in (None, event.get("ts")):
        return None
    if event.get("subtype") not in (None, "file_share", "thread_broadcast"):
        return None
    team, channel = body["team_id"], event["channel"]
    return Said(
        person=Person(team, event["user"], event.get("user_team") or event.get("team") or team),
        place=Place(team, channel, event["ts"]),
        thread=Place(team, channel, event["thread_ts"]),
        text=event.get("text") or "",
        files=tuple(_file(each) for each in event.get("files", ()) if each.get("url_private_download")),
    )


def edited(body: Json) -> Said | None:
    """The message as it reads now."""
    event = body["event"]
    return said({**body, "event": {**event["message"], "channel": event["channel"]}})


def deleted(body: Json) -> Said | None:
    """The message that is gone, as it last read. Slack does not say who deleted it; its author answers for it."""
    event = body["event"]
    return said({**body, "event": {**event.get("previous_message", {}), "channel": event["channel"]}})


def reaction(body: Json) -> Reaction:
    event = body["event"]
    place = Place(body["team_id"], event["item"]["channel"], event["item"]["ts"])
    return Reaction(Person(place.team, event["user"], place.team), place, event["reaction"])


def is_by(body: Json, user: str | None, bot_user: str | None) -> bool:
    """Whether an event tells of what the app's own user did, other than joining or leaving."""
    event = body.get("event") or {}
    return bool(event and bot_user) and user == bot_user and not event.get("type", "").startswith("member_")


def echo(body: Json) -> tuple[Place, str] | None:
    """Where a new message is, and the id of its first block."""
    event = body["event"]
    if event.get("type") != "message" or event.get("subtype") or not event.get("blocks"):
        return None
    return Place(body["team_id"], event["channel"], event["ts"]), str(event["blocks"][0].get("block_id", ""))


def unique_id(body: Json) -> str | None:
    """The vendor's id of the call: of an event, or of one interaction. None for what needs no memory."""
    found = body.get("event_id") or body.get("trigger_id")
    return str(found) if found else None


def _person(user: Json, team: str) -> Person:
    return Person(team, user["id"], user.get("team_id") or team)


def _value(typed: Json) -> str:
    if typed.get("selected_options") is not None:
        return ",".join(option["value"] for option in typed["selected_options"])
    chosen = (typed.get("selected_option") or {}).get("value")
    return str(chosen or typed.get("value") or typed.get("selected_user") or "")


def _file(file: Json) -> File:
    return File(
        file["id"],
        file.get("name") or "file",
        file.get("mimetype") or "application/octet-stream",
        int(file.get("size") or 0),
        file["url_private_download"],
    )
