from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from core.errors import BadInput
from core.events import conversation_topic
from core.helpdesk import Helpdesk
from core.messages import quoting
from core.models import Conversation, Delivery, Draft, Message, Organization, Ticket, Usage, now
from core.turns import MAX_ATTEMPTS, MOST_CLAIMS
from tests.cast import Shop, acme, from_dana
from tests.fakes import SlowEncoder
from tests.hands import Hands
from tests.rows import an_hour_passes, change, finished, row, rows
from tests.waiting import until

COVERED = "When will my parcel arrive?"
UNCOVERED = "Do you sell garden furniture?"
HUMAN = "I want to talk to a human"


async def test_a_covered_question_is_answered_with_its_source(any_helpdesk: Helpdesk, any_acme: Shop) -> None:
    receipt = await any_helpdesk.inbox.receive(from_dana(any_acme, COVERED))
    question = await finished(any_helpdesk.db, any_acme.id, receipt.message_id)
    assert (question.outcome, question.lease_owner, question.error) == ("answered", None, None)
    reply = await row(any_helpdesk.db, any_acme.id, Message, author="ai")
    assert "two to three working days" in reply.text
    assert [citation["article"] for citation in reply.citations] == ["delivery"]
    assert reply.citations[0]["quote"].startswith("Delivery within Germany takes two to three working days.")
    assert (reply.reply_to_id, reply.speaker, reply.state) == (question.id, "Robin", "done")
    assert reply.confidence >= 0.8
    usage = await row(any_helpdesk.db, any_acme.id, Usage)
    assert (usage.month, usage.received, usage.answered, usage.escalated) == (f"{now():%Y-%m}", 1, 1, 0)
    assert await rows(any_helpdesk.db, any_acme.id, Ticket) == []


async def test_what_a_message_replies_to_is_not_what_it_asks(helpdesk: Helpdesk, acme: Shop) -> None:
    text_ = quoting("I want to talk to a human.\nWe accept Visa, Mastercard and PayPal.") + COVERED
    receipt = await helpdesk.inbox.receive(from_dana(acme, text_))
    question = await finished(helpdesk.db, acme.id, receipt.message_id)
    assert (question.outcome, question.text) == ("answered", text_)
    assert "two to three working days" in (await row(helpdesk.db, acme.id, Message, author="ai")).text
    assert (await row(helpdesk.db, acme.id, Conversation)).subject == COVERED


async def test_what_a_message_replies_to_is_what_it_follows_up_on(helpdesk: Helpdesk, acme: Shop) -> None:
    here, follows_up = uuid4(), quoting("Gift cards are sent by e-mail.") + "How long are they valid?"
    for asked in ("Can I pay with PayPal?", follows_up):
        receipt = await helpdesk.inbox.receive(from_dana(acme, asked, here))
        await finished(helpdesk.db, acme.id, receipt.message_id)
    last = await row(helpdesk.db, acme.id, Message, reply_to_id=receipt.message_id)
    assert [citation["article"] for citation in last.citations] == ["gift-cards"]


async def test_an_uncovered_question_reaches_people_and_says_so(any_helpdesk: Helpdesk, any_acme: Shop) -> None:
    receipt = await any_helpdesk.inbox.receive(from_dana(any_acme, UNCOVERED))
    question = await finished(any_helpdesk.db, any_acme.id, receipt.message_id)
    assert (question.outcome, question.analysis["reason"]) == ("escalated", "no_knowledge")
    ticket = await row(any_helpdesk.db, any_acme.id, Ticket)
    assert (ticket.reason, ticket.status, ticket.subject) == ("no_knowledge", "open", UNCOVERED)
    notice = await row(any_helpdesk.db, any_acme.id, Message, author="ai")
    assert f"#{ticket.number}" in notice.text
    assert (notice.ticket_id, notice.citations) == (ticket.id, [])
    usage = await row(any_helpdesk.db, any_acme.id, Usage)
    assert (usage.received, usage.answered, usage.escalated) == (1, 0, 1)


async def test_a_ticket_is_about_what_was_handed_over(helpdesk: Helpdesk, acme: Shop) -> None:
    here = uuid4()
    for asked in (COVERED, f"{UNCOVERED} Or tools?"):
        receipt = await helpdesk.inbox.receive(from_dana(acme, asked, here))
        await finished(helpdesk.db, acme.id, receipt.message_id)
    assert (await row(helpdesk.db, acme.id, Ticket)).subject == f"{UNCOVERED} Or tools?"
    assert (await row(helpdesk.db, acme.id, Conversation)).subject == COVERED


async def test_a_subject_that_the_customer_gave_is_the_tickets(helpdesk: Helpdesk, acme: Shop) -> None:
    receipt = await helpdesk.inbox.receive(from_dana(acme, UNCOVERED, uuid4(), subject="My garden"))
    await finished(helpdesk.db, acme.id, receipt.message_id)
    assert (await row(helpdesk.db, acme.id, Ticket)).subject == "My garden"


async def test_a_knowledge_gap_does_not_silence_the_bot(helpdesk: Helpdesk, acme: Shop) -> None:
    receipts = [await helpdesk.inbox.receive(from_dana(acme, text_)) for text_ in (UNCOVERED, COVERED)]
    outcomes = [(await finished(helpdesk.db, acme.id, receipt.message_id)).outcome for receipt in receipts]
    assert outcomes == ["escalated", "answered"]
    assert (await row(helpdesk.db, acme.id, Conversation)).handler == "bot"


async def test_asking_for_a_person_silences_the_bot_in_that_conversation_only(helpdesk: Helpdesk, acme: Shop) -> None:
    here, elsewhere = uuid4(), uuid4()
    asked = await helpdesk.inbox.receive(from_dana(acme, HUMAN, here))
    after = await helpdesk.inbox.receive(from_dana(acme, COVERED, here))
    other = await helpdesk.inbox.receive(from_dana(acme, COVERED, elsewhere))
    assert (await finished(helpdesk.db, acme.id, asked.message_id)).outcome == "escalated"
    assert (await finished(helpdesk.db, acme.id, after.message_id)).outcome == "silent"
    assert (await finished(helpdesk.db, acme.id, other.message_id)).outcome == "answered"
    assert (await row(helpdesk.db, acme.id, Ticket)).reason == "asked_for_human"
    notice = await row(helpdesk.db, acme.id, Message, conversation_id=here, author="ai")
    assert "colleague" in notice.text
    handed_over = await row(helpdesk.db, acme.id, Conversation, id=here)
    assert (handed_over.handler, handed_over.version) == ("person", 1)
    assert (await row(helpdesk.db, acme.id, Conversation, id=elsewhere)).handler == "bot"


async def test_what_is_written_to_a_person_brings_the_conversation_up(helpdesk: Helpdesk, acme: Shop) -> None:
    receipt = await helpdesk.inbox.receive(from_dana(acme, HUMAN))
    await finished(helpdesk.db, acme.id, receipt.message_id)
    before = (await row(helpdesk.db, acme.id, Conversation)).last_message_at
    receipt = await helpdesk.inbox.receive(from_dana(acme, "Are you there?"))
    await finished(helpdesk.db, acme.id, receipt.message_id)
    assert (await row(helpdesk.db, acme.id, Conversation)).last_message_at > before


@pytest.mark.parametrize("question", [COVERED, UNCOVERED])
async def test_a_takeover_during_the_turn_drops_what_the_bot_made_of_it(
    any_helpdesk: Helpdesk, any_acme: Shop, slow: SlowEncoder, question: str
) -> None:
    slow.gate.clear()
    receipt = await any_helpdesk.inbox.receive(from_dana(any_acme, question))
    await until(lambda: _at_the_gate(slow))
    await change(any_helpdesk.db, any_acme.id, Conversation, receipt.conversation_id, handler="person", version=1)
    slow.gate.set()

    assert (await finished(any_helpdesk.db, any_acme.id, receipt.message_id)).outcome == "silent"
    assert await rows(any_helpdesk.db, any_acme.id, Message, author="ai") == []
    for model in (Ticket, Draft, Delivery):
        assert await rows(any_helpdesk.db, any_acme.id, model) == []
    conversation = await row(any_helpdesk.db, any_acme.id, Conversation)
    assert (conversation.handler, conversation.version) == ("person", 1)
    usage = await row(any_helpdesk.db, any_acme.id, Usage)
    assert (usage.received, usage.answered, usage.escalated) == (1, 0, 0)


async def test_a_takeover_and_a_return_during_the_turn_drop_it_too(
    helpdesk: Helpdesk, acme: Shop, slow: SlowEncoder
) -> None:
    """What sam told dana meanwhile is not in the bot's reply."""
    slow.gate.clear()
    receipt = await helpdesk.inbox.receive(from_dana(acme, COVERED))
    await until(lambda: _at_the_gate(slow))
    await change(helpdesk.db, acme.id, Conversation, receipt.conversation_id, handler="bot", version=2)
    slow.gate.set()
    assert (await finished(helpdesk.db, acme.id, receipt.message_id)).outcome == "silent"


async def _execute(helpdesk: Helpdesk, *statements: str) -> None:
    for statement in statements:
        await helpdesk.db.run_sync(lambda connection, sql=statement: connection.execute(text(sql)))


async def _at_the_gate(slow: SlowEncoder) -> bool:
    return slow.at_the_gate > 0


@pytest.mark.parametrize("plan", [0, 2])
async def test_a_full_quota_loses_nothing(idle: Helpdesk, plan: int) -> None:
    shop = await acme(idle, monthly_answers=plan)
    hands = Hands(idle)
    for n in range(plan + 2):
        await idle.inbox.receive(from_dana(shop, COVERED, uuid4(), external_id=str(n)))
        await hands.work()
    questions = await rows(idle.db, shop.id, Message, author="customer")
    assert [question.outcome for question in questions] == ["answered"] * plan + ["escalated"] * 2
    tickets = await rows(idle.db, shop.id, Ticket)
    assert [ticket.reason for ticket in tickets] == ["quota", "quota"]
    drafts = await rows(idle.db, shop.id, Draft)
    assert all("two to three working days" in draft.text for draft in drafts)
    assert [draft.ticket_id for draft in drafts] == [ticket.id for ticket in tickets]
    usage = await row(idle.db, shop.id, Usage)
    assert (usage.received, usage.answered, usage.escalated) == (plan + 2, plan, 2)


async def test_a_full_quota_still_finds_a_person_for_who_asks(idle: Helpdesk) -> None:
    shop = await acme(idle, monthly_answers=0)
    await idle.inbox.receive(from_dana(shop, HUMAN))
    await Hands(idle).work()
    assert (await row(idle.db, shop.id, Ticket)).reason == "asked_for_human"


async def test_last_months_answers_do_not_count(idle: Helpdesk) -> None:
    shop = await acme(idle, monthly_answers=1)
    async with idle.db.write(shop.id) as scope:
        scope.add(Usage(month=f"{now().replace(day=1) - timedelta(days=1):%Y-%m}", answered=99))
    await idle.inbox.receive(from_dana(shop, COVERED))
    await Hands(idle).work()
    assert (await row(idle.db, shop.id, Message, author="customer")).outcome == "answered"


async def test_a_failing_turn_is_tried_again_with_a_pause_and_then_given_to_a_person(
    idle: Helpdesk, idle_acme: Shop, slow: SlowEncoder
) -> None:
    slow.failures = [RuntimeError(f"the model broke {n}") for n in range(MAX_ATTEMPTS)]
    receipt = await idle.inbox.receive(from_dana(idle_acme, COVERED))
    hands = Hands(idle)
    for attempt in range(1, MAX_ATTEMPTS):
        before = now()
        assert await hands.work() == 1
        message = await row(idle.db, idle_acme.id, Message, id=receipt.message_id)
        assert (message.state, message.attempts, message.lease_owner) == ("queued", attempt, None)
        assert message.error == f"RuntimeError: the model broke {attempt - 1}"
        assert message.available_at - before >= timedelta(seconds=2**attempt / 2)
        assert await rows(idle.db, idle_acme.id, Message, author="ai") == []
        assert await hands.work() == 0
        await an_hour_passes(idle.db)
    assert await hands.work() == 1

    message = await row(idle.db, idle_acme.id, Message, id=receipt.message_id)
    assert (message.state, message.outcome) == ("done", "escalated")
    ticket = await row(idle.db, idle_acme.id, Ticket)
    assert (ticket.reason, ticket.priority) == ("error", "high")
    notice = await row(idle.db, idle_acme.id, Message, author="ai")
    assert f"#{ticket.number}" in notice.text


async def test_a_turn_that_recovers_is_answered_once(idle: Helpdesk, idle_acme: Shop, slow: SlowEncoder) -> None:
    slow.failures = [BadInput("no")]
    receipt = await idle.inbox.receive(from_dana(idle_acme, COVERED))
    await Hands(idle).work()
    await an_hour_passes(idle.db)
    await Hands(idle).work()
    message = await row(idle.db, idle_acme.id, Message, id=receipt.message_id)
    assert (message.outcome, message.attempts) == ("answered", 2)
    await row(idle.db, idle_acme.id, Message, author="ai")


async def test_a_message_that_took_its_process_with_it_each_time_goes_to_a_person(
    idle: Helpdesk, idle_acme: Shop, slow: SlowEncoder
) -> None:
    receipt = await idle.inbox.receive(from_dana(idle_acme, COVERED))
    await change(idle.db, idle_acme.id, Message, receipt.message_id, attempts=MOST_CLAIMS)
    asked = len(slow.seen)
    await Hands(idle).work()
    message = await row(idle.db, idle_acme.id, Message, author="customer")
    assert (message.outcome, message.analysis["reason"]) == ("escalated", "error")
    assert len(slow.seen) == asked


async def test_an_organization_with_settings_that_cannot_be_read_loses_no_message(
    idle: Helpdesk, idle_acme: Shop
) -> None:
    async with idle.db.write(idle_acme.id) as scope:
        organization = await scope.session.get_one(Organization, idle_acme.id)
        organization.settings = {**organization.settings, "threshold": "as sure as can be"}
    await idle.inbox.receive(from_dana(idle_acme, COVERED))
    await Hands(idle).work()
    assert (await row(idle.db, idle_acme.id, Ticket)).reason == "mode_draft"


FAULTS = {
    "sqlite": "CREATE TRIGGER fault BEFORE INSERT ON {} BEGIN SELECT RAISE(ABORT, 'disk on fire'); END",
    "postgresql": "CREATE FUNCTION burn() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE 'disk on fire'; END $$;; CREATE TRIGGER fault BEFORE INSERT ON {} EXECUTE FUNCTION burn()",
}


@pytest.mark.parametrize(
    ("table", "question"), [("usage", COVERED), ("tickets", UNCOVERED), ("drafts", f"{COVERED} {HUMAN}")]
)
async def test_a_turn_that_breaks_while_it_is_written_leaves_no_trace(
    idle: Helpdesk, idle_acme: Shop, table: str, question: str
) -> None:
    """One of its statements fails in the database itself; what came before is undone."""
    await _execute(idle, *FAULTS["sqlite" if idle.db.embedded else "postgresql"].format(table).split(";; "))
    receipt = await idle.inbox.receive(from_dana(idle_acme, question))
    await Hands(idle).work()
    message = await row(idle.db, idle_acme.id, Message)
    assert (message.state, message.attempts, message.analysis) == ("queued", 1, {})
    assert "disk on fire" in message.error
    for model in (Ticket, Draft, Delivery, Usage):
        assert await rows(idle.db, idle_acme.id, model) == []
    assert (await row(idle.db, idle_acme.id, Conversation)).version == 0
    async with idle.db.read(idle_acme.id) as scope:
        assert (await scope.session.get_one(Organization, idle_acme.id)).last_ticket_number == 1000

    await _execute(idle, "DROP TRIGGER fault" + ("" if idle.db.embedded else f" ON {table}"))
    await an_hour_passes(idle.db)
    await Hands(idle).work()
    assert (await row(idle.db, idle_acme.id, Message, id=receipt.message_id)).state == "done"
    await row(idle.db, idle_acme.id, Message, author="ai")


@pytest.mark.parametrize("question", [COVERED, UNCOVERED, HUMAN])
async def test_a_turn_that_lost_its_lease_leaves_no_trace(idle: Helpdesk, idle_acme: Shop, question: str) -> None:
    slow_one, quick_one = Hands(idle, "slow one"), Hands(idle, "quick one")
    receipt = await idle.inbox.receive(from_dana(idle_acme, question))
    with idle.events.subscribe(conversation_topic(receipt.conversation_id)) as watching:
        await slow_one.claim()
        await change(idle.db, idle_acme.id, Message, receipt.message_id, lease_owner="quick one")
        await slow_one.turn(idle_acme.id, receipt.message_id)
        message = await row(idle.db, idle_acme.id, Message)
        assert (message.state, message.lease_owner, message.outcome) == ("working", "quick one", None)
        for model in (Ticket, Draft, Delivery, Usage):
            assert await rows(idle.db, idle_acme.id, model) == []
        assert (await row(idle.db, idle_acme.id, Conversation)).handler == "bot"

        await quick_one.turn(idle_acme.id, receipt.message_id)
        await slow_one.turn(idle_acme.id, receipt.message_id)
        reply = await row(idle.db, idle_acme.id, Message, author="ai")
        told = [await asyncio.wait_for(watching.get(), 5)]
        while told[-1].data.get("author") != "ai":
            told.append(await asyncio.wait_for(watching.get(), 5))
    assert told[-1].data["id"] == str(reply.id)
    assert (await row(idle.db, idle_acme.id, Usage)).received == 1


async def test_a_failure_after_the_lease_was_lost_does_not_take_the_message_back(
    idle: Helpdesk, idle_acme: Shop, slow: SlowEncoder
) -> None:
    receipt = await idle.inbox.receive(from_dana(idle_acme, COVERED))
    slow_one = Hands(idle, "slow one")
    await slow_one.claim()
    await change(idle.db, idle_acme.id, Message, receipt.message_id, lease_owner="quick one")
    slow.failures = [RuntimeError("broke")]
    await slow_one.turn(idle_acme.id, receipt.message_id)
    message = await row(idle.db, idle_acme.id, Message)
    assert (message.state, message.lease_owner, message.error) == ("working", "quick one", None)


async def test_the_reply_is_told_to_watchers_only_once_it_is_stored(idle: Helpdesk, idle_acme: Shop) -> None:
    receipt = await idle.inbox.receive(from_dana(idle_acme, COVERED, uuid4()))
    with idle.events.subscribe(conversation_topic(receipt.conversation_id)) as watching:
        work = asyncio.create_task(Hands(idle).work())
        while (event := await asyncio.wait_for(watching.get(), 5)).data.get("author") != "ai":
            assert event.kind in ("typing", "message", "lagged")
        stored = await row(idle.db, idle_acme.id, Message, author="ai")
        assert (event.data["id"], event.data["text"]) == (str(stored.id), stored.text)
        await work


@pytest.mark.parametrize("autonomy", ["draft", "off"])
async def test_an_organization_that_wants_people_to_answer_gets_what_it_wants(idle: Helpdesk, autonomy: str) -> None:
    shop = await acme(idle, settings={"autonomy": autonomy, "assistant_name": "Robin"})
    await idle.inbox.receive(from_dana(shop, COVERED))
    await Hands(idle).work()
    assert (await row(idle.db, shop.id, Ticket)).reason == "mode_draft"
    drafts = await rows(idle.db, shop.id, Draft)
    assert len(drafts) == (1 if autonomy == "draft" else 0)


async def test_the_organizations_threshold_decides(idle: Helpdesk) -> None:
    shop = await acme(idle, settings={"threshold": 1.0})
    await idle.inbox.receive(from_dana(shop, COVERED))
    await Hands(idle).work()
    assert (await row(idle.db, shop.id, Ticket)).reason == "low_confidence"
    draft = await row(idle.db, shop.id, Draft)
    assert (draft.state, draft.version) == ("pending", 1)
    assert draft.citations[0]["article"] == "delivery"
