"""A group that becomes a supergroup gets another id: its conversations go on there."""

from __future__ import annotations

from core.db import Database
from core.models import Channel, Conversation, CustomerIdentity


async def move(db: Database, channel: Channel, before: int, after: int) -> None:
    """Safe to repeat. https://core.telegram.org/bots/api#message (migrate_to_chat_id)"""
    async with db.write(channel.organization_id) as scope:
        people = await scope.session.scalars(
            scope.select(CustomerIdentity).where(
                CustomerIdentity.channel_id == channel.id, CustomerIdentity.external_id.startswith(f"{before}:")
            )
        )
        for identity in people.all():
            identity.external_id = f"{after}:{identity.external_id.partition(':')[2]}"
            talks = await scope.session.scalars(
                scope.select(Conversation).where(
                    Conversation.customer_id == identity.customer_id, Conversation.channel_id == channel.id
                )
            )
            for conversation in talks.all():
                if conversation.thread.get("chat_id") == before:
                    # The supergroup counts its messages anew: there is nothing to reply to.
                    conversation.thread = {"chat_id": after}
