"""What people send to the bot, as the helpdesk takes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from telegram import Bot, Message, MessageEntity
from telegram.constants import ChatType, FileSizeLimit
from telegram.error import BadRequest

from connectors.telegram.client import bot_id
from connectors.telegram.sent import message_key
from core.messages import Attachment, InboundMessage, JsonObject, Person, quoting
from core.models import Channel

LONGEST_QUOTE = 200
ALBUM_SETTLES = timedelta(seconds=1.5)
"""The messages of an album come one after another, within less than this."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that came with a message, not fetched yet."""

    id: str
    name: str
    content_type: str
    size: int


def is_private(message: Message) -> bool:
    return message.chat.type == ChatType.PRIVATE


def external_id(message: Message) -> str:
    """Unique in the channel, whose bot may be exchanged for another: each bot has its own chats with their own
    numbers. The pictures of one album are one message."""
    name = f"album-{message.media_group_id}" if message.media_group_id else message.message_id
    return message_key(bot_id(message.get_bot()), message.chat.id, name)


def author_of(message: Message) -> Person | None:
    """None for what no person wrote: a channel's post, an anonymous administrator."""
    user = message.from_user
    if user is None or user.is_bot:
        return None
    name = "" if is_private(message) else f"{message.chat.id}:{message.message_thread_id or 0}:"
    return Person(external_id=f"{name}{user.id}", name=user.full_name, language=user.language_code)


def thread_of(message: Message) -> JsonObject:
    """Where to reply; in a group to which message, too."""
    thread: JsonObject = {"chat_id": message.chat.id}
    if not is_private(message):
        thread["reply_to"] = message.message_id
    if message.is_topic_message and message.message_thread_id:
        thread["topic"] = message.message_thread_id
    return thread


def is_for_us(message: Message, me: str, my_id: int) -> bool:
    """In a group: whether the bot is mentioned, or one of its messages replied to."""
    if is_private(message):
        return True
    answered = message.reply_to_message
    if answered and answered.from_user and answered.from_user.id == my_id:
        return True
    mentions = {**message.parse_entities([MessageEntity.MENTION, MessageEntity.BOT_COMMAND])}
    mentions |= message.parse_caption_entities([MessageEntity.MENTION])
    return any(text.lower().endswith(f"@{me.lower()}") for text in mentions.values())


def text_of(message: Message, me: str = "") -> str:
    """What was written, or what was sent in words; what it replies to and who it is forwarded from beside it."""
    text = message.text or message.caption or _in_words(message)
    if me and not is_private(message):
        text = " ".join(text.replace(f"@{me}", " ").split(" ")).strip()
    if message.forward_origin:
        text += f"\n\n(forwarded from {_origin(message)})"
    return _quote(message) + text


def files_of(message: Message) -> list[File]:
    """The message's files, the largest size of a photo."""
    if message.photo:
        largest = message.photo[-1]
        return [File(largest.file_id, f"photo-{largest.file_unique_id}.jpg", "image/jpeg", largest.file_size or 0)]
    for kind, ending, content_type in (
        ("document", "", "application/octet-stream"),
        ("video", ".mp4", "video/mp4"),
        ("animation", ".mp4", "video/mp4"),
        ("audio", ".mp3", "audio/mpeg"),
        ("voice", ".ogg", "audio/ogg"),
        ("video_note", ".mp4", "video/mp4"),
    ):
        found = getattr(message, kind, None)
        # Telegram names an animation a document, too.
        if found and not (kind == "document" and message.animation):
            name = getattr(found, "file_name", None) or f"{kind}-{found.file_unique_id}{ending}"
            return [File(found.file_id, name, getattr(found, "mime_type", None) or content_type, found.file_size or 0)]
    return []


async def fetch(bot: Bot, files: list[File]) -> tuple[tuple[Attachment, ...], list[str]]:
    """The files, and in words which could not be had: Telegram gives bots 20 MB at most."""
    fetched, missing = [], []
    for file in files:
        if file.size > FileSizeLimit.FILESIZE_DOWNLOAD:
            missing.append(f"{file.name} ({file.size / 1e6:.0f} MB) is too large to be passed on.")
            continue
        try:
            content = bytes(await (await bot.get_file(file.id)).download_as_bytearray())
        except BadRequest as error:
            missing.append(f"{file.name} could not be fetched ({error.message}).")
            continue
        fetched.append(Attachment(file.name, file.content_type, content))
    return tuple(fetched), missing


def to_inbound(
    message: Message,
    author: Person,
    channel: Channel,
    text: str,
    *,
    attachments: tuple[Attachment, ...] = (),
    silent: bool = False,
    conversation_id: UUID | None = None,
) -> InboundMessage:
    return InboundMessage(
        organization_id=channel.organization_id,
        channel_id=channel.id,
        external_id=external_id(message),
        author=replace(author, verified=True),  # Telegram vouches for who writes in a chat
        text=text,
        thread=thread_of(message),
        conversation_id=conversation_id,
        attachments=attachments,
        settle=ALBUM_SETTLES if message.media_group_id else timedelta(),
        edited_at=message.edit_date,
        answers=_answers(message),
        silent=silent,
    )


def _answers(message: Message) -> str | None:
    """In a topic every message replies to the one that opened it, which says nothing."""
    replied = message.reply_to_message
    return external_id(replied) if replied and not replied.forum_topic_created else None


def _in_words(message: Message) -> str:
    """A message without text, as an agent reads it."""
    if message.location:
        place = message.venue.title + ", " if message.venue else ""
        north, east = message.location.latitude, message.location.longitude
        return f"📍 {place}{north}, {east} https://www.openstreetmap.org/?mlat={north}&mlon={east}"
    if message.contact:
        name = " ".join(filter(None, (message.contact.first_name, message.contact.last_name)))
        return f"👤 {name}, {message.contact.phone_number}"
    if message.sticker:
        return message.sticker.emoji or "🙂"
    for kind, icon in (("photo", "🖼 photo"), ("voice", "🎤 voice message"), ("video", "🎬 video"),
                       ("video_note", "🎬 video"), ("audio", "🎵 audio"), ("animation", "🎬 animation"),
                       ("document", "📎 file")):  # fmt: skip
        if getattr(message, kind, None):
            return f"({icon})"
    if message.poll:
        return f"📊 {message.poll.question}"
    if message.dice:
        return message.dice.emoji
    return ""


def _quote(message: Message) -> str:
    """What an older message said that this one replies to, as far as the person would see it above their words."""
    if message.quote:
        quoted = message.quote.text
    elif message.reply_to_message and not message.reply_to_message.forum_topic_created:
        quoted = message.reply_to_message.text or message.reply_to_message.caption or ""
    else:
        return ""
    line = " ".join(quoted.split())
    return quoting(line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1] + "…")


def _origin(message: Message) -> str:
    origin = message.forward_origin
    for attribute in ("sender_user", "sender_chat", "chat"):
        if found := getattr(origin, attribute, None):
            return str(found.full_name or found.effective_name)
    return str(getattr(origin, "sender_user_name", "somebody"))
