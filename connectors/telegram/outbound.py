"""Sending to Telegram: in pieces that fit, within its rates, files after the words."""

from __future__ import annotations

from collections import OrderedDict
from uuid import UUID

from aiolimiter import AsyncLimiter
from telegram import Bot, LinkPreviewOptions, ReplyParameters
from telegram import Message as Sent
from telegram.constants import FileSizeLimit
from telegram.error import BadRequest, ChatMigrated, TelegramError

from connectors.telegram import keyboards
from connectors.telegram.client import Bots, as_delivery_error
from connectors.telegram.rich import Piece, render
from core.messages import Attachment, OutboundMessage
from core.models import Channel
from core.outbox import DeliveryError

# https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
A_BOT = (30, 1.0)
A_CHAT = (3, 3.0)
"""One message a second to a chat, with room for a short burst."""
A_GROUP = (20, 60.0)
REMEMBERED = 10_000
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
Markup = keyboards.InlineKeyboardMarkup | keyboards.ReplyKeyboardMarkup | None


class Rates:
    """How fast one bot may go: waiting here is cheaper than being refused."""

    def __init__(self) -> None:
        self._bots: dict[UUID, AsyncLimiter] = {}
        self._chats: OrderedDict[tuple[UUID, int], AsyncLimiter] = OrderedDict()

    async def wait(self, channel_id: UUID, chat_id: int) -> None:
        """Groups have negative ids."""
        key = (channel_id, chat_id)
        chat = self._chats.setdefault(key, AsyncLimiter(*(A_CHAT if chat_id > 0 else A_GROUP)))
        self._chats.move_to_end(key)
        if len(self._chats) > REMEMBERED:
            self._chats.popitem(last=False)
        await chat.acquire()
        await self._bots.setdefault(channel_id, AsyncLimiter(*A_BOT)).acquire()


class TelegramSender:
    """A `core.outbox.Sender`. What it returns is `chat:id,id,…`: one id for each piece."""

    def __init__(self, bots: Bots) -> None:
        self._bots = bots
        self._rates = Rates()
        self._begun: OrderedDict[UUID, list[int]] = OrderedDict()
        """Pieces of deliveries that broke off: a new try goes on behind them."""

    async def aclose(self) -> None:
        await self._bots.aclose()

    async def send(self, message: OutboundMessage, channel: Channel) -> str | None:
        chat_id = int(message.thread.get("chat_id") or message.recipient.external_id.rpartition(":")[2])
        try:
            try:
                return await self._do(message, channel, chat_id)
            except ChatMigrated as moved:
                return await self._do(message, channel, moved.new_chat_id)
        except TelegramError as error:
            raise as_delivery_error(error, channel) from error

    async def _do(self, message: OutboundMessage, channel: Channel, chat_id: int) -> str | None:
        if message.action == "send":
            return await self._send(message, channel, chat_id)
        known_chat, _, known = (message.sent_as or "").partition(":")
        ids = [int(number) for number in known.split(",") if number]
        if message.action == "delete":
            await self._delete(channel, int(known_chat), ids)
        else:
            await self._edit(message, channel, int(known_chat), ids)
        return message.sent_as

    async def _send(self, message: OutboundMessage, channel: Channel, chat_id: int) -> str:
        bot, markup = self._bots.of(channel), _buttons(message)
        pieces = self._rendered(message) if message.text or not message.attachments else []
        sent = self._begun.setdefault(message.delivery_id, [])
        while len(self._begun) > REMEMBERED:
            self._begun.popitem(last=False)
        for number, piece in enumerate(pieces):
            if number >= len(sent):
                last = number == len(pieces) - 1
                await self._rates.wait(channel.id, chat_id)
                sent.append((await self._say(bot, message, chat_id, piece, markup if last else None)).message_id)
        for number, attachment in enumerate(message.attachments, len(pieces)):
            if number >= len(sent):
                await self._rates.wait(channel.id, chat_id)
                sent.append((await self._hand(bot, message, chat_id, attachment)).message_id)
        del self._begun[message.delivery_id]
        return f"{chat_id}:{','.join(map(str, sent))}"

    def _rendered(self, message: OutboundMessage) -> list[Piece]:
        return render(message.text, message.citations, str(self._bots.settings.public_url or ""))

    async def _say(self, bot: Bot, message: OutboundMessage, chat_id: int, piece: Piece, markup: Markup) -> Sent:
        return await bot.send_message(
            chat_id,
            piece.text,
            entities=piece.entities,
            reply_markup=markup,
            message_thread_id=message.thread.get("topic"),
            reply_parameters=_reply_to(message),
            link_preview_options=NO_PREVIEW,
        )

    async def _hand(self, bot: Bot, message: OutboundMessage, chat_id: int, attachment: Attachment) -> Sent:
        if len(attachment.content) > FileSizeLimit.FILESIZE_UPLOAD:
            raise DeliveryError(
                f"{attachment.name} is larger than the 50 MB that Telegram takes from bots. Send a link to it instead.",
                permanent=True,
            )
        where = {"message_thread_id": message.thread.get("topic"), "reply_parameters": _reply_to(message)}
        if attachment.content_type in ("image/jpeg", "image/png", "image/webp"):
            try:
                return await bot.send_photo(chat_id, attachment.content, filename=attachment.name, **where)
            except BadRequest:
                pass  # too large or too long for a photo; as a file it goes
        return await bot.send_document(chat_id, attachment.content, filename=attachment.name, **where)

    async def _edit(self, message: OutboundMessage, channel: Channel, chat_id: int, ids: list[int]) -> None:
        """The first pieces change in place; pieces too many go, and what is more comes behind."""
        bot, pieces = self._bots.of(channel), self._rendered(message)
        files = len(message.attachments)
        said = ids[: len(ids) - files]
        for piece, message_id in zip(pieces, said, strict=False):
            await self._rates.wait(channel.id, chat_id)
            try:
                await bot.edit_message_text(
                    piece.text, chat_id, message_id, entities=piece.entities, link_preview_options=NO_PREVIEW
                )
            except BadRequest as error:
                if "not modified" not in error.message.lower():
                    raise
        for piece in pieces[len(said) :]:
            await self._rates.wait(channel.id, chat_id)
            await self._say(bot, message, chat_id, piece, None)
        await self._delete(channel, chat_id, said[len(pieces) :])

    async def _delete(self, channel: Channel, chat_id: int, ids: list[int]) -> None:
        for message_id in ids:
            await self._rates.wait(channel.id, chat_id)
            try:
                await self._bots.of(channel).delete_message(chat_id, message_id)
            except BadRequest as error:
                if "not found" not in error.message.lower():
                    raise


def _buttons(message: OutboundMessage) -> Markup:
    language = message.recipient.language
    if message.kind == "rating" and message.ticket_number:
        return keyboards.ratings(message.ticket_number)
    if message.kind == "greeting" and message.choices:
        return keyboards.questions(message.choices)
    if message.kind == "message" and message.author == "ai" and message.citations:
        return keyboards.below_answer(message.id, language)
    return None


def _reply_to(message: OutboundMessage) -> ReplyParameters | None:
    reply_to = message.thread.get("reply_to")
    return ReplyParameters(reply_to, allow_sending_without_reply=True) if reply_to else None
