"""What happens by the clock. Every process with a worker runs it; conditional updates let each thing happen once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import select

from core import alerts, desk, removals, reports, routing
from core.accounts import OrganizationSettings
from core.agent.profile import profile_of
from core.db import UNAVAILABLE, Database
from core.models import Alert, Channel, Organization, Sent, Ticket, new_id, now
from core.outbox import Connected, DeliveryError, Outbox
from core.service import Service

TICK_SECONDS = 10
REPORT_SECONDS = 60
DIGEST_WINDOW = timedelta(hours=4)
"""A digest that could not be sent for so long is not worth sending any more that day."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Schedule:
    db: Database
    outbox: Outbox
    connected: Connected

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        scheduler = AsyncIOScheduler(job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": 60})
        scheduler.add_job(self.tick, "interval", seconds=TICK_SECONDS)
        scheduler.add_job(self.report, "interval", seconds=REPORT_SECONDS)
        scheduler.start()
        try:
            yield
        finally:
            scheduler.shutdown(wait=False)

    async def tick(self) -> None:
        """Wakes snoozed tickets, marks overdue ones, gives unanswered ones to others, mails alerts, and takes
        what was erased from the desks outside."""
        try:
            for organization_id in await self._with_something_due():
                await self._wake(organization_id)
            for organization in await self._organizations():
                service = profile_of(organization.name, organization.settings).service
                if service.reassign_after and service.assignment != "manual":
                    await self._reassign(organization.id, service)
            await self._mail_alerts()
            await removals.work(self.db, self.connected.desks)
        except UNAVAILABLE as error:
            log.warning("schedule.database_unavailable", reason=str(error))

    async def report(self) -> None:
        """Sends the morning's digest, and on Mondays the week's report, to the desks outside."""
        try:
            for organization in await self._organizations() if self.connected.desks else ():
                service = OrganizationSettings.model_validate(organization.settings).service
                if service.digest_at and service.is_workday(now()):
                    await self._report(organization.id, service)
        except UNAVAILABLE as error:
            log.warning("schedule.database_unavailable", reason=str(error))

    async def _with_something_due(self) -> list[UUID]:
        moment = now()
        async with self.db.system() as scope:
            found = await scope.session.scalars(
                select(Ticket.organization_id)
                .where(Ticket.status != "resolved")
                .where((Ticket.snoozed_until <= moment) | ((Ticket.due_at <= moment) & Ticket.overdue_at.is_(None)))
                .distinct()
            )
            return list(found)

    async def _organizations(self) -> list[Organization]:
        async with self.db.system() as scope:
            return list(await scope.session.scalars(select(Organization).order_by(Organization.id)))

    async def _wake(self, organization_id: UUID) -> None:
        moment = now()
        async with self.db.write(organization_id) as scope:
            due = await scope.session.scalars(
                scope.select(Ticket)
                .where(Ticket.status != "resolved")
                .where((Ticket.snoozed_until <= moment) | ((Ticket.due_at <= moment) & Ticket.overdue_at.is_(None)))
                .with_for_update(skip_locked=True)
            )
            for ticket in due.all():
                if ticket.snoozed_until and ticket.snoozed_until <= moment:
                    ticket.snoozed_until = None
                if ticket.due_at and ticket.due_at <= moment and ticket.overdue_at is None:
                    ticket.overdue_at = moment
                await self.outbox.tell_desks(scope, ticket)

    async def _reassign(self, organization_id: UUID, service: Service) -> None:
        """Each in a transaction of its own, unless somebody else moved it meanwhile."""
        async with self.db.read(organization_id) as scope:
            waiting = await routing.unanswered(scope, service)
        for ticket in waiting:
            async with self.db.write(organization_id) as scope:
                other = await routing.next_agent(scope, service, but=ticket.assignee_id)
                current = await desk.ticket_of(scope, ticket.number)
                if other and current.assigned_at == ticket.assigned_at and current.status == "open":
                    await desk.assign(scope, self.outbox, None, ticket.number, other.id)

    async def _mail_alerts(self) -> None:
        mailer = self.connected.mailer
        if mailer is None:
            return
        async with self.db.system() as scope:
            found = await scope.session.scalars(
                select(Alert).where(Alert.mailed_at.is_(None), Alert.cleared_at.is_(None)).order_by(Alert.id).limit(20)
            )
            waiting = list(found)
        for alert in waiting:
            async with self.db.write(alert.organization_id) as scope:
                taken = await scope.session.scalar(
                    scope.update(Alert)
                    .where(Alert.id == alert.id, Alert.mailed_at.is_(None))
                    .values(mailed_at=now())
                    .returning(Alert.id)
                )
                addresses = await alerts.admins(scope)
            try:
                for address in addresses if taken else ():
                    await mailer.mail(address, f"Deskhand: {alert.text[:80]}", alert.text)
            except DeliveryError as error:
                log.warning("schedule.alert_not_mailed", reason=error.detail)
                async with self.db.write(alert.organization_id) as scope:
                    await scope.session.execute(scope.update(Alert).where(Alert.id == alert.id).values(mailed_at=None))
                return

    async def _report(self, organization_id: UUID, service: Service) -> None:
        local = now().astimezone(service.zone)
        assert service.digest_at is not None
        begins = datetime.combine(local.date(), service.digest_at, service.zone)
        if not begins <= local < begins + DIGEST_WINDOW:
            return
        async with self.db.read(organization_id) as scope:
            channels = list(
                await scope.session.scalars(
                    scope.select(Channel).where(Channel.kind.in_(self.connected.desks), Channel.disabled_at.is_(None))
                )
            )
        for channel in channels:
            await self._send(channel, "digest", local.date().isoformat(), service)
            if local.weekday() == 0:
                year, week, _ = local.isocalendar()
                await self._send(channel, "weekly", f"{year}-W{week:02}", service)

    async def _send(self, channel: Channel, name: str, period: str, service: Service) -> None:
        """Once: the row is taken first, and given back when the desk could not be reached."""
        async with self.db.write(channel.organization_id) as scope:
            if not await scope.insert_if_absent(Sent, id=new_id(), channel_id=channel.id, name=name, period=period):
                return
            report: reports.Digest | reports.Weekly
            if name == "digest":
                report = await reports.digest(scope)
            else:
                report = await reports.weekly(scope, service, now())
        if isinstance(report, reports.Digest) and not report.overdue:
            return
        this = Sent.channel_id == channel.id, Sent.name == name, Sent.period == period
        try:
            posted = await self.connected.desks[channel.kind].announce(channel, report)
        except DeliveryError as error:
            log.warning("schedule.report_not_sent", name=name, reason=error.detail)
            async with self.db.write(channel.organization_id) as scope:
                await scope.session.execute(scope.delete(Sent).where(*this))
            return
        async with self.db.write(channel.organization_id) as scope:
            where = {"place": posted.place, "external_id": posted.external_id}
            await scope.session.execute(scope.update(Sent).where(*this).values(**where))
