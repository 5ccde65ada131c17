"""Sending to Telegram: in pieces that fit, within its rates, files after the words."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from uuid import UUID

from telegram import Bot, LinkPreviewOptions, ReplyParameters
from telegram import Message as Sent
from telegram.constants import FileSizeLimit
from telegram.error import BadRequest, ChatMigrated, TelegramError

from connectors.telegram import keyboards
from connectors.telegram.client import Bots, as_delivery_error, bot_id
from connectors.telegram.pace import Pace
from connectors.telegram.rich import Piece, render
from connectors.telegram.sent import SentAs
from core.messages import Attachment, OutboundMessage
from core.models import Channel
from core.outbox import DeliveryError

REMEMBERED = 10_000
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
Markup = keyboards.InlineKeyboardMarkup | keyboards.ReplyKeyboardMarkup | None


class TelegramSender:
    """A `core.outbox.Sender`. Telegram takes no idempotency key: what was sent of a message that failed half-way is
    remembered, so that the next try goes on from there; only a process that dies in between may say a piece twice."""

    def __init__(self, bots: Bots) -> None:
        self._bots = bots
        self._pace = Pace()
        self._begun: OrderedDict[UUID, list[int]] = OrderedDict()
        """Messages of deliveries that broke off: a new try goes on behind them."""

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
            failure = as_delivery_error(error, channel)
            if failure.retry_after:
                self._pace.told(channel.id, failure.retry_after)
            if failure.permanent:
                self._begun.pop(message.delivery_id, None)
            raise failure from error

    async def _do(self, message: OutboundMessage, channel: Channel, chat_id: int) -> str | None:
        if message.action == "send":
            return await self._send(message, channel, chat_id)
        sent = SentAs.read(message.sent_as or "")
        if message.action == "delete":
            await self._delete(channel, sent.chat, (*sent.texts, *sent.files))
            return message.sent_as
        return await self._edit(message, channel, sent)

    async def _send(self, message: OutboundMessage, channel: Channel, chat_id: int) -> str:
        bot, markup = self._bots.of(channel), _buttons(message)
        pieces = self._rendered(message) if message.text or not message.attachments else []
        sent = self._begun.setdefault(message.delivery_id, [])
        while len(self._begun) > REMEMBERED:
            self._begun.popitem(last=False)
        for number, piece in enumerate(pieces):
            if number >= len(sent):
                last = number == len(pieces) - 1
                await self._pace.wait(channel.id, chat_id)
                sent.append((await self._say(bot, message, chat_id, piece, markup if last else None)).message_id)
        for number, attachment in enumerate(message.attachments, len(pieces)):
            if number >= len(sent):
                await self._pace.wait(channel.id, chat_id)
                sent.append((await self._hand(bot, message, chat_id, attachment)).message_id)
        del self._begun[message.delivery_id]
        return str(SentAs(bot_id(bot), chat_id, tuple(sent[: len(pieces)]), tuple(sent[len(pieces) :])))

    def _rendered(self, message: OutboundMessage) -> list[Piece]:
        speaker = message.name if message.author == "agent" else ""
        return render(message.text, message.citations, str(self._bots.settings.public_url or ""), speaker)

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
        if not attachment.content:
            raise DeliveryError(f"{attachment.name} is empty, which Telegram refuses.", permanent=True)
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

    async def _edit(self, message: OutboundMessage, channel: Channel, sent: SentAs) -> str:
        """The first pieces change in place; pieces too many go, and what is more comes behind."""
        pieces = self._rendered(message)
        markup = _buttons(message)
        inline = markup if isinstance(markup, keyboards.InlineKeyboardMarkup) else None
        texts = list(sent.texts[: len(pieces)])
        for number, (piece, message_id) in enumerate(zip(pieces, texts, strict=False)):
            await self._pace.wait(channel.id, sent.chat)
            await self._change(channel, sent.chat, message_id, piece, inline if number == len(pieces) - 1 else None)
        for number, piece in enumerate(pieces[len(texts) :], len(texts)):
            await self._pace.wait(channel.id, sent.chat)
            last = number == len(pieces) - 1
            said = await self._say(self._bots.of(channel), message, sent.chat, piece, inline if last else None)
            texts.append(said.message_id)
        await self._delete(channel, sent.chat, sent.texts[len(pieces) :])
        return str(SentAs(sent.bot, sent.chat, tuple(texts), sent.files))

    async def _change(
        self,
        channel: Channel,
        chat_id: int,
        message_id: int,
        piece: Piece,
        markup: keyboards.InlineKeyboardMarkup | None,
    ) -> None:
        try:
            await self._bots.of(channel).edit_message_text(
                piece.text,
                chat_id,
                message_id,
                entities=piece.entities,
                reply_markup=markup,
                link_preview_options=NO_PREVIEW,
            )
        except BadRequest as error:
            if "not modified" not in error.message.lower():
                raise

    async def _delete(self, channel: Channel, chat_id: int, ids: Iterable[int]) -> None:
        for message_id in ids:
            await self._pace.wait(channel.id, chat_id)
            try:
                await self._bots.of(channel).delete_message(chat_id, message_id)
            except BadRequest as error:
                if "not found" not in error.message.lower():
                    raise


def _buttons(message: OutboundMessage) -> Markup:
    language = message.recipient.language
    if message.kind == "rating" and message.ticket_number:
        return keyboards.ratings(message.ticket_number)
    if message.kind == "language":
        return keyboards.languages()
    if message.kind == "privacy":
        return keyboards.erase(language)
    if message.kind == "greeting" and message.choices:
        return keyboards.questions(message.choices)
    if message.kind == "message" and message.author == "ai" and message.citations:
        return keyboards.below_answer(message.id, language)
    return None


def _reply_to(message: OutboundMessage) -> ReplyParameters | None:
    reply_to = message.thread.get("reply_to")
    return ReplyParameters(reply_to, allow_sending_without_reply=True) if reply_to else None
