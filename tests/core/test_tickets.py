from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from core import tickets
from core.agent.state import Decision, Outcome, Reading, Reason
from core.helpdesk import Helpdesk
from core.models import Conversation, Draft, Message, Organization, Ticket, new_id
from core.nlp.sentiment import Sentiment
from core.service import Service
from tests.cast import Shop, from_dana, globex
from tests.hands import Hands
from tests.rows import change, row, rows

UNCOVERED = "Do you sell garden furniture?"
UNSURE = "Is American Express okay?"
HUMAN = "I want to talk to a human"
CALM = Sentiment("neutral", {"negative": 0.1, "neutral": 0.8, "positive": 0.1}, 0.1, 0.1)


def outcome(reason: Reason, urgency: float = 0.1) -> Outcome:
    reading = Reading(sentiment=replace(CALM, urgency=urgency), frustration=0.1, language="en")
    return Outcome(Decision("escalate", reason), reading, answer=None, confidence=0.1)


async def _conversation(helpdesk: Helpdesk, shop: Shop, text: str = UNCOVERED) -> UUID:
    return (await helpdesk.inbox.receive(from_dana(shop, text, uuid4()))).conversation_id


async def _say(helpdesk: Helpdesk, shop: Shop, conversation: UUID, text: str) -> None:
    await helpdesk.inbox.receive(from_dana(shop, text, conversation))
    await Hands(helpdesk).work()


async def test_a_conversation_has_one_open_ticket_at_a_time(idle: Helpdesk, idle_acme: Shop) -> None:
    conversation = uuid4()
    await _say(idle, idle_acme, conversation, UNCOVERED)
    await _say(idle, idle_acme, conversation, "And do you rent out boats?")
    ticket = await row(idle.db, idle_acme.id, Ticket)
    first, second = await rows(idle.db, idle_acme.id, Message, author="ai")
    assert (first.ticket_id, second.ticket_id) == (ticket.id, ticket.id)
    assert f"#{ticket.number}" in second.text
    assert first.text != second.text

    await change(idle.db, idle_acme.id, Ticket, ticket.id, status="resolved")
    await _say(idle, idle_acme, conversation, "Who is the president of France?")
    assert [t.status for t in await rows(idle.db, idle_acme.id, Ticket)] == ["resolved", "open"]


async def test_two_turns_that_race_to_open_a_ticket_share_one(idle: Helpdesk, idle_acme: Shop) -> None:
    """Two workers should never be in one conversation; if it happens, the database holds the line."""
    conversation = await _conversation(idle, idle_acme)

    async def open_one() -> None:
        async with idle.db.write(idle_acme.id) as scope:
            await tickets.open_or_join(scope, conversation, new_id(), "Boats", outcome("no_knowledge"), Service())

    results = await asyncio.gather(*(open_one() for _ in range(5)), return_exceptions=True)
    assert any(result is None for result in results)
    await row(idle.db, idle_acme.id, Ticket)


async def test_ticket_numbers_are_consecutive_in_each_organization(idle: Helpdesk, idle_acme: Shop) -> None:
    neighbour = await globex(idle)
    conversations = [(shop, await _conversation(idle, shop)) for _ in range(15) for shop in (idle_acme, neighbour)]

    async def hand_over(shop: Shop, conversation: UUID) -> None:
        async with idle.db.write(shop.id) as scope:
            await tickets.open_or_join(scope, conversation, new_id(), "Boats", outcome("no_knowledge"), Service())

    await asyncio.gather(*(hand_over(shop, conversation) for shop, conversation in conversations))
    for shop in (idle_acme, neighbour):
        numbers = [ticket.number for ticket in await rows(idle.db, shop.id, Ticket)]
        assert sorted(numbers) == list(range(1001, 1016))


async def test_a_turn_that_fails_uses_up_no_number(idle: Helpdesk, idle_acme: Shop) -> None:
    conversation = await _conversation(idle, idle_acme)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the transaction has to end inside
        async with idle.db.write(idle_acme.id) as scope:
            await tickets.open_or_join(scope, conversation, new_id(), "Boats", outcome("no_knowledge"), Service())
            raise ZeroDivisionError
    async with idle.db.write(idle_acme.id) as scope:
        message, unknown = new_id(), outcome("no_knowledge")
        ticket, opened = await tickets.open_or_join(scope, conversation, message, "Boats", unknown, Service())
    assert (ticket.number, opened) == (1001, True)
    async with idle.db.read(idle_acme.id) as scope:
        assert (await scope.session.get_one(Organization, idle_acme.id)).last_ticket_number == 1001


PRIORITIES = [
    ("no_knowledge", 0.1, "normal"),
    ("no_knowledge", 0.9, "high"),
    ("asked_for_human", 0.1, "normal"),
    ("frustrated", 0.1, "high"),
    ("sensitive", 0.1, "high"),
    ("error", 0.1, "high"),
    ("frustrated", 0.9, "urgent"),
]


@pytest.mark.parametrize(("reason", "urgency", "priority"), PRIORITIES)
async def test_the_reason_and_the_urgency_set_the_priority(
    helpdesk: Helpdesk, acme: Shop, reason: Reason, urgency: float, priority: str
) -> None:
    conversation = await _conversation(helpdesk, acme)
    async with helpdesk.db.write(acme.id) as scope:
        await tickets.open_or_join(scope, conversation, new_id(), "Boats", outcome(reason, urgency), Service())
    ticket = await row(helpdesk.db, acme.id, Ticket)
    assert (ticket.priority, ticket.reason) == (priority, reason)


@pytest.mark.parametrize("reason", ["no_knowledge", "sensitive"])
async def test_a_graver_message_raises_the_priority_and_a_calmer_one_does_not_lower_it(
    idle: Helpdesk, idle_acme: Shop, reason: Reason
) -> None:
    conversation = await _conversation(idle, idle_acme)
    seen = []
    for urgency in (0.1, 0.9, 0.1):
        async with idle.db.write(idle_acme.id) as scope:
            await tickets.open_or_join(scope, conversation, new_id(), "Boats", outcome(reason, urgency), Service())
        seen.append((await row(idle.db, idle_acme.id, Ticket)).priority)
    low, high = ("normal", "high") if reason == "no_knowledge" else ("high", "urgent")
    assert seen == [low, high, high]


@pytest.mark.parametrize("handler", ["bot", "person"])
async def test_a_draft_is_stale_once_the_customer_has_written_again(
    idle: Helpdesk, idle_acme: Shop, handler: str
) -> None:
    conversation = uuid4()
    await _say(idle, idle_acme, conversation, UNSURE)
    draft = await row(idle.db, idle_acme.id, Draft)
    assert (draft.state, draft.version) == ("pending", 1)
    ticket = await row(idle.db, idle_acme.id, Ticket)
    await change(idle.db, idle_acme.id, Ticket, ticket.id, status="pending")
    await change(idle.db, idle_acme.id, Conversation, conversation, handler=handler)

    await _say(idle, idle_acme, conversation, UNCOVERED)
    draft = await row(idle.db, idle_acme.id, Draft, id=draft.id)
    assert (draft.state, draft.version) == ("stale", 2)
    assert (await row(idle.db, idle_acme.id, Ticket)).status == "open"


async def test_another_conversations_drafts_and_decided_ones_stay(idle: Helpdesk, idle_acme: Shop) -> None:
    here, elsewhere = uuid4(), uuid4()
    for conversation in (here, elsewhere):
        await _say(idle, idle_acme, conversation, UNSURE)
    (mine,) = await rows(idle.db, idle_acme.id, Draft, conversation_id=here)
    await change(idle.db, idle_acme.id, Draft, mine.id, state="sent")
    await _say(idle, idle_acme, here, UNCOVERED)
    assert (await row(idle.db, idle_acme.id, Draft, conversation_id=elsewhere)).state == "pending"
    assert (await row(idle.db, idle_acme.id, Draft, id=mine.id)).state == "sent"


async def test_a_draft_quotes_what_it_rests_on_and_the_customer_is_not_shown_it(
    idle: Helpdesk, idle_acme: Shop
) -> None:
    await _say(idle, idle_acme, uuid4(), UNSURE)
    draft = await row(idle.db, idle_acme.id, Draft)
    question = await row(idle.db, idle_acme.id, Message, author="customer")
    assert draft.message_id == question.id
    assert [citation["article"] for citation in draft.citations] == ["payment"]
    assert 0 < draft.confidence < 0.8
    assert draft.text not in (await row(idle.db, idle_acme.id, Message, author="ai")).text
