"""What an agent wants to know around a conversation: who else reads it, what else the customer wrote, and whether
answers arrive."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from core.models import Channel, Conversation, CustomerIdentity, Participant, Ticket
from core.tenancy import Scope

MOST = 20


class Person(BaseModel):
    name: str | None
    address: str


class Elsewhere(BaseModel):
    """Another conversation of the same customer."""

    id: UUID
    subject: str
    channel: str
    last_message_at: datetime
    ticket: int | None
    """Its open ticket."""
    linked: bool
    """One of the two grew out of the other: somebody wrote in it who did not take part."""


class Surroundings(BaseModel):
    participants: list[Person]
    """Who gets a copy, beside the customer."""
    elsewhere: list[Elsewhere]
    unreachable: str | None
    """Why nothing arrives at the customer on this channel, as the outside said."""


async def around(scope: Scope, conversation: Conversation) -> Surroundings:
    return Surroundings(
        participants=await _participants(scope, conversation),
        elsewhere=await _elsewhere(scope, conversation),
        unreachable=await _unreachable(scope, conversation),
    )


async def _participants(scope: Scope, conversation: Conversation) -> list[Person]:
    rows = await scope.session.execute(
        scope.select(Participant, Participant.name, Participant.external_id)
        .where(Participant.conversation_id == conversation.id)
        .order_by(Participant.id)
        .limit(MOST)
    )
    return [Person(name=row.name, address=row.external_id) for row in rows]


async def _elsewhere(scope: Scope, conversation: Conversation) -> list[Elsewhere]:
    """The newest first. What is linked belongs to another customer, and is shown all the same."""
    is_linked = (Conversation.linked_to_id == conversation.id) | (Conversation.id == conversation.linked_to_id)
    rows = await scope.session.execute(
        scope.select(Conversation, Conversation, Channel.name, Ticket.number, is_linked)
        .join(Channel, Channel.id == Conversation.channel_id)
        .outerjoin(Ticket, (Ticket.conversation_id == Conversation.id) & (Ticket.status != "resolved"))
        .where(Conversation.id != conversation.id)
        .where((Conversation.customer_id == conversation.customer_id) | is_linked)
        .order_by(Conversation.last_message_at.desc())
        .limit(MOST)
    )
    return [
        Elsewhere(
            id=other.id,
            subject=other.subject,
            channel=channel,
            last_message_at=other.last_message_at,
            ticket=number,
            linked=bool(linked),
        )
        for other, channel, number, linked in rows
    ]


async def _unreachable(scope: Scope, conversation: Conversation) -> str | None:
    reason: str | None = await scope.session.scalar(
        scope.select(CustomerIdentity, CustomerIdentity.unreachable)
        .where(CustomerIdentity.customer_id == conversation.customer_id)
        .where(CustomerIdentity.channel_id == conversation.channel_id, CustomerIdentity.unreachable.is_not(None))
        .limit(1)
    )
    return reason
