"""What happens by the clock: the clock is turned by hand here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from core import alerts, desk, reports, schedule
from core.accounts import OrganizationSettings
from core.helpdesk import Helpdesk
from core.models import Alert, Channel, Delivery, Member, Organization, Sent, Ticket, new_id, now
from core.outbox import Connected, DeliveryError
from core.reports import Digest, Weekly
from core.schedule import Schedule
from core.service import Service
from tests import cast
from tests.cast import Shop, from_dana
from tests.fakes import FakeDesk
from tests.hands import Hands
from tests.rows import change, row, rows

UNCOVERED = "Do you also sell garden furniture made of teak?"


async def ticket_of_dana(idle: Helpdesk, shop: Shop, text: str = UNCOVERED) -> Ticket:
    receipt = await idle.inbox.receive(from_dana(shop, text, uuid4()))
    await Hands(idle).work()
    return await row(idle.db, shop.id, Ticket, conversation_id=receipt.conversation_id)


async def serve_as(idle: Helpdesk, shop: Shop, **service: Any) -> None:
    settings = OrganizationSettings(service=Service(**service)).model_dump(mode="json")
    async with idle.db.write(shop.id) as scope:
        organization = await scope.session.get(Organization, shop.id)
        assert organization
        organization.settings = settings


@pytest.fixture
async def noticeboard(idle: Helpdesk, idle_acme: Shop) -> Channel:
    """acme's channel to the fake desk."""
    async with idle.db.write(idle_acme.id) as scope:
        return scope.add(Channel(id=new_id(), kind="board", name="Board", public_key="board-key"))


async def test_a_snoozed_ticket_wakes_and_is_shown(
    idle: Helpdesk, idle_acme: Shop, noticeboard: Channel, board: FakeDesk
) -> None:
    ticket = await ticket_of_dana(idle, idle_acme)
    sam = desk.Agent(idle_acme.sam_id, "Sam")
    async with idle.db.write(idle_acme.id) as scope:
        await desk.snooze(scope, idle.outbox, sam, ticket.number, now() + timedelta(hours=2))
    await Hands(idle).work(Delivery)
    board.shown.clear()
    await idle.schedule.tick()
    assert (await row(idle.db, idle_acme.id, Ticket)).snoozed_until is not None
    await change(idle.db, idle_acme.id, Ticket, ticket.id, snoozed_until=now() - timedelta(seconds=1))
    await idle.schedule.tick()
    await Hands(idle).work(Delivery)
    assert (await row(idle.db, idle_acme.id, Ticket)).snoozed_until is None
    assert board.shown == [ticket.id]


async def test_a_ticket_is_due_until_a_person_replies_and_again_when_the_customer_writes(
    idle: Helpdesk, idle_acme: Shop
) -> None:
    ticket = await ticket_of_dana(idle, idle_acme)
    assert ticket.due_at == pytest.approx(ticket.created_at + timedelta(hours=8), abs=timedelta(minutes=1))
    await change(idle.db, idle_acme.id, Ticket, ticket.id, due_at=now() - timedelta(minutes=1))
    await idle.schedule.tick()
    assert (await row(idle.db, idle_acme.id, Ticket)).overdue_at is not None
    async with idle.db.write(idle_acme.id) as scope:
        await desk.reply(scope, idle.outbox, desk.Agent(idle_acme.sam_id, "Sam"), ticket.number, "I will look.")
    answered = await row(idle.db, idle_acme.id, Ticket)
    assert (answered.due_at, answered.overdue_at) == (None, None)
    await idle.inbox.receive(from_dana(idle_acme, "And now?", ticket.conversation_id))
    await Hands(idle).work()
    assert (await row(idle.db, idle_acme.id, Ticket)).due_at > now()


async def test_tickets_go_round(idle: Helpdesk, idle_acme: Shop) -> None:
    await serve_as(idle, idle_acme, assignment="round_robin")
    alex = await cast.another_agent(idle, idle_acme, "Alex")
    got = [(await ticket_of_dana(idle, idle_acme)).assignee_id for _ in range(4)]
    assert got[:2] == got[2:]
    assert set(got) == {alex, idle_acme.sam_id}


async def test_who_has_the_fewest_gets_the_next_and_who_is_away_none(idle: Helpdesk, idle_acme: Shop) -> None:
    await serve_as(idle, idle_acme, assignment="least_loaded")
    alex = await cast.another_agent(idle, idle_acme, "Alex")
    kim = await cast.another_agent(idle, idle_acme, "Kim")
    await change(idle.db, idle_acme.id, Member, kim, away=True)
    first = await ticket_of_dana(idle, idle_acme)
    other = alex if first.assignee_id == idle_acme.sam_id else idle_acme.sam_id
    assert (await ticket_of_dana(idle, idle_acme)).assignee_id == other
    async with idle.db.write(idle_acme.id) as scope:
        await desk.resolve(scope, idle.outbox, desk.Agent(idle_acme.sam_id, "Sam"), first.number)
    assert (await ticket_of_dana(idle, idle_acme)).assignee_id == first.assignee_id


async def test_an_unanswered_ticket_goes_to_the_next_agent_once(idle: Helpdesk, idle_acme: Shop) -> None:
    await serve_as(idle, idle_acme, assignment="round_robin", reassign_after=30)
    alex = await cast.another_agent(idle, idle_acme, "Alex")
    ticket = await ticket_of_dana(idle, idle_acme)
    await idle.schedule.tick()
    assert (await row(idle.db, idle_acme.id, Ticket)).assignee_id == ticket.assignee_id
    await change(idle.db, idle_acme.id, Ticket, ticket.id, assigned_at=now() - timedelta(minutes=31))
    await idle.schedule.tick()
    await idle.schedule.tick()
    moved = await row(idle.db, idle_acme.id, Ticket)
    assert {moved.assignee_id, ticket.assignee_id} == {alex, idle_acme.sam_id}


async def test_a_digest_goes_out_once_a_morning_when_something_is_overdue(
    idle: Helpdesk, idle_acme: Shop, noticeboard: Channel, board: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await ticket_of_dana(idle, idle_acme)
    await change(idle.db, idle_acme.id, Ticket, ticket.id, due_at=datetime(2026, 11, 23, tzinfo=UTC))
    board.failures = [DeliveryError("Storm.", permanent=False)]
    for hour, minute in ((7, 59), (8, 0), (8, 1), (8, 2)):
        monkeypatch.setattr(schedule, "now", lambda h=hour, m=minute: datetime(2026, 11, 24, h, m, tzinfo=UTC))
        await idle.schedule.report()
    (digest,) = board.announced
    assert isinstance(digest, Digest)
    assert [line.number for line in digest.overdue] == [ticket.number]
    assert (digest.overdue_count, digest.open_count, digest.unassigned_count) == (1, 1, 1)
    assert (await row(idle.db, idle_acme.id, Sent)).period == "2026-11-24"


async def test_a_week_is_reported_on_monday(
    idle: Helpdesk, idle_acme: Shop, noticeboard: Channel, board: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "now", lambda: datetime(2026, 11, 30, 9, 0, tzinfo=UTC))
    await idle.schedule.report()
    await idle.schedule.report()
    (weekly,) = board.announced
    assert isinstance(weekly, Weekly)
    assert [day.start.date().isoformat() for day in weekly.days] == [f"2026-11-{day}" for day in range(23, 30)]


async def test_the_week_in_numbers(idle: Helpdesk, idle_acme: Shop) -> None:
    ticket = await ticket_of_dana(idle, idle_acme)
    await idle.inbox.receive(from_dana(idle_acme, "When will my parcel arrive?", uuid4()))
    await Hands(idle).work()
    replied = ticket.created_at + timedelta(minutes=90)
    values = {"first_reply_at": replied, "rating": 4, "rated_at": now(), "status": "resolved", "resolved_at": now()}
    await change(idle.db, idle_acme.id, Ticket, ticket.id, **values)
    async with idle.db.read(idle_acme.id) as scope:
        weekly = await reports.weekly(scope, Service(), now() + timedelta(days=1))
    today = weekly.days[-1]
    assert (today.answered, today.escalated, today.silent) == (1, 1, 0)
    assert (weekly.opened, weekly.resolved, weekly.first_reply_minutes) == (1, 1, 90)
    assert (weekly.ratings, weekly.rating, weekly.gaps) == (1, 4, (UNCOVERED,))


class Mailbox:
    """A `Mailer`."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []
        self.failures: list[Exception] = []

    async def mail(self, to: str, subject: str, text: str) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.mails.append((to, text))


async def test_admins_are_mailed_an_alert_once(idle: Helpdesk, idle_acme: Shop) -> None:
    mailbox = Mailbox()
    mailbox.failures = [DeliveryError("The mail server is down.", permanent=False)]
    clock = Schedule(idle.db, idle.outbox, Connected(mailer=mailbox))
    await change(idle.db, idle_acme.id, Member, idle_acme.sam_id, role="admin")
    for _ in range(3):
        async with idle.db.write(idle_acme.id) as scope:
            await alerts.raise_alert(scope, "channel:1", "The token was revoked.")
        await clock.tick()
    assert mailbox.mails == [(idle_acme.sam_email, "The token was revoked.")]
    assert (await row(idle.db, idle_acme.id, Alert)).times == 3
    async with idle.db.write(idle_acme.id) as scope:
        await alerts.clear(scope, "channel:1")
        await alerts.raise_alert(scope, "channel:1", "It was revoked again.")
    await clock.tick()
    assert [text for _, text in mailbox.mails] == ["The token was revoked.", "It was revoked again."]
    assert len(await rows(idle.db, idle_acme.id, Alert)) == 2
