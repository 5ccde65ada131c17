"""Who takes part in a conversation beside its customer, and which conversation a message belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from sqlalchemy import bindparam, select

from core.messages import Person
from core.models import Conversation, CustomerIdentity, Message, Participant, new_id, storable
from core.tenancy import Scope, ours

MOST = 20
"""A mail to ten thousand has no ten thousand participants."""
Role = Literal["customer", "participant"]

OF_MESSAGES = (
    select(Message.external_id, Message.conversation_id)
    .where(
        Message.organization_id == ours(),
        Message.channel_id == bindparam("channel_id"),
        Message.external_id.in_(bindparam("external_ids", expanding=True)),
    )
    .order_by(Message.id.desc())
)
IS_CUSTOMER = (
    select(CustomerIdentity.id)
    .join(Conversation, Conversation.customer_id == CustomerIdentity.customer_id)
    .where(
        CustomerIdentity.organization_id == ours(),
        Conversation.id == bindparam("conversation_id"),
        CustomerIdentity.channel_id == bindparam("channel_id"),
        CustomerIdentity.external_id == bindparam("external_id"),
    )
    .limit(1)
)
IS_PARTICIPANT = select(Participant.id).where(
    Participant.organization_id == ours(),
    Participant.conversation_id == bindparam("conversation_id"),
    Participant.channel_id == bindparam("channel_id"),
    Participant.external_id == bindparam("external_id"),
)
EXISTS = select(Conversation.id).where(
    Conversation.organization_id == ours(), Conversation.id == bindparam("conversation_id")
)


async def conversation_of(scope: Scope, channel_id: UUID, external_ids: Sequence[str]) -> UUID | None:
    """The conversation of the message with one of these ids; of several, of the first named."""
    found = await scope.run(OF_MESSAGES, channel_id=channel_id, external_ids=list(external_ids))
    known = {row.external_id: row.conversation_id for row in found}
    return next((known[external_id] for external_id in external_ids if external_id in known), None)


async def exists(scope: Scope, conversation_id: UUID) -> bool:
    return (await scope.run(EXISTS, conversation_id=conversation_id)).scalar() is not None


async def role(scope: Scope, conversation_id: UUID, channel_id: UUID, external_id: str) -> Role | None:
    """What `external_id` is in this conversation; None for a stranger."""
    who = {"conversation_id": conversation_id, "channel_id": channel_id, "external_id": external_id}
    if (await scope.run(IS_CUSTOMER, **who)).scalar():
        return "customer"
    return "participant" if (await scope.run(IS_PARTICIPANT, **who)).scalar() else None


async def join(scope: Scope, conversation_id: UUID, channel_id: UUID, people: Sequence[Person]) -> None:
    """Adds `people`, as far as there is room; who takes part already stays as they are."""
    known = set(
        await scope.session.scalars(
            scope.select(Participant, Participant.external_id).where(
                Participant.conversation_id == conversation_id, Participant.channel_id == channel_id
            )
        )
    )
    new = {person.external_id: person for person in people if person.external_id not in known}
    for person in list(new.values())[: MOST - len(known)]:
        await scope.insert_if_absent(
            Participant,
            id=new_id(),
            conversation_id=conversation_id,
            channel_id=channel_id,
            external_id=storable(person.external_id)[:320],
            name=storable(person.name)[:200] if person.name else None,
        )
