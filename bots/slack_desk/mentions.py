"""Whom a thread calls: Slack tells people of a thread only if they wrote in it, or are mentioned."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from connectors.slack.client import SlackClient, SlackError
from core.db import Database
from core.models import DeskPerson, Member, Ticket, new_id, now
from core.tenancy import Scope

NOBODY_S = 3600.0
NOT_CHECKED = timedelta(days=1)
"""A person whom we only mention has shown nothing yet: they are looked at when they first act."""
log = structlog.get_logger()


@dataclass(slots=True)
class Mentions:
    db: Database
    _nobody: dict[tuple[str, str], float] = field(default_factory=dict)
    """(workspace, e-mail address) of members who are not there, and until when that is believed."""

    async def assignee(self, organization_id: UUID, account: str, ticket_id: UUID, client: SlackClient) -> str | None:
        """The user, in this workspace, who has the ticket. None if nobody has, or they are not there."""
        async with self.db.read(organization_id) as scope:
            found = await _assignee(scope, account, ticket_id)
        if found is None or found.user:
            return found.user if found else None
        key = (account, found.email)
        if self._nobody.get(key, 0.0) > time.monotonic():
            return None
        user = await _looked_up(client, found.email)
        if user is None:
            self._nobody[key] = time.monotonic() + NOBODY_S
            return None
        async with self.db.write(organization_id) as scope:
            values: Any = {"member_id": found.id, "checked_at": now() - NOT_CHECKED}
            await scope.insert_if_absent(DeskPerson, id=new_id(), account=account, external_id=user, **values)
        return user


async def _assignee(scope: Scope, account: str, ticket_id: UUID) -> Any:
    rows = await scope.session.execute(
        scope.select(Ticket, Member.id, Member.email, DeskPerson.external_id.label("user"))
        .select_from(Ticket)
        .join(Member, Member.id == Ticket.assignee_id)
        .outerjoin(DeskPerson, (DeskPerson.member_id == Member.id) & (DeskPerson.account == account))
        .where(Ticket.id == ticket_id)
        .order_by(DeskPerson.checked_at.desc())
        .limit(1)
    )
    return rows.one_or_none()


async def _looked_up(client: SlackClient, email: str) -> str | None:
    try:
        return await client.user_id(email)
    except SlackError as error:
        log.warning("slack.not_mentioned", reason=error.detail)  # the ticket is shown all the same
        return None
