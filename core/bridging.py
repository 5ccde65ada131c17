"""An agent's reply for a customer who has gone: sent after them, to the address they left."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from core.models import Channel, Conversation, Customer, Delivery, Message, new_id
from core.tenancy import Scope

PATIENCE = timedelta(seconds=90)
"""Who is still there sees the reply where they wrote. Longer than channels take to notice that somebody looks."""


async def queue(
    scope: Scope, conversation_id: UUID, message_id: UUID, kinds: Collection[str], moment: datetime
) -> None:
    """Sends the message by the first channel of one of `kinds`, unless the customer has seen it by then."""
    address: str | None = await scope.session.scalar(
        scope.select(Customer, Customer.email)
        .join(Conversation, Conversation.customer_id == Customer.id)
        .where(Conversation.id == conversation_id)
    )
    channel_id = await scope.session.scalar(
        scope.select(Channel, Channel.id)
        .where(Channel.kind.in_(kinds), Channel.disabled_at.is_(None))
        .order_by(Channel.id)
        .limit(1)
    )
    if not address or not channel_id:
        return
    await scope.insert_if_absent(
        Delivery,
        id=new_id(),
        conversation_id=conversation_id,
        message_id=message_id,
        channel_id=channel_id,
        recipient=address,
        available_at=moment + PATIENCE,
    )


async def was_seen(scope: Scope, delivery: Delivery) -> bool:
    """Whether the customer has looked into the conversation since the message was written."""
    seen = await scope.session.scalar(
        scope.select(Conversation, Conversation.id)
        .join(Message, Message.conversation_id == Conversation.id)
        .where(Message.id == delivery.message_id, Conversation.customer_seen_at >= Message.created_at)
    )
    return seen is not None
