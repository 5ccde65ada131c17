"""The channels that an organization connected: made, changed, switched off and on; and who listens for which."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update

from core import alerts
from core.db import Database
from core.errors import Conflict
from core.events import Event, Events, work_arrived
from core.messages import JsonObject
from core.models import Channel, Conversation, Delivery, new_id, now
from core.secrets import SecretBox
from core.tenancy import Scope

CHANNELS = "channels"
"""The topic that tells of changed channels."""
LEASE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked of a channel, in words for an admin: what is wrong names the remedy."""

    what: str
    ok: bool
    detail: str
    advice: bool = False
    """It works as it is, and would work better."""


class Channels:
    def __init__(self, box: SecretBox, events: Events) -> None:
        self._box = box
        self._events = events

    def draft(self, kind: str, name: str, settings: JsonObject, secrets_: dict[str, str]) -> Channel:
        """A channel that is not stored yet, to be checked first."""
        return Channel(
            id=new_id(),
            kind=kind,
            name=name,
            public_key=secrets.token_urlsafe(18),
            settings=settings,
            sealed_secrets=self._box.seal(secrets_) if secrets_ else None,
        )

    def create(self, scope: Scope, draft: Channel) -> Channel:
        channel = scope.add(draft)
        self._changed(scope)
        return channel

    async def change(self, scope: Scope, channel_id: UUID, **values: Any) -> Channel:
        """Sets name, settings, or secrets (sealed here; those not given stay)."""
        channel = await scope.get(Channel, channel_id)
        if new_secrets := values.pop("secrets", None):
            kept = self._box.open(channel.sealed_secrets)
            channel.sealed_secrets = self._box.seal({**kept, **new_secrets})
        for name, value in values.items():
            setattr(channel, name, value)
        self._changed(scope)
        return channel

    async def switch_off(self, scope: Scope, channel_id: UUID, reason: str) -> None:
        """Nothing is received or sent any more; what is to be sent waits."""
        channel = await scope.get(Channel, channel_id)
        channel.disabled_at, channel.disabled_reason = now(), reason
        self._changed(scope)

    async def switch_on(self, scope: Scope, channel_id: UUID) -> None:
        """What has waited is sent now."""
        channel = await scope.get(Channel, channel_id)
        channel.disabled_at = channel.disabled_reason = channel.problem = None
        await alerts.clear(scope, alerts.about(channel_id))
        await scope.session.execute(
            scope.update(Delivery)
            .where(Delivery.channel_id == channel_id, Delivery.state == "queued")
            .values(available_at=now())
        )
        event = work_arrived("delivery", channel_id, channel_id)
        scope.after_commit(lambda: self._events.publish(event))
        self._changed(scope)

    async def delete(self, scope: Scope, channel_id: UUID) -> None:
        """Raises `Conflict` while customers' conversations came through it: they would be lost with it."""
        channel = await scope.get(Channel, channel_id)
        used = await scope.session.scalar(
            scope.select(Conversation, Conversation.id).where(Conversation.channel_id == channel_id).limit(1)
        )
        if used:
            raise Conflict(f"Conversations came through {channel.name!r}. Switch it off instead, so that they stay.")
        await scope.session.delete(channel)
        self._changed(scope)

    def _changed(self, scope: Scope) -> None:
        scope.after_commit(lambda: self._events.publish(Event(CHANNELS, "changed", {})))


async def connected(db: Database, kinds: list[str]) -> list[Channel]:
    """The channels of these kinds that are switched on, of every organization."""
    async with db.system() as scope:
        found = await scope.session.scalars(
            select(Channel).where(Channel.kind.in_(kinds), Channel.disabled_at.is_(None)).order_by(Channel.id)
        )
        return list(found)


async def lease(db: Database, channel_id: UUID, owner: str) -> bool:
    """Takes the channel for listening, or keeps it. False while another process listens."""
    moment = now()
    async with db.system(write=True) as scope:
        taken: Any = await scope.session.execute(
            update(Channel)
            .where(Channel.id == channel_id)
            .where(or_(Channel.lease_until.is_(None), Channel.lease_until < moment, Channel.lease_owner == owner))
            .values(lease_owner=owner, lease_until=moment + LEASE)
        )
    return bool(taken.rowcount)


async def release(db: Database, owner: str | None = None) -> None:
    """Gives back what `owner` listens to; everything when no other process can exist."""
    statement = update(Channel).where(Channel.lease_owner == owner if owner else Channel.lease_owner.is_not(None))
    async with db.system(write=True) as scope:
        await scope.session.execute(statement.values(lease_owner=None, lease_until=None))


async def report(db: Database, channel: Channel, problem: str | None) -> None:
    """Writes down what is wrong with listening, or that nothing is, where the admin sees it."""
    async with db.write(channel.organization_id) as scope:
        await scope.session.execute(scope.update(Channel).where(Channel.id == channel.id).values(problem=problem))
        if problem:
            await alerts.raise_alert(scope, alerts.about(channel.id), f"The channel {channel.name!r}: {problem}")
        else:
            await alerts.clear(scope, alerts.about(channel.id))
