"""The organization itself: its people, its settings, and what its admins have to know."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ValidationError

from core import accounts, alerts
from core.accounts import OrganizationSettings
from core.errors import BadInput, Forbidden
from core.models import Alert, Member
from web.auth import Admin, Caller, Desk

router = APIRouter(prefix="/api/v1", tags=["team"])


class MemberRow(BaseModel):
    id: UUID
    name: str
    email: str
    role: str
    away: bool


class Away(BaseModel):
    away: bool


class OrganizationRow(BaseModel):
    name: str
    settings: OrganizationSettings


class AlertRow(BaseModel):
    id: UUID
    text: str
    times: int
    created_at: datetime


@router.get("/members")
async def members(caller: Caller, desk: Desk) -> list[MemberRow]:
    """Who works here."""
    async with desk.db.read(caller.organization_id) as scope:
        found = await scope.session.scalars(
            scope.select(Member).where(Member.disabled_at.is_(None)).order_by(Member.name)
        )
        return [MemberRow.model_validate(member, from_attributes=True) for member in found]


@router.put("/members/{member_id}/away", status_code=204)
async def away(member_id: UUID, body: Away, caller: Caller, desk: Desk) -> None:
    """Whoever is away gets no tickets by themselves. Everybody says so for themselves; an admin for all."""
    if caller.role == "agent" and caller.member_id != member_id:
        raise Forbidden("Only an admin can do this for somebody else.")
    async with desk.db.write(caller.organization_id) as scope:
        (await scope.get(Member, member_id)).away = body.away


@router.get("/organization")
async def organization(caller: Admin, desk: Desk) -> OrganizationRow:
    async with desk.db.read(caller.organization_id) as scope:
        found = await accounts.organization(scope)
    return OrganizationRow(name=found.name, settings=OrganizationSettings.model_validate(found.settings))


@router.patch("/organization/settings")
async def change(body: dict[str, Any], caller: Admin, desk: Desk) -> OrganizationRow:
    """Change the settings that are named; the others stay."""
    async with desk.db.write(caller.organization_id) as scope:
        found = await accounts.organization(scope)
        unknown = body.keys() - OrganizationSettings.model_fields.keys()
        if unknown:
            raise BadInput(f"There is no setting {sorted(unknown)[0]!r}.")
        try:
            settings = OrganizationSettings.model_validate({**found.settings, **body})
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            raise BadInput(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}.") from None
        found.settings = settings.model_dump(mode="json")
    return OrganizationRow(name=found.name, settings=settings)


@router.get("/alerts")
async def open_alerts(caller: Admin, desk: Desk) -> list[AlertRow]:
    """What is wrong just now, or has to be looked at."""
    async with desk.db.read(caller.organization_id) as scope:
        found = await alerts.open_alerts(scope)
        return [AlertRow.model_validate(alert, from_attributes=True) for alert in found]


@router.delete("/alerts/{alert_id}", status_code=204)
async def seen(alert_id: UUID, caller: Admin, desk: Desk) -> None:
    """Put an alert aside."""
    async with desk.db.write(caller.organization_id) as scope:
        alert = await scope.get(Alert, alert_id)
        await alerts.clear(scope, alert.key)
