"""What a person at the desk can do, on both databases."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from core import desk
from core.errors import BadInput, Conflict, NotFound
from core.helpdesk import Helpdesk
from core.models import AuditEntry, Conversation, Draft, Message, Ticket
from tests import cast
from tests.waiting import until

UNCOVERED = "Do you also sell garden furniture made of teak?"
COVERED = "How do I send something back?"


async def escalated(
    helpdesk: Helpdesk, shop: cast.Shop, text: str = UNCOVERED, conversation: UUID | None = None
) -> Ticket:
    """dana writes something that the documents do not cover."""
    receipt = await helpdesk.inbox.receive(cast.from_dana(shop, text, conversation))

    async def ticket() -> Ticket | None:
        async with helpdesk.db.read(shop.id) as scope:
            message = await scope.get(Message, receipt.message_id)
            found: Ticket | None = await scope.session.scalar(
                scope.select(Ticket).where(Ticket.conversation_id == receipt.conversation_id)
            )
            return found if message.state == "done" else None

    found: Ticket = await until(ticket)
    return found


async def draft_for(helpdesk: Helpdesk, shop: cast.Shop, ticket: Ticket, text: str = "Yes, in spring.") -> Draft:
    async with helpdesk.db.write(shop.id) as scope:
        message = await scope.session.scalar(
            scope.select(Message).where(Message.conversation_id == ticket.conversation_id).limit(1)
        )
        draft = Draft(
            id=uuid4(), ticket_id=ticket.id, conversation_id=ticket.conversation_id, message_id=message.id,
            text=text, confidence=0.4, state="pending", version=1,
        )  # fmt: skip
        return scope.add(draft)


async def said_by(helpdesk: Helpdesk, shop: cast.Shop, ticket: Ticket, author: str) -> list[str]:
    async with helpdesk.db.read(shop.id) as scope:
        rows = await scope.session.scalars(
            scope.select(Message)
            .where(Message.conversation_id == ticket.conversation_id, Message.author == author)
            .order_by(Message.id)
        )
        return [row.text for row in rows]


def sam_of(shop: cast.Shop) -> desk.Agent:
    return desk.Agent(shop.sam_id, "Sam")


async def test_of_fifty_approvals_one_sends(any_helpdesk: Helpdesk) -> None:
    acme = await cast.acme(any_helpdesk)
    ticket = await escalated(any_helpdesk, acme)
    draft = await draft_for(any_helpdesk, acme, ticket)

    async def approve() -> str:
        try:
            async with any_helpdesk.db.write(acme.id) as scope:
                await desk.approve(scope, any_helpdesk.outbox, sam_of(acme), draft.id, 1)
        except Conflict as conflict:
            return conflict.detail
        return "sent"

    outcomes = await asyncio.gather(*(approve() for _ in range(50)))
    assert outcomes.count("sent") == 1
    assert all("Already sent" in outcome and "by Sam" in outcome for outcome in outcomes if outcome != "sent")
    assert await said_by(any_helpdesk, acme, ticket, "agent") == ["Yes, in spring."]


async def test_a_reply_silences_the_bot_until_it_is_handed_back(any_helpdesk: Helpdesk) -> None:
    acme = await cast.acme(any_helpdesk)
    ticket = await escalated(any_helpdesk, acme)
    async with any_helpdesk.db.write(acme.id) as scope:
        await desk.reply(scope, any_helpdesk.outbox, sam_of(acme), ticket.number, "  Let me look.  ")
    before = await said_by(any_helpdesk, acme, ticket, "ai")
    await escalated(any_helpdesk, acme, COVERED, ticket.conversation_id)
    assert await said_by(any_helpdesk, acme, ticket, "ai") == before
    assert await said_by(any_helpdesk, acme, ticket, "agent") == ["Let me look."]
    async with any_helpdesk.db.write(acme.id) as scope:
        await desk.hand_back(scope, any_helpdesk.outbox, sam_of(acme), ticket.number)
    await escalated(any_helpdesk, acme, COVERED, ticket.conversation_id)
    assert len(await said_by(any_helpdesk, acme, ticket, "ai")) == len(before) + 1


async def test_a_draft_is_outdated_by_the_customers_next_message(helpdesk: Helpdesk, acme: cast.Shop) -> None:
    ticket = await escalated(helpdesk, acme)
    draft = await draft_for(helpdesk, acme, ticket)
    await escalated(helpdesk, acme, "Or made of plastic, perhaps in pink?", ticket.conversation_id)
    with pytest.raises(Conflict, match="written again"):
        async with helpdesk.db.write(acme.id) as scope:
            await desk.approve(scope, helpdesk.outbox, sam_of(acme), draft.id, 1)
    assert await said_by(helpdesk, acme, ticket, "agent") == []


async def test_an_edited_draft_is_sent_as_edited_and_may_resolve(helpdesk: Helpdesk, acme: cast.Shop) -> None:
    ticket = await escalated(helpdesk, acme)
    draft = await draft_for(helpdesk, acme, ticket)
    async with helpdesk.db.write(acme.id) as scope:
        await desk.approve(scope, helpdesk.outbox, sam_of(acme), draft.id, 1, text="No, sorry.", resolve=True)
    assert await said_by(helpdesk, acme, ticket, "agent") == ["No, sorry."]
    async with helpdesk.db.read(acme.id) as scope:
        resolved = await desk.ticket_of(scope, ticket.number)
        conversation = await scope.get(Conversation, ticket.conversation_id)
        entry = await scope.session.scalar(scope.select(AuditEntry).where(AuditEntry.action == "draft.sent"))
    assert (resolved.status, resolved.assignee_id) == ("resolved", acme.sam_id)
    assert conversation.handler == "bot"
    assert entry.details["edited"] is True


async def test_a_rejected_draft_cannot_be_sent(helpdesk: Helpdesk, acme: cast.Shop) -> None:
    ticket = await escalated(helpdesk, acme)
    draft = await draft_for(helpdesk, acme, ticket)
    async with helpdesk.db.write(acme.id) as scope:
        await desk.reject(scope, helpdesk.outbox, sam_of(acme), draft.id, 1, "wrong")
    with pytest.raises(Conflict, match="Already rejected"):
        async with helpdesk.db.write(acme.id) as scope:
            await desk.approve(scope, helpdesk.outbox, sam_of(acme), draft.id, 2)


async def test_a_ticket_is_claimed_by_one(helpdesk: Helpdesk, acme: cast.Shop) -> None:
    ticket = await escalated(helpdesk, acme)
    alex = await cast.another_agent(helpdesk, acme, "Alex")
    async with helpdesk.db.write(acme.id) as scope:
        assert (await desk.claim(scope, helpdesk.outbox, sam_of(acme), ticket.number)).assignee_id == acme.sam_id
    with pytest.raises(Conflict, match="with Sam already"):
        async with helpdesk.db.write(acme.id) as scope:
            await desk.claim(scope, helpdesk.outbox, desk.Agent(alex, "Alex"), ticket.number)


async def test_the_neighbour_can_do_nothing(helpdesk: Helpdesk, acme: cast.Shop, globex: cast.Shop) -> None:
    ticket = await escalated(helpdesk, acme)
    draft = await draft_for(helpdesk, acme, ticket)
    stranger = sam_of(globex)
    async with helpdesk.db.write(globex.id) as scope:
        with pytest.raises(NotFound):
            await desk.claim(scope, helpdesk.outbox, stranger, ticket.number)
        with pytest.raises(NotFound):
            await desk.approve(scope, helpdesk.outbox, stranger, draft.id, 1)
        with pytest.raises(NotFound):
            await desk.reply(scope, helpdesk.outbox, stranger, ticket.number, "Hello from globex")
    assert await said_by(helpdesk, acme, ticket, "agent") == []


async def test_an_empty_reply_is_refused(helpdesk: Helpdesk, acme: cast.Shop) -> None:
    ticket = await escalated(helpdesk, acme)
    with pytest.raises(BadInput, match="empty"):
        async with helpdesk.db.write(acme.id) as scope:
            await desk.reply(scope, helpdesk.outbox, sam_of(acme), ticket.number, " \n ")
