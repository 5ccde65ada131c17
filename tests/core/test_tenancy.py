from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select, text, update
from sqlalchemy.exc import ProgrammingError

from core.errors import NotFound
from core.helpdesk import Helpdesk
from core.models import (
    Alert,
    Attachment,
    AuditEntry,
    Category,
    CategoryExample,
    Channel,
    Conversation,
    Customer,
    CustomerIdentity,
    Delivery,
    DeskPerson,
    DeskPost,
    DeskRemoval,
    Draft,
    LinkCode,
    Message,
    Note,
    Organization,
    Participant,
    Sent,
    Tenant,
    Ticket,
    Usage,
    new_id,
    now,
)
from core.nlp.sentiment import SentimentModel
from core.settings import Settings
from tests.cast import Shop, acme, from_dana, globex
from tests.conftest import running
from tests.fakes import SlowEncoder
from tests.rows import rows

TABLES = sorted(Tenant.__subclasses__(), key=lambda model: model.__name__)


@pytest.fixture
async def full_acme(idle: Helpdesk, idle_acme: Shop) -> Shop:
    """acme with at least one row in every table."""
    async with idle.db.write(idle_acme.id) as scope:
        customer = scope.add(Customer(id=new_id(), name="Dana", email="dana@example.com"))
        await scope.session.flush()
        of = {"channel_id": idle_acme.widget_id}
        scope.add(CustomerIdentity(customer_id=customer.id, external_id="dana", **of))
        conversation = scope.add(Conversation(id=new_id(), customer_id=customer.id, subject="secret plans", **of))
        await scope.session.flush()
        of["conversation_id"] = conversation.id
        message = scope.add(Message(id=new_id(), author="customer", text="secret question", **of))
        await scope.session.flush()
        ticket = Ticket(id=new_id(), number=1001, conversation_id=conversation.id, subject="secret", reason="quota")
        scope.add(ticket)
        scope.add(Attachment(message_id=message.id, name="a", content_type="text/plain", size=1, content=b"a"))
        scope.add(Delivery(message_id=message.id, **of))
        scope.add(Participant(external_id="erin", **of))
        await scope.session.flush()
        scope.add(
            Draft(
                ticket_id=ticket.id,
                conversation_id=conversation.id,
                message_id=message.id,
                text="secret answer",
                confidence=0.5,
            )
        )
        scope.add(Category(name="secret plans", description=""))
        scope.add(CategoryExample(message_id=message.id, text="secret question"))
        scope.add(Usage(month=f"{now():%Y-%m}"))
        scope.add(LinkCode(customer_id=customer.id, email="dana@example.com", digest="d", expires_at=now()))
        scope.add(Note(ticket_id=ticket.id, text="secret note"))
        scope.add(Alert(key="k", text="secret alert"))
        where = {"account": "T1", "external_id": "1.2"}
        scope.add(DeskPost(channel_id=idle_acme.widget_id, ticket_id=ticket.id, kind="ticket", subject_id=ticket.id,
                           place="C1", digest="d", **where))  # fmt: skip
        scope.add(DeskRemoval(channel_id=idle_acme.widget_id, place="C1", external_id="1.1"))
        scope.add(Sent(channel_id=idle_acme.widget_id, name="digest", period="2026-11-26"))
        scope.add(DeskPerson(member_id=idle_acme.sam_id, **where))
        scope.add(AuditEntry(action="tested", actor_id=idle_acme.sam_id))
    return idle_acme


async def test_no_table_shows_the_neighbour_anything(idle: Helpdesk, full_acme: Shop) -> None:
    neighbour = await globex(idle)
    for model in TABLES:
        ours = await rows(idle.db, full_acme.id, model)
        assert ours, f"the fixture has no {model.__name__}"
        theirs = await rows(idle.db, neighbour.id, model)
        assert not {r.id for r in ours} & {r.id for r in theirs}
        assert {r.organization_id for r in ours} == {full_acme.id}
        async with idle.db.read(neighbour.id) as scope:
            with pytest.raises(NotFound, match=str(ours[0].id)):
                await scope.get(model, ours[0].id)
        async with idle.db.read(full_acme.id) as scope:
            assert (await scope.get(model, ours[0].id)).id == ours[0].id


async def test_the_neighbour_can_neither_change_nor_delete(idle: Helpdesk, full_acme: Shop) -> None:
    neighbour = await globex(idle)
    for model in TABLES:
        ours = (await rows(idle.db, full_acme.id, model))[0]
        async with idle.db.write(neighbour.id) as scope:
            for statement in (scope.update(model).values(created_at=now()), scope.delete(model)):
                touched = await scope.session.execute(statement.where(model.id == ours.id))
                assert touched.rowcount == 0
    for model in TABLES:
        assert await rows(idle.db, full_acme.id, model)


async def test_a_row_added_belongs_to_its_scope_whatever_it_says(idle: Helpdesk, idle_acme: Shop) -> None:
    neighbour = await globex(idle)
    async with idle.db.write(idle_acme.id) as scope:
        added = scope.add(Customer(id=new_id(), name="Dana", organization_id=neighbour.id))
    assert added.organization_id == idle_acme.id
    assert await rows(idle.db, neighbour.id, Customer) == []


async def test_an_insert_into_a_scope_says_whether_it_was_first(idle: Helpdesk, idle_acme: Shop) -> None:
    values: dict[str, Any] = {"kind": "api", "name": "API", "public_key": "one of a kind"}
    async with idle.db.write(idle_acme.id) as scope:
        assert await scope.insert_if_absent(Channel, id=new_id(), **values)
        assert not await scope.insert_if_absent(Channel, id=new_id(), **values)
    assert len(await rows(idle.db, idle_acme.id, Channel, kind="api")) == 1


async def test_what_follows_the_commit_runs_only_if_there_is_one(idle: Helpdesk, idle_acme: Shop) -> None:
    heard: list[str] = []
    async with idle.db.write(idle_acme.id) as scope:
        scope.after_commit(lambda: heard.append("committed"))
        assert heard == []
    assert heard == ["committed"]
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the transaction has to end inside
        async with idle.db.write(idle_acme.id) as scope:
            scope.after_commit(lambda: heard.append("never"))
            raise ZeroDivisionError
    assert heard == ["committed"]


@pytest_asyncio.fixture
async def walled(postgres_settings: Settings, slow: SlowEncoder, sentiment: SentimentModel) -> AsyncIterator[Helpdesk]:
    """On PostgreSQL, whose row-level security is the second wall: it hides what a forgotten condition would show."""
    async with running(postgres_settings, work=False, encoder=slow, sentiment=sentiment) as helpdesk:
        yield helpdesk


@pytest.mark.postgresql
async def test_the_database_itself_hides_the_neighbours_rows(walled: Helpdesk) -> None:
    ours, theirs = await acme(walled), await globex(walled)
    await walled.inbox.receive(from_dana(ours, "secret question"))
    async with walled.db.read(theirs.id) as scope:
        assert (await scope.session.scalars(select(Organization.slug))).all() == ["globex"]
        for model in TABLES:
            seen = await scope.session.scalars(select(model.organization_id).distinct())
            assert set(seen) <= {theirs.id}, model.__name__
        assert (await scope.session.scalars(text("SELECT text FROM messages"))).all() == []
    async with walled.db.system() as scope:
        assert len((await scope.session.scalars(select(Organization.slug))).all()) == 2
        assert (await scope.session.scalars(select(Message.text))).all() == ["secret question"]


@pytest.mark.postgresql
async def test_a_session_that_names_no_organization_sees_and_changes_nothing(walled: Helpdesk) -> None:
    shop = await acme(walled)
    await walled.inbox.receive(from_dana(shop, "secret question"))
    async with walled.db._writer.begin() as connection:
        for model in (Organization, *TABLES):
            assert (await connection.execute(select(model.id))).all() == [], model.__name__
            assert (await connection.execute(update(model).values(created_at=now()))).rowcount == 0, model.__name__


@pytest.mark.postgresql
async def test_a_session_cannot_write_for_the_neighbour(walled: Helpdesk) -> None:
    ours, theirs = await acme(walled), await globex(walled)
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with walled.db.write(ours.id) as scope:
            scope.session.add(Customer(id=new_id(), organization_id=theirs.id))
    assert await rows(walled.db, theirs.id, Customer) == []


@pytest.mark.postgresql
async def test_every_tenants_table_is_walled(walled: Helpdesk) -> None:
    """A new table without a policy would be open to all: its migration has to add one."""
    query = "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
    async with walled.db.system() as scope:
        found = set((await scope.session.scalars(text(query))).all())
    assert found >= {"organizations", *(model.__tablename__ for model in TABLES)}


@pytest.mark.postgresql
async def test_an_organizations_name_does_not_outlive_its_transaction(walled: Helpdesk) -> None:
    """Connections are pooled: the next user of one must start behind the wall again."""
    shop = await acme(walled)
    for _ in range(3):
        async with walled.db.write(shop.id) as scope:
            await scope.session.execute(text("SELECT 1"))
    async with walled.db.system():
        pass
    async with walled.db._writer.connect() as connection:
        named = await connection.scalar(text("SELECT current_setting('deskhand.organization_id', true)"))
    assert not named
