"""Our own posts come back as events, and tell where each is: so one whose process died before it noted that, or whose
answer got lost, is not posted again; and if it was already, one of the two goes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from bots.slack_desk.acting import Desk
from bots.slack_desk.payloads import Place
from bots.slack_desk.rich import Json
from connectors.slack.client import SlackError
from core.models import DeskPost, Ticket, new_id
from core.outbox import Posted
from core.tenancy import Scope

MARK = "deskhand"
WRITTEN = re.compile(MARK + r":([a-z]{1,16})" + 3 * r":([0-9a-f]{32})")
UNKNOWN = ""
"""The digest of a post that is there, whatever it says: it is changed when the ticket is next shown."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Named:
    """What a post shows, as its first block's id says.

    Not as the message's metadata, which events leave out unless the app's manifest names it.
    """

    channel_id: UUID
    ticket_id: UUID
    kind: str
    subject_id: UUID

    def on(self, blocks: Sequence[Json]) -> list[Json]:
        block_id = ":".join([MARK, self.kind, self.channel_id.hex, self.ticket_id.hex, self.subject_id.hex])
        return [{**blocks[0], "block_id": block_id}, *blocks[1:]]


def named(block_id: str) -> Named | None:
    """None for what is no post of a ticket's thread."""
    found = WRITTEN.fullmatch(block_id)
    if found is None:
        return None
    kind, *ids = found.groups()
    channel_id, ticket_id, subject_id = (UUID(hex=each) for each in ids)
    return Named(channel_id, ticket_id, kind, subject_id)


async def note(scope: Scope, what: Named, account: str, post: Posted, digest: str) -> DeskPost | None:
    """Notes where it is shown. Returns what is noted then: another post, if that was first; None without the ticket."""
    ticket = await scope.session.scalar(
        scope.select(Ticket, Ticket.id).where(Ticket.id == what.ticket_id).with_for_update(read=True, key_share=True)
    )
    if ticket is None:
        return None
    where = {"account": account, "place": post.place, "external_id": post.external_id}
    ids = {"channel_id": what.channel_id, "ticket_id": what.ticket_id, "subject_id": what.subject_id}
    await scope.insert_if_absent(DeskPost, id=new_id(), kind=what.kind, digest=digest, **ids, **where)
    row: DeskPost = (
        await scope.session.scalars(
            scope.select(DeskPost).where(
                DeskPost.channel_id == what.channel_id,
                DeskPost.kind == what.kind,
                DeskPost.subject_id == what.subject_id,
            )
        )
    ).one()
    if row.external_id == post.external_id and digest != UNKNOWN:
        row.digest = digest
    return row


@dataclass(frozen=True, slots=True)
class Echoes:
    desk: Desk

    async def heard(self, place: Place, what: Named) -> None:
        """A post of ours, as Slack tells of it."""
        if await self.desk.knows(place):
            return
        channel = next((each for each in await self.desk.channels(place.team) if each.id == what.channel_id), None)
        if channel is None:
            return
        post = Posted(place.channel, place.ts)
        async with self.desk.db.write(channel.organization_id) as scope:
            row = await note(scope, what, place.team, post, UNKNOWN)
        if row is None or row.external_id != place.ts:
            log.warning("slack.posted_twice", channel=str(channel.id), kind=what.kind)
            try:
                await self.desk.client(channel).delete(place.channel, place.ts)
            except SlackError as error:
                if not error.removed:
                    raise
