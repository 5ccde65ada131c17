"""Listening to a mailbox: fetch, store, mark as seen, wait; from where it was left, whatever happened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from connectors.email.imap import Mailbox, Position
from connectors.email.oauth import AccessTokens
from connectors.email.receive import Mailroom
from connectors.email.settings import settings_of
from core.db import Database
from core.models import Channel


async def listen(
    mailroom: Mailroom, db: Database, access: AccessTokens, channel: Channel, healthy: Callable[[], Awaitable[None]]
) -> None:
    """Until cancelled. Raises `DeliveryError` when the mailbox fails."""
    settings = settings_of(channel)
    since = (channel.created_at - timedelta(days=settings.backlog_days)).date()
    mailbox = Mailbox(settings, await access.secrets_of(channel), since)
    try:
        validity = await mailbox.open()
        await healthy()
        position = await _position(db, channel, validity)
        while True:
            position = await _catch_up(mailroom, db, channel, mailbox, validity, position)
            await mailbox.wait()
    finally:
        await mailbox.close()


async def _catch_up(
    mailroom: Mailroom, db: Database, channel: Channel, mailbox: Mailbox, validity: int, position: Position | None
) -> Position:
    """What was stored is marked afterwards and noted last: a process that dies in between fetches it again, and
    the inbox knows it."""
    last = position.last if position else 0
    for uid in await mailbox.new(position):
        raw = await mailbox.fetch(uid)
        if raw is not None:
            await mailroom.receive(channel, raw)
            await mailbox.mark_seen(uid)
        last = max(last, uid)
        await _note(db, channel, Position(validity, last))
    return Position(validity, last) if last else position or Position(validity, 0)


async def _position(db: Database, channel: Channel, validity: int) -> Position | None:
    """None at the first time, and when the folder's numbers begin anew: then what is unseen counts."""
    async with db.read(channel.organization_id) as scope:
        state = (await scope.get(Channel, channel.id)).state or {}
    known = state.get("imap", {})
    return Position(validity, known["last"]) if known.get("validity") == validity else None


async def _note(db: Database, channel: Channel, position: Position) -> None:
    async with db.write(channel.organization_id) as scope:
        row = await scope.get(Channel, channel.id)
        row.state = {**(row.state or {}), "imap": {"validity": position.validity, "last": position.last}}
