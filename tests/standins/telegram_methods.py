"""The Bot API's methods that we use: what each checks, in Telegram's words, and what it changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import combinations
from typing import Any
from urllib.parse import urlsplit

from tests.standins.telegram_world import BLOCKED, Bot, Chat, Json, Refusal, Upload, World, bad

LONGEST_TEXT, LONGEST_CAPTION = 4096, 1024
LARGEST_DOWNLOAD = 20_000_000
QUERY_SECONDS = 15.0
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
ALONE = {"pre", "code"}
"""Nothing may be nested with these."""
FORMATS = ALONE | {"bold", "italic", "underline", "strikethrough", "spoiler", "blockquote", "text_link"}


def units(text: str) -> int:
    """The length in UTF-16 code units, which is how Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


def get_me(_: World, bot: Bot, given: Json) -> Json:
    more = {"can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}
    return bot.as_user() | more


def set_webhook(world: World, bot: Bot, given: Json) -> bool:
    url = given.get("url", "")
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    secret = given.get("secret_token", "")
    if not secret.replace("_", "").replace("-", "").isalnum() and secret:
        raise bad("bad webhook: secret token contains unallowed characters")
    if given.get("drop_pending_updates"):
        bot.updates.clear()
    if "allowed_updates" in given:
        bot.allowed = given["allowed_updates"]
    bot.webhook, bot.secret_token = {"url": url}, secret
    world.changed()
    return True


def delete_webhook(world: World, bot: Bot, given: Json) -> bool:
    return set_webhook(world, bot, {**given, "url": ""})


def get_webhook_info(_: World, bot: Bot, given: Json) -> Json:
    pending = {"has_custom_certificate": False, "pending_update_count": len(bot.updates)}
    return bot.webhook | pending | {"allowed_updates": bot.allowed}


def set_my_commands(_: World, bot: Bot, given: Json) -> bool:
    for command in given["commands"]:
        name = command["command"]
        if not 1 <= len(name) <= 32 or not name.replace("_", "").isalnum() or name != name.lower():
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(command["description"]) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    bot.commands[given.get("language_code", "")] = given["commands"]
    return True


def send_message(world: World, bot: Bot, given: Json) -> Json:
    chat = writable(world, given)
    content = {"text": formatted(given, "text", LONGEST_TEXT)}
    if not content["text"].strip():
        raise bad("message text is empty")
    return post(world, bot, chat, given, **content, **entities(given, content["text"], "entities"))


def edit_message_text(world: World, bot: Bot, given: Json) -> Json:
    chat, message = ours(world, bot, given, "edit")
    text = formatted(given, "text", LONGEST_TEXT)
    changed = {"text": text, **entities(given, text, "entities"), **markup(given)}
    if {key: message.get(key) for key in ("text", "entities", "reply_markup")} == {
        key: changed.get(key) for key in ("text", "entities", "reply_markup")
    }:
        raise bad(NOT_MODIFIED)
    return replaced(world, chat, message, changed, ("text", "entities", "reply_markup"))


def edit_message_caption(world: World, bot: Bot, given: Json) -> Json:
    chat, message = ours(world, bot, given, "edit")
    caption = formatted(given, "caption", LONGEST_CAPTION)
    return replaced(world, chat, message, {"caption": caption, **markup(given)}, ("caption", "reply_markup"))


def edit_message_reply_markup(world: World, bot: Bot, given: Json) -> Json:
    chat, message = ours(world, bot, given, "edit")
    changed = markup(given)
    if message.get("reply_markup") == changed.get("reply_markup"):
        raise bad(NOT_MODIFIED)
    return replaced(world, chat, message, changed, ("reply_markup",))


def replaced(world: World, chat: Chat, message: Json, changed: Json, keys: tuple[str, ...]) -> Json:
    kept = {key: value for key, value in message.items() if key not in keys}
    new = kept | changed | {"edit_date": world.now()}
    chat.messages[message["message_id"]] = new
    world.changed()
    return new


def delete_message(world: World, bot: Bot, given: Json) -> bool:
    chat = writable(world, given)
    message = chat.messages.get(int(given["message_id"]))
    if message is None:
        raise bad("message to delete not found")
    if message["date"] < world.now() - 48 * 3600:
        raise bad("message can't be deleted for everyone")
    del chat.messages[message["message_id"]]
    chat.deleted.append(message["message_id"])
    world.changed()
    return True


def send_chat_action(world: World, bot: Bot, given: Json) -> bool:
    chat = writable(world, given)
    bot.calls.append(("sendChatAction", {"chat_id": chat.id, "action": given["action"]}))
    world.changed()
    return True


def answer_callback_query(world: World, bot: Bot, given: Json) -> bool:
    query_id = str(given["callback_query_id"])
    asked = world.queries.get(query_id)
    if asked is None or asked < time.monotonic() - QUERY_SECONDS:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    if units(given.get("text", "")) > 200:
        raise bad("MESSAGE_TOO_LONG")
    world.answered[query_id] = given
    world.changed()
    return True


def send_photo(world: World, bot: Bot, given: Json) -> Json:
    return send_file(world, bot, given, "photo")


def send_document(world: World, bot: Bot, given: Json) -> Json:
    return send_file(world, bot, given, "document")


def send_file(world: World, bot: Bot, given: Json, kind: str) -> Json:
    chat = writable(world, given)
    return post(world, bot, chat, given, **caption(given), **stored(world, given[kind], kind))


def send_media_group(world: World, bot: Bot, given: Json) -> list[Json]:
    chat = writable(world, given)
    media = given["media"]
    if not 2 <= len(media) <= 10:
        raise bad("wrong number of messages in the album: must be from 2 to 10")
    if len({item["type"] for item in media}) > 1:
        raise bad("wrong media types: documents cannot be mixed with other types")
    group = str(world.next_id())
    sent = []
    for item in media:
        upload = given[item["media"].removeprefix("attach://")]
        content = {**caption(item), **stored(world, upload, item["type"]), "media_group_id": group}
        sent.append(post(world, bot, chat, given, **content))
    return sent


def caption(given: Json) -> Json:
    text = formatted(given, "caption", LONGEST_CAPTION)
    return {"caption": text} if text else {}


def stored(world: World, upload: Any, kind: str) -> Json:
    if not isinstance(upload, Upload):
        raise bad("wrong file identifier/HTTP URL specified")
    if not upload.content:
        raise bad("file must be non-empty")
    if kind == "photo":
        if not upload.content.startswith((b"\xff\xd8", b"\x89PNG")):
            raise bad("IMAGE_PROCESS_FAILED")
        return {"photo": [{**world.file(upload.name, upload.content, "photos"), "width": 1, "height": 1}]}
    file = world.file(upload.name, upload.content, "documents")
    return {"document": {**file, "file_name": upload.name}}


def get_file(world: World, bot: Bot, given: Json) -> Json:
    file = world.files.get(str(given["file_id"]))
    if file is None:
        raise bad("wrong file_id or the file is temporarily unavailable")
    if file["file_size"] > LARGEST_DOWNLOAD:
        raise bad("file is too big")
    named = {key: file[key] for key in ("file_id", "file_unique_id", "file_size")}
    return named | {"file_path": file["path"]}


def writable(world: World, given: Json) -> Chat:
    """Raises what keeps the bot from writing there."""
    chat = world.chats.get(given.get("chat_id", 0))
    if chat is None:
        raise bad("chat not found")
    if chat.upgraded_to:
        moved = "Bad Request: group chat was upgraded to a supergroup chat"
        raise Refusal(400, moved, migrate_to_chat_id=chat.upgraded_to)
    if chat.blocked:
        raise Refusal(403, BLOCKED)
    if chat.deactivated:
        raise Refusal(403, "Forbidden: user is deactivated")
    if chat.left:
        raise Refusal(403, "Forbidden: bot was kicked from the group chat")
    if not chat.started:
        raise Refusal(403, "Forbidden: bot can't initiate conversation with a user")
    return chat


def ours(world: World, bot: Bot, given: Json, what: str) -> tuple[Chat, Json]:
    chat = writable(world, given)
    message = chat.messages.get(int(given["message_id"]))
    if message is None:
        raise bad(f"message to {what} not found")
    if message["from"]["id"] != bot.id:
        raise bad(f"message can't be {what}ed")
    return chat, message


def post(world: World, bot: Bot, chat: Chat, given: Json, **content: Any) -> Json:
    shown = markup(given)
    reply = given.get("reply_parameters") or {}
    if reply:
        quoted = chat.messages.get(reply["message_id"])
        if quoted is None and not reply.get("allow_sending_without_reply"):
            raise bad("message to be replied not found")
        if quoted:
            content["reply_to_message"] = {key: quoted[key] for key in ("message_id", "date", "chat", "from")}
    world.pace(bot, chat)
    if given.get("message_thread_id"):
        content["message_thread_id"] = given["message_thread_id"]
        content["is_topic_message"] = True
    message = world.message(chat, bot.as_user(), **content, **shown)
    bot.calls.append(("send", message))
    world.changed()
    if world.on_sent:
        world.on_sent(message)
    # A keyboard in place of the phone's own is no part of the message.
    return {name: value for name, value in message.items() if name != "_keyboard"}


def formatted(given: Json, name: str, longest: int) -> str:
    if given.get("parse_mode"):
        raise bad("unsupported parse_mode")
    text = str(given.get(name, ""))
    if units(text) > longest:
        raise bad("message is too long" if name == "text" else "message caption is too long")
    return text


def entities(given: Json, text: str, name: str) -> Json:
    """Stricter than Telegram, which mends some of this in silence: whatever it would mend is a fault of the sender."""
    found = given.get(name) or []
    spans = []
    for entity in found:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        if entity["type"] not in FORMATS:
            raise bad(f"can't parse entities: unsupported type {entity['type']}")
        if start < 0 or entity["length"] <= 0 or end > units(text):
            raise bad("can't parse entities: an entity lies outside of the text")
        encoded = text.encode("utf-16-le")
        for edge in (start, end):
            if edge < units(text) and 0xDC <= encoded[edge * 2 + 1] <= 0xDF:
                raise bad("can't parse entities: an entity begins or ends inside a character")
        if entity["type"] == "text_link" and urlsplit(entity.get("url", "")).scheme not in ("http", "https", "mailto"):
            raise bad("can't parse entities: unsupported URL")
        spans.append((start, end, entity["type"]))
    for one, other in combinations(spans, 2):
        _check_nesting(one, other)
    return {"entities": found} if found else {}


def _check_nesting(one: tuple[int, int, str], other: tuple[int, int, str]) -> None:
    (_, end, kind), (begin, stop, sort) = sorted((one, other), key=lambda span: (span[0], -span[1], span[2] in ALONE))
    if begin >= end:
        return
    if stop > end:
        raise bad("can't parse entities: entities overlap without one being inside the other")
    if kind == sort:
        raise bad(f"can't parse entities: {kind} inside {sort}")
    if kind in ALONE or (sort in ALONE and kind != "blockquote"):
        raise bad(f"can't parse entities: {sort} inside {kind}")


def markup(given: Json) -> Json:
    given_markup = given.get("reply_markup") or {}
    if "keyboard" in given_markup:
        return {"_keyboard": given_markup["keyboard"]}
    keyboard = given_markup.get("inline_keyboard")
    if keyboard is None:
        return {}
    for button in [button for row in keyboard for button in row]:
        if not button["text"]:
            raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
        if "url" in button and urlsplit(button["url"]).scheme not in ("http", "https", "tg"):
            raise bad("BUTTON_URL_INVALID")
        if "url" not in button and not 1 <= len(button.get("callback_data", "").encode()) <= 64:
            raise bad("BUTTON_DATA_INVALID")
    return {"reply_markup": {"inline_keyboard": keyboard}} if keyboard else {}


def unknown(_: World, bot: Bot, given: Json) -> None:
    raise Refusal(404, "Not Found")


METHODS: dict[str, Callable[[World, Bot, Json], Any]] = {
    method.__name__.replace("_", ""): method
    for method in (
        get_me,
        set_webhook,
        delete_webhook,
        get_webhook_info,
        set_my_commands,
        send_message,
        edit_message_text,
        edit_message_caption,
        edit_message_reply_markup,
        delete_message,
        send_chat_action,
        answer_callback_query,
        send_photo,
        send_document,
        send_media_group,
        get_file,
    )
}
