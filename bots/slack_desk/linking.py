"""One-time links, for members whose e-mail address in Slack is another one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from core.db import Database
from core.errors import NotFound
from core.models import AuditEntry, DeskPerson, now

LIFE = timedelta(minutes=15)
GONE = "This link was used already, or is too old. Press the button in Slack again to get another."


async def offered(db: Database, organization_id: UUID, key: str) -> DeskPerson:
    """The account that the link is about. Raises `NotFound`, also for another organization's link."""
    async with db.read(organization_id) as scope:
        found: DeskPerson | None = await scope.session.scalar(
            scope.select(DeskPerson).where(DeskPerson.link_key == key, DeskPerson.checked_at > now() - LIFE)
        )
    if found is None or not key:
        raise NotFound(GONE)
    return found


async def confirm(db: Database, organization_id: UUID, member_id: UUID, key: str) -> None:
    """The account acts for the member from now on. Raises `NotFound` when the link was used already."""
    person = await offered(db, organization_id, key)
    async with db.write(organization_id) as scope:
        linked: Any = await scope.session.execute(
            scope.update(DeskPerson)
            .where(DeskPerson.id == person.id, DeskPerson.link_key == key)
            .values(member_id=member_id, linked=True, link_key=None, checked_at=now())
        )
        if not linked.rowcount:
            raise NotFound(GONE)
        details = {"workspace": person.account, "account": person.external_id}
        scope.add(AuditEntry(actor_id=member_id, action="desk.linked", subject_id=member_id, details=details))
