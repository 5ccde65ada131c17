"""What agents say to customers, and how they take it back."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from core import tickets
from core.desk.acting import Agent, changed, hand_to, note, ticket_of
from core.desk.closing import close
from core.errors import BadInput, Forbidden
from core.messages import Attachment, Citation
from core.models import Channel, Conversation, Message, Ticket, now
from core.outbox import NewMessage, Outbox, Place
from core.tenancy import Scope

LONGEST_REPLY = 100_000


async def reply(
    scope: Scope,
    outbox: Outbox,
    agent: Agent,
    number: int,
    text: str,
    *,
    resolve: bool = False,
    attachments: tuple[Attachment, ...] = (),
    hold: timedelta = timedelta(),
) -> UUID:
    """Sends the agent's words to the customer; the bot falls silent. Returns the message's id.

    For `hold` it can be undone, except where the customer reads our database. Files alone need no words.
    """
    text = sendable(text) if text.strip() or not attachments else ""
    ticket = await ticket_of(scope, number)
    await hand_to(scope, ticket.conversation_id, "person")
    await tickets.outdate_drafts(scope, ticket.conversation_id)
    message_id = await send(scope, outbox, agent, ticket, text, attachments=attachments, hold=hold)
    await answered(scope, outbox, agent, ticket, resolve=resolve)
    await changed(scope, outbox, agent, "ticket.replied", ticket, message=str(message_id))
    return message_id


async def undo(scope: Scope, outbox: Outbox, agent: Agent, message_id: UUID) -> None:
    """Calls a reply back before it is sent. Raises `Conflict` if it is too late, `Forbidden` for another's reply."""
    ticket = await _ticket_of_reply(scope, agent, message_id)
    await outbox.undo(scope, message_id)
    await _changed(scope, outbox, agent, "message.undone", message_id, ticket)


async def edit_reply(scope: Scope, outbox: Outbox, agent: Agent, message_id: UUID, text: str) -> None:
    """Corrects a reply, also where it was sent; one that says so already is not sent again.

    Raises `Forbidden` for another's reply, `Conflict` if it is gone.
    """
    ticket = await _ticket_of_reply(scope, agent, message_id)
    message, text = await scope.get(Message, message_id), sendable(text)
    before = message.text
    if text == before and message.retracted_at is None:
        return
    await outbox.edit(scope, message_id, text)
    await _changed(scope, outbox, agent, "message.edited", message_id, ticket, before=before)


async def retract(scope: Scope, outbox: Outbox, agent: Agent, message_id: UUID) -> None:
    """Takes a reply back, also where it was sent. Raises like `edit_reply`."""
    ticket = await _ticket_of_reply(scope, agent, message_id)
    await outbox.retract(scope, message_id)
    await _changed(scope, outbox, agent, "message.retracted", message_id, ticket)


async def send(
    scope: Scope,
    outbox: Outbox,
    agent: Agent,
    ticket: Ticket,
    text: str,
    citations: tuple[Citation, ...] = (),
    attachments: tuple[Attachment, ...] = (),
    hold: timedelta = timedelta(),
) -> UUID:
    message = NewMessage(
        author="agent",
        speaker=agent.name,
        text=text,
        citations=citations,
        member_id=agent.id,
        attachments=attachments,
        hold=hold,
    )
    return await outbox.post(scope, await place_of(scope, ticket), message)


async def place_of(scope: Scope, ticket: Ticket) -> Place:
    """Where the ticket's customer is written to."""
    row = (
        await scope.session.execute(
            scope.select(Conversation, Conversation.channel_id, Channel.kind)
            .join(Channel, Channel.id == Conversation.channel_id)
            .where(Conversation.id == ticket.conversation_id)
        )
    ).one()
    return Place(ticket.conversation_id, row.channel_id, row.kind)


async def answered(scope: Scope, outbox: Outbox, agent: Agent, ticket: Ticket, *, resolve: bool) -> None:
    """The customer has heard from a person: nobody waits any more."""
    moment = now()
    values = {
        "status": "pending",
        "assignee_id": ticket.assignee_id or agent.id,
        "first_reply_at": ticket.first_reply_at or moment,
        "due_at": None,
        "overdue_at": None,
        "assigned_at": ticket.assigned_at or moment,
        "snoozed_until": None,
        "updated_at": moment,
    }
    await scope.session.execute(
        scope.update(Ticket).where(Ticket.id == ticket.id, Ticket.status != "resolved").values(**values)
    )
    await scope.session.execute(
        scope.update(Conversation).where(Conversation.id == ticket.conversation_id).values(last_message_at=moment)
    )
    if resolve:
        await close(scope, outbox, ticket, "solved")


def sendable(text: str) -> str:
    text = text.strip()
    if not text:
        raise BadInput("The reply is empty. Write what the customer should read.")
    if len(text) > LONGEST_REPLY:
        raise BadInput(f"The reply has {len(text):,} characters; the most is {LONGEST_REPLY:,}.")
    return text


async def _ticket_of_reply(scope: Scope, agent: Agent, message_id: UUID) -> Ticket | None:
    """The newest ticket of the reply's conversation."""
    message = await scope.get(Message, message_id)
    if message.member_id != agent.id:
        raise Forbidden("Only who wrote a reply can change it.")
    found: Ticket | None = await scope.session.scalar(
        scope.select(Ticket)
        .where(Ticket.conversation_id == message.conversation_id)
        .order_by(Ticket.number.desc())
        .limit(1)
    )
    return found


async def _changed(
    scope: Scope, outbox: Outbox, agent: Agent, action: str, message_id: UUID, ticket: Ticket | None, **details: str
) -> None:
    note(scope, agent, action, message_id, **details)
    if ticket:
        await outbox.tell_desks(scope, ticket)
