"""What is behind Telegram's API: people, chats, messages, files, and how fast a bot may write."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
BLOCKED = "Forbidden: bot was blocked by the user"


class Refusal(Exception):
    """An answer with `ok: false`."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad(description: str) -> Refusal:
    return Refusal(400, f"Bad Request: {description}")


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    content: bytes


@dataclass(slots=True)
class Bot:
    id: int
    token: str
    username: str
    updates: deque[Json] = field(default_factory=deque)
    next_update: int = 1000
    allowed: list[str] = field(default_factory=list)
    secret_token: str = ""
    webhook: Json = field(default_factory=lambda: {"url": ""})
    commands: dict[str, list[Json]] = field(default_factory=dict)
    """By language code; "" is the default."""
    pollers: int = 0
    sent_at: deque[float] = field(default_factory=deque)
    calls: list[tuple[str, Json]] = field(default_factory=list)
    """Every accepted call that says or shows something."""

    def as_user(self) -> Json:
        return {"id": self.id, "is_bot": True, "first_name": self.username, "username": self.username}


@dataclass(slots=True)
class Chat:
    id: int
    type: str
    title: str
    messages: dict[int, Json] = field(default_factory=dict)
    """As they are now; deleted ones are gone."""
    blocked: bool = False
    deactivated: bool = False
    left: bool = False
    upgraded_to: int | None = None
    started: bool = True
    """Whether the person wrote to the bot: it cannot begin."""
    sent_at: deque[float] = field(default_factory=deque)
    deleted: list[int] = field(default_factory=list)

    def as_json(self) -> Json:
        name = {"first_name": self.title} if self.type == "private" else {"title": self.title}
        return {"id": self.id, "type": self.type, **name}


class World:
    """`limits` turns on Telegram's rates (core.telegram.org/bots/faq#broadcasting-to-users)."""

    A_SECOND = 30
    A_MINUTE_IN_A_GROUP = 20
    BURST_IN_A_CHAT = 5

    def __init__(self, *, limits: bool = True) -> None:
        self.limits = limits
        self.refused_for_pace = 0
        self.trouble: list[tuple[str, Refusal]] = []
        """What the next calls of a method (in lower case) are answered with, once each."""
        self.bots: dict[str, Bot] = {}
        self.chats: dict[int, Chat] = {}
        self.people: dict[str, Json] = {}
        self.files: dict[str, Json] = {}
        self.paths: dict[str, bytes] = {}
        self.queries: dict[str, float] = {}
        self.answered: dict[str, Json] = {}
        self.on_sent: Callable[[Json], None] | None = None
        self._ids = itertools.count(1)
        self._waiting: set[asyncio.Future[None]] = set()

    def now(self) -> int:
        return int(time.time())

    def next_id(self) -> int:
        return next(self._ids)

    def stumble(self, method: str) -> None:
        for trouble in self.trouble:
            if trouble[0] == method:
                self.trouble.remove(trouble)
                raise trouble[1]

    def changed(self) -> None:
        for waiting in list(self._waiting):
            if not waiting.done():
                waiting.set_result(None)

    async def change(self, patience: float) -> None:
        """Returns once something has changed, or after `patience` seconds."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await asyncio.wait([waiting], timeout=patience)
        finally:
            self._waiting.discard(waiting)

    def bot(self, username: str) -> Bot:
        number = 7_000_000_000 + self.next_id()
        bot = Bot(number, f"{number}:AA{username}-secret-{'x' * 20}", username)
        self.bots[bot.token] = bot
        return bot

    def person(self, name: str, language: str = "en") -> Json:
        if name not in self.people:
            self.people[name] = {
                "id": 5_000_000_000 + self.next_id(), "is_bot": False, "first_name": name, "language_code": language,
            }  # fmt: skip
        return self.people[name]

    def phone(self, person: Json, bot: Bot) -> Phone:
        """The person's private chat with the bot. (This world has one bot a person, so the chat's id is theirs.)"""
        chat = self.chats.setdefault(person["id"], Chat(person["id"], "private", person["first_name"]))
        return Phone(self, bot, person, chat)

    def group(self, title: str) -> Chat:
        chat = Chat(-self.next_id() - 4_000_000, "group", title)
        self.chats[chat.id] = chat
        return chat

    def upgrade(self, chat: Chat) -> Chat:
        """The group becomes a supergroup, with another id, and its messages begin anew."""
        upgraded = Chat(-1_001_000_000_000 - self.next_id(), "supergroup", chat.title)
        self.chats[upgraded.id] = upgraded
        chat.upgraded_to = upgraded.id
        return upgraded

    def update(self, bot: Bot, kind: str, content: Json) -> Json:
        """Queues an update for the bot, if it wants this kind."""
        update = {"update_id": bot.next_update, kind: content}
        if not bot.allowed or kind in bot.allowed:
            bot.next_update += 1
            bot.updates.append(update)
            self.changed()
        return update

    def message(self, chat: Chat, sender: Json, **content: Any) -> Json:
        message = {
            "message_id": self.next_id(), "date": self.now(), "chat": chat.as_json(), "from": sender, **content,
        }  # fmt: skip
        chat.messages[message["message_id"]] = message
        return message

    def file(self, name: str, content: bytes, kind: str) -> Json:
        number = self.next_id()
        file_id = f"FILE{number:06d}"
        self.files[file_id] = {
            "file_id": file_id, "file_unique_id": f"U{number}", "file_size": len(content), "name": name,
            "path": f"{kind}/file_{number}{name[name.rfind('.') :] if '.' in name else ''}",
        }  # fmt: skip
        self.paths[self.files[file_id]["path"]] = content
        return {key: self.files[file_id][key] for key in ("file_id", "file_unique_id", "file_size")}

    def pace(self, bot: Bot, chat: Chat) -> None:
        """Raises 429 for a bot that writes too fast: to everybody, to one group, to one person."""
        if not self.limits:
            return
        moment = time.monotonic()
        lines = [(bot.sent_at, self.A_SECOND, 1.0)]
        if chat.type == "private":
            lines.append((chat.sent_at, self.BURST_IN_A_CHAT, float(self.BURST_IN_A_CHAT)))
        else:
            lines.append((chat.sent_at, self.A_MINUTE_IN_A_GROUP, 60.0))
        for times, most, seconds in lines:
            while times and times[0] <= moment - seconds:
                times.popleft()
            if len(times) >= most:
                self.refused_for_pace += 1
                wait = max(1, int(times[0] + seconds - moment) + 1)
                raise Refusal(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        for times, _, _ in lines:
            times.append(moment)


class Phone:
    """One person in one chat, as they see it and with what they can do there."""

    def __init__(self, world: World, bot: Bot, person: Json, chat: Chat) -> None:
        self.world = world
        self.bot = bot
        self.person = person
        self.chat = chat

    @property
    def messages(self) -> list[Json]:
        """What the chat shows now, oldest first."""
        return list(self.chat.messages.values())

    @property
    def received(self) -> list[Json]:
        """What the bot wrote."""
        return [message for message in self.messages if message["from"]["is_bot"]]

    @property
    def texts(self) -> list[str]:
        return [message.get("text", message.get("caption", "")) for message in self.received]

    def say(self, text: str, **content: Any) -> Json:
        """Sends a text; a command gets its entity, as Telegram gives it one."""
        if text.startswith("/") and "entities" not in content:
            command = text.split()[0]
            content["entities"] = [{"type": "bot_command", "offset": 0, "length": len(command)}]
        return self.send(text=text, **content)

    def send(self, **content: Any) -> Json:
        message = self.world.message(self.chat, self.person, **content)
        self.world.update(self.bot, "message", message)
        return message

    def mention(self, text: str, **content: Any) -> Json:
        name = f"@{self.bot.username}"
        entity = {"type": "mention", "offset": 0, "length": len(name)}
        return self.say(f"{name} {text}", entities=[entity], **content)

    def edit(self, message: Json, **content: Any) -> Json:
        edited = {**message, "edit_date": self.world.now(), **content}
        self.chat.messages[message["message_id"]] = edited
        self.world.update(self.bot, "edited_message", edited)
        return edited

    def photo(self, content: bytes = b"\xff\xd8 a picture", **more: Any) -> Json:
        small = {**self.world.file("small.jpg", b"\xff\xd8", "photos"), "width": 90, "height": 90}
        large = {**self.world.file("large.jpg", content, "photos"), "width": 800, "height": 800}
        return self.send(photo=[small, large], **more)

    def document(self, name: str, content: bytes, mime: str = "application/pdf", **more: Any) -> Json:
        file = {**self.world.file(name, content, "documents"), "file_name": name, "mime_type": mime}
        return self.send(document=file, **more)

    def voice(self, content: bytes) -> Json:
        file = {**self.world.file("v.oga", content, "voice"), "duration": 3, "mime_type": "audio/ogg"}
        return self.send(voice=file)

    def press(self, label: str, message: Json | None = None) -> Json:
        """Presses the newest button of that label. Raises LookupError if there is none."""
        for shown in [message] if message else reversed(self.received):
            for row in shown.get("reply_markup", {}).get("inline_keyboard", ()):
                for button in row:
                    if button["text"] == label:
                        return self.press_data(button["callback_data"], shown)
        raise LookupError(f"No button {label!r}")

    def press_data(self, data: str, message: Json) -> Json:
        """As a client that is not Telegram's may: with any data."""
        query_id = str(self.world.next_id())
        self.world.queries[query_id] = time.monotonic()
        query = {
            "id": query_id, "from": self.person, "message": message, "chat_instance": "1", "data": data,
        }  # fmt: skip
        self.world.update(self.bot, "callback_query", query)
        return query

    def buttons(self, message: Json | None = None) -> list[str]:
        shown = message or self.received[-1]
        return [b["text"] for row in shown.get("reply_markup", {}).get("inline_keyboard", ()) for b in row]

    def keys(self, message: Json) -> list[str]:
        """The keyboard that the message brings, whose keys say what they show."""
        return [key["text"] for row in message.get("_keyboard", ()) for key in row]

    def block(self) -> None:
        self.chat.blocked = True
        old, new = ({"user": self.bot.as_user(), "status": status} for status in ("member", "kicked"))
        new["until_date"] = 0
        change = {
            "chat": self.chat.as_json(), "from": self.person, "date": self.world.now(),
            "old_chat_member": old, "new_chat_member": new,
        }  # fmt: skip
        self.world.update(self.bot, "my_chat_member", change)
