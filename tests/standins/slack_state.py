"""What the stand-in for Slack remembers: workspaces, people, channels, messages, tokens, views, files."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.standins.slack_blocks import lines

Json = dict[str, Any]
TRIGGER_LIFE_S = 3.0
SCOPES = (
    "chat:write", "channels:read", "groups:read", "channels:history", "groups:history", "commands", "files:read",
    "files:write", "reactions:read", "users:read", "users:read.email",
)  # fmt: skip


class Refused(Exception):
    """Answered as `{"ok": false, "error": …}`."""

    def __init__(self, error: str, *messages: str) -> None:
        super().__init__(error)
        self.error = error
        self.messages = messages


@dataclass
class User:
    id: str
    team_id: str
    name: str
    email: str
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_bot: bool = False
    deleted: bool = False
    home: Json | None = None

    def as_json(self, *, with_email: bool) -> Json:
        profile = {"real_name": self.name, "display_name": self.name.lower()}
        if with_email and not self.is_bot:
            profile["email"] = self.email
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name.lower(),
            "real_name": self.name,
            "deleted": self.deleted,
            "is_bot": self.is_bot,
            "is_restricted": self.is_restricted,
            "is_ultra_restricted": self.is_ultra_restricted,
            "tz": "Europe/Berlin",
            "profile": profile,
        }


@dataclass
class Message:
    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    files: list[Json] = field(default_factory=list)
    reactions: dict[str, set[str]] = field(default_factory=dict)
    only_for: str | None = None
    """Whom an ephemeral message is shown to."""
    bot: bool = False
    edited: bool = False
    metadata: Json = field(default_factory=dict)

    @property
    def said(self) -> str:
        """Everything one can read in it."""
        return "\n".join([*lines(self.blocks)] or [self.text])

    def action(self, action_id: str) -> Json:
        """The button or menu of that name. Raises `KeyError` when the message has none."""
        for block in self.blocks:
            for element in [*block.get("elements", ()), block.get("accessory", {})]:
                if element.get("action_id") == action_id:
                    return {**element, "block_id": block.get("block_id", "b")}
        raise KeyError(f"{action_id} is not among {self.actions} of {self.text!r}")

    @property
    def actions(self) -> list[str]:
        return [
            element["action_id"]
            for block in self.blocks
            for element in [*block.get("elements", ()), block.get("accessory", {})]
            if element.get("action_id")
        ]

    def as_json(self) -> Json:
        shown: Json = {"type": "message", "user": self.user, "text": self.text, "ts": self.ts, "blocks": self.blocks}
        if self.thread_ts:
            shown["thread_ts"] = self.thread_ts
        if self.files:
            shown["files"] = self.files
        if self.bot:
            shown |= {"bot_id": "B" + self.user, "app_id": "A1"}
        return shown


@dataclass
class Channel:
    id: str
    team_id: str
    name: str
    members: set[str]
    is_private: bool = True
    archived: bool = False
    shared: bool = False
    messages: dict[str, Message] = field(default_factory=dict)

    def as_json(self, bot: str) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "is_channel": not self.is_private,
            "is_private": self.is_private,
            "is_archived": self.archived,
            "is_member": bot in self.members,
            "is_ext_shared": self.shared,
            "num_members": len(self.members),
        }

    @property
    def parents(self) -> list[Message]:
        return [m for m in self.messages.values() if not m.thread_ts and not m.only_for]

    def thread(self, ts: str) -> list[Message]:
        """The replies, oldest first."""
        return [m for m in self.messages.values() if m.thread_ts == ts and not m.only_for]

    def whispers(self, user: str) -> list[str]:
        """What only `user` was shown."""
        return [m.said for m in self.messages.values() if m.only_for == user]


@dataclass
class Team:
    id: str
    name: str
    domain: str
    users: dict[str, User] = field(default_factory=dict)


@dataclass
class Token:
    team_id: str
    bot: str
    scopes: tuple[str, ...] = SCOPES
    revoked: str = ""
    """The error that the token earns now."""


@dataclass
class View:
    id: str
    team_id: str
    user: str
    view: Json
    root: str
    hash: str


class State:
    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.teams: dict[str, Team] = {}
        self.channels: dict[str, Channel] = {}
        self.tokens: dict[str, Token] = {}
        self.triggers: dict[str, tuple[float, str, bool]] = {}
        """When it was issued, to whom, and whether it was used."""
        self.views: dict[str, View] = {}
        self.files: dict[str, Json] = {}
        self.contents: dict[str, bytes] = {}
        self.codes: dict[str, str] = {}
        """OAuth codes and the team that each was given for."""
        self.response_urls: dict[str, tuple[str, str, str | None, str | None, int]] = {}
        """Channel, user, message, thread, uses left."""
        self._count = itertools.count(1)

    def fresh(self, prefix: str) -> str:
        return f"{prefix}{next(self._count):07d}"

    def ts(self) -> str:
        return f"{int(time.time())}.{next(self._count):06d}"

    def trigger(self, user: str) -> str:
        number = next(self._count)
        trigger_id = f"{number}.{number}.{number:032x}"
        self.triggers[trigger_id] = (self.clock(), user, False)
        return trigger_id

    def exchange(self, trigger_id: str) -> str:
        """The user whose trigger it was."""
        if trigger_id not in self.triggers:
            raise Refused("invalid_trigger_id")
        issued, user, used = self.triggers[trigger_id]
        if used:
            raise Refused("exchanged_trigger_id")
        if self.clock() - issued > TRIGGER_LIFE_S:
            raise Refused("expired_trigger_id")
        self.triggers[trigger_id] = (issued, user, True)
        return user

    def user(self, user_id: str) -> User:
        for team in self.teams.values():
            if user_id in team.users:
                return team.users[user_id]
        raise Refused("user_not_found")
