"""Every way in ends here: a mail's bytes become a message of the right conversation, once."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from connectors.email.autoreply import BY_A_LIST
from connectors.email.inbound import ParsedEmail, parse_email
from connectors.email.pace import Pace
from connectors.email.settings import MailSettings, settings_of
from connectors.email.tokens import MailTokens
from core import participants
from core.db import Database
from core.inbox import Inbox, Receipt, key
from core.messages import Attachment, InboundMessage, JsonObject, Person
from core.models import Channel, Conversation, Customer, Member, Message
from core.outbox import Outbox
from core.settings import Settings
from core.tenancy import Scope

LARGE = 100_000
"""Above that many bytes a mail is read beside the event loop."""
MOST_REFERENCES = 30
MOST_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class _Home:
    """Where a mail belongs."""

    conversation_id: UUID | None = None
    holds_token: bool = False
    """It came to an address that only who got our mail knows."""


@dataclass(frozen=True, slots=True)
class _Place:
    """What becomes of it: joins `conversation_id`, or opens one that is linked to another."""

    conversation_id: UUID | None = None
    is_customer: bool = True
    linked_to: UUID | None = None
    joins: bool = False
    """The sender has not written here by mail before, and gets the next answers."""


class Mailroom:
    def __init__(self, settings: Settings, db: Database, inbox: Inbox, outbox: Outbox) -> None:
        self._db = db
        self._inbox = inbox
        self._outbox = outbox
        self._tokens = MailTokens(settings.key())
        self._pace = Pace()

    async def receive(self, channel: Channel, raw: bytes, came_to: tuple[str, ...] = ()) -> Receipt | None:
        """Stores a mail. When this returns it is durable, or known already; None for a mail of our own.

        `came_to` are the addresses of the envelope, where the way in knows them.
        """
        mail = parse_email(raw) if len(raw) < LARGE else await asyncio.to_thread(parse_email, raw)
        if self._tokens.of_message_id(channel.organization_id, mail.message_id):
            return None  # what we sent, come back: a copy to ourselves, a list, a forwarding loop
        mailbox = settings_of(channel)
        mail = _as_written(mail, mailbox)
        if mail.bounce:
            return await self._bounced(channel, mail, raw)
        async with self._db.read(channel.organization_id) as scope:
            if mail.forwarded and mail.forwarded.sender and await _is_member(scope, mail.sender.external_id):
                return await self._store(channel, _for_original_sender(channel, mail))
            place = await self._place(scope, channel, mail, came_to)
        inbound = self._inbound(channel, mailbox, mail, place, raw)
        return await self._store(channel, inbound)

    async def _place(self, scope: Scope, channel: Channel, mail: ParsedEmail, came_to: tuple[str, ...]) -> _Place:
        home = await self._home(scope, channel, mail, came_to)
        if home.conversation_id is None or not await participants.exists(scope, home.conversation_id):
            return _Place()
        sender = key(mail.sender.external_id)
        role = await participants.role(scope, home.conversation_id, channel.id, sender)
        if role is None and home.holds_token:
            # A customer who wrote elsewhere first, and left this address; or someone they sent our mail on to.
            is_customer = await _left_address(scope, home.conversation_id, sender)
            return _Place(home.conversation_id, is_customer, joins=True)
        if role is None:
            return _Place(linked_to=home.conversation_id)
        return _Place(home.conversation_id, role == "customer")

    async def _home(self, scope: Scope, channel: Channel, mail: ParsedEmail, came_to: tuple[str, ...]) -> _Home:
        """By what only we can have made; then by the ids of mails that we know. Never by a number in the subject."""
        organization_id = channel.organization_id
        addresses = (*came_to, *(person.external_id for person in mail.recipients), *mail.delivered_to)
        if named := self._tokens.of_addresses(organization_id, addresses):
            return _Home(named, holds_token=True)
        answered = (mail.in_reply_to,) if mail.in_reply_to else ()
        known = [*answered, *reversed(mail.references[-MOST_REFERENCES:])]
        for message_id in known:
            if sent := self._tokens.of_message_id(organization_id, message_id):
                return _Home(sent[0])
        if known and (found := await participants.conversation_of(scope, channel.id, [key(one) for one in known])):
            return _Home(found)
        return _Home(self._tokens.of_subject(organization_id, mail.subject))

    def _inbound(
        self, channel: Channel, mailbox: MailSettings, mail: ParsedEmail, place: _Place, raw: bytes
    ) -> InboundMessage:
        automatic = _why_automatic(mail, mailbox) or self._pace.too_fast(channel.id, mail.sender.external_id)
        others = () if automatic else _others(mail, mailbox)
        if place.joins:
            others = (mail.sender, *others)
        return InboundMessage(
            organization_id=channel.organization_id,
            channel_id=channel.id,
            external_id=mail.message_id,
            author=replace(mail.sender, external_id=key(mail.sender.external_id or "unknown"), verified=True),
            text=_text(mail),
            thread=_thread(mail),
            conversation_id=place.conversation_id or new_conversation(channel, mail),
            attachments=_attachments(mail, raw),
            subject=mail.subject,
            speaker="" if place.is_customer else mail.sender.name or mail.sender.external_id,
            participants=others,
            linked_to=place.linked_to,
            automatic=automatic,
            silent=bool(automatic),
        )

    async def _bounced(self, channel: Channel, mail: ParsedEmail, raw: bytes) -> Receipt | None:
        """Told to whoever waits for an answer to the mail that came back, if it was ours; kept in any case."""
        assert mail.bounce is not None
        sent = self._tokens.of_message_id(channel.organization_id, mail.bounce.original_message_id or "")
        place = _Place(sent[0], is_customer=False) if sent else _Place()
        address = (mail.bounce.recipient or "").lower()
        detail = mail.bounce.diagnostic or mail.bounce.status
        if sent and mail.bounce.permanent:
            said = f"{address or 'The address'} does not take mail ({detail})."
            await self._outbox.bounced(channel.organization_id, channel.id, sent[1], address, said)
        inbound = replace(
            self._inbound(channel, settings_of(channel), mail, place, raw),
            participants=(),
            thread={},
            silent=True,
            automatic="bounce",
        )
        return await self._store(channel, inbound)

    async def _store(self, channel: Channel, inbound: InboundMessage) -> Receipt:
        receipt = await self._inbox.receive(inbound)
        if receipt.duplicate and not await self._same(channel, receipt, inbound):
            # Broken senders give many mails one id, and none of them may be lost.
            digest = hashlib.sha256(f"{inbound.author.external_id}\n{inbound.text}".encode()).hexdigest()[:16]
            again = replace(inbound, external_id=f"{inbound.external_id}#{digest}")
            return await self._inbox.receive(again)
        return receipt

    async def _same(self, channel: Channel, receipt: Receipt, inbound: InboundMessage) -> bool:
        async with self._db.read(channel.organization_id) as scope:
            message = await scope.get(Message, receipt.message_id)
        return message.text == inbound.text.replace("\x00", "")


def new_conversation(channel: Channel, mail: ParsedEmail) -> UUID:
    """The same for the same mail, so that one which is brought twice at once opens one."""
    return uuid5(channel.id, f"{mail.message_id}\n{mail.sender.external_id}\n{mail.text}")


def _as_written(mail: ParsedEmail, mailbox: MailSettings) -> ParsedEmail:
    """A support address may be a group (at Google: `List-ID: <support.acme.example>`). What comes through it is no
    mailing list's mail for that; and where the sender's domain is strict, the group stands in From, and the sender in
    Reply-To."""
    ours = mailbox.address.lower()
    if f"<{ours.replace('@', '.')}>" not in (mail.list_id or "").lower():
        return mail
    if mail.sender.external_id == ours:
        written_by = next((person for person in mail.reply_to if person.external_id != ours), mail.sender)
        mail = replace(mail, sender=written_by)
    if (mail.auto_reply_reason or "").startswith(BY_A_LIST):
        mail = replace(mail, auto_reply=False, auto_reply_reason=None)
    return mail


def _why_automatic(mail: ParsedEmail, mailbox: MailSettings) -> str:
    if mail.auto_reply:
        return mail.auto_reply_reason or "automatic"
    if mail.sender.external_id == mailbox.address.lower():
        return "our own address"
    return "" if mail.sender.external_id else "no sender"


def _others(mail: ParsedEmail, mailbox: MailSettings) -> tuple[Person, ...]:
    """Who else got it, and so is part of it; nobody in particular if it went to a crowd."""
    if len(mail.recipients) > participants.MOST:
        return ()
    local, _, domain = mailbox.address.lower().rpartition("@")
    found = {}
    for person in mail.recipients:
        name, _, at = person.external_id.lower().rpartition("@")
        is_ours = at == domain and name.partition("+")[0] == local
        if person.external_id and not is_ours and person.external_id != mail.sender.external_id:
            found[person.external_id] = person
    return tuple(found.values())


def _for_original_sender(channel: Channel, mail: ParsedEmail) -> InboundMessage:
    """An agent sent on what a customer had written to them: it is the customer's, and so is the answer."""
    forwarded = mail.forwarded
    assert forwarded is not None
    assert forwarded.sender is not None
    return InboundMessage(
        organization_id=channel.organization_id,
        channel_id=channel.id,
        external_id=mail.message_id,
        author=replace(forwarded.sender, external_id=key(forwarded.sender.external_id.lower()), verified=True),
        text=forwarded.text or forwarded.subject or mail.subject,
        thread={"message_id": forwarded.message_id, "references": [], "subject": forwarded.subject},
        conversation_id=new_conversation(channel, mail),
        attachments=tuple(Attachment(one.name, one.content_type, one.content) for one in mail.attachments),
        subject=forwarded.subject or mail.subject,
    )


def _thread(mail: ParsedEmail) -> JsonObject:
    known = [*mail.references[-MOST_REFERENCES:]]
    return {
        "message_id": mail.message_id if mail.has_message_id else None,
        "references": [one for one in known if len(one) < 500],
        "subject": mail.subject[:300],
    }


def _text(mail: ParsedEmail) -> str:
    if mail.text:
        return mail.text
    names = ", ".join(one.name for one in mail.attachments)
    return mail.subject or (f"[{names}]" if names else mail.full_text) or "[empty mail]"


def _attachments(mail: ParsedEmail, raw: bytes) -> tuple[Attachment, ...]:
    files = tuple(Attachment(one.name, one.content_type, one.content) for one in mail.attachments)
    whole = Attachment("mail.eml", "message/rfc822", raw)
    return (*files, whole) if mail.problem else files


async def _is_member(scope: Scope, address: str) -> bool:
    found = await scope.session.scalar(
        scope.select(Member, Member.id).where(Member.email == address.lower(), Member.disabled_at.is_(None))
    )
    return found is not None


async def _left_address(scope: Scope, conversation_id: UUID, address: str) -> bool:
    """Whether the conversation's customer said that this address is theirs; the token shows that they read it."""
    found = await scope.session.scalar(
        scope.select(Conversation, Conversation.id)
        .join(Customer, Customer.id == Conversation.customer_id)
        .where(Conversation.id == conversation_id, Customer.email == address)
    )
    return found is not None
