"""From a customer's question to a thread in Slack, and from a button there to the customer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.models import AuditEntry, Draft, Message, new_id
from tests import cast
from tests.journeys.slack.scene import HUMAN, UNCOVERED, Scene
from tests.rows import row, rows
from tests.standins import slack_blocks
from tests.waiting import until


async def test_a_ticket_is_in_slack_with_what_an_agent_wants_to_know(scene: Scene) -> None:
    head = await scene.ticket(UNCOVERED)
    ticket = await scene.stored()
    assert f"#{ticket.number} {UNCOVERED}" in head.said
    assert "Website" in head.said
    assert "👤 Dana" in head.said
    assert "The documents do not cover this." in head.said
    assert f"http://127.0.0.1:8000/#/tickets/{ticket.number}" in slack_blocks.links(head.blocks)
    assert head.actions == ["take", "reply", "assign", "snooze", "resolve", "more"]


async def test_a_draft_is_sent_once_and_says_who_did_it(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    draft = await scene.draft(head)
    assert draft.actions == ["send", "edit", "reject", "regenerate"]
    assert "How long delivery takes" in draft.said
    await scene.click(scene.sam, draft, "send")
    await scene.says(draft, "✅ Sent by Sam")
    assert draft.actions == []
    (sent,) = await scene.sent_to_dana()
    assert "two to three working days" in sent
    await scene.reply_in(head, "↩️ Sam replied · ✅ sent")
    await scene.says(head, "🔵 Waiting for the customer · Sam has it")


async def test_the_second_to_press_is_told_who_was_first(scene: Scene) -> None:
    draft = await scene.draft(await scene.ticket(HUMAN))
    alex = await scene.colleague("Alex")
    too_late = scene.people.clicked(alex, draft, "send")
    await scene.click(scene.sam, draft, "send")
    await scene.settled()
    await scene.people.carry("interactive", too_late)
    assert "ago by Sam." in await scene.whispered(alex, "Already sent")
    assert len(await scene.sent_to_dana()) == 1


async def test_an_edited_draft_carries_the_customers_message_and_its_version(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    draft = await scene.draft(head)
    await scene.click(scene.sam, draft, "edit")
    view = await scene.modal(scene.sam, "edit")
    assert HUMAN in "".join(slack_blocks.texts(view.view["blocks"]))
    answer = await scene.people.submit(scene.sam, view, text="Three days, I promise.", resolve=["resolve"])
    assert (answer.status_code, answer.content) == (200, b"")
    await scene.says(draft, "✅ Edited and sent by Sam")
    await scene.says(head, "🟢 Resolved by Sam")
    assert head.actions == ["reopen"]
    assert await scene.sent_to_dana() == ["Three days, I promise."]


async def test_whoever_edits_too_long_keeps_their_words_and_reads_why(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    draft = await scene.draft(head)
    await scene.click(scene.sam, draft, "edit")
    view = await scene.modal(scene.sam, "edit")
    ticket = await scene.stored()
    await scene.dana_writes("Hello? Anybody?", ticket.conversation_id)
    await scene.says(draft, "⌛ Outdated")
    answer = await scene.people.submit(scene.sam, view, text="Three days.")
    assert answer.json()["response_action"] == "errors"
    assert "outdated" in answer.json()["errors"]["text"]
    assert await scene.sent_to_dana() == []
    await scene.reply_in(head, "💬 Dana wrote")


async def test_a_rejected_draft_keeps_the_reason(scene: Scene) -> None:
    draft = await scene.draft(await scene.ticket(HUMAN))
    await scene.click(scene.sam, draft, "reject")
    await scene.people.submit(scene.sam, await scene.modal(scene.sam, "reject"), reason="outdated")
    await scene.says(draft, "🚫 Rejected by Sam: a source is outdated")
    assert (await row(scene.helpdesk.db, scene.shop.id, Draft)).reject_reason == "outdated"


async def test_another_draft_is_offered(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    draft = await scene.draft(head)
    await scene.click(scene.sam, draft, "regenerate")
    await scene.says(draft, "⌛ Outdated")
    await scene.settled()
    drafts = [m for m in scene.desk.thread(head.ts) if "✍️ Draft" in m.said]
    assert [bool(m.actions) for m in drafts] == [False, True]


async def test_a_ticket_is_taken_snoozed_woken_resolved_and_reopened(scene: Scene) -> None:
    head = await scene.ticket()
    await scene.click(scene.sam, head, "take")
    await scene.says(head, "🟡 Sam has it · the bot is silent")
    await scene.click(scene.sam, head, "snooze")
    await scene.people.submit(scene.sam, await scene.modal(scene.sam, "snooze"), snooze="tomorrow")
    await scene.says(head, "🟣 Snoozed until")
    await scene.click(scene.sam, head, "wake")
    await scene.says(head, "🟡 Sam has it")
    await scene.click(scene.sam, head, "more", "hand_back")
    await scene.says(head, "the bot answers what it can")
    await scene.click(scene.sam, head, "resolve")
    await scene.says(head, "🟢 Resolved by Sam")
    await scene.click(scene.sam, head, "reopen")
    await scene.says(head, "🟡 Sam has it")


async def test_a_ticket_gets_a_priority_a_category_and_another_owner(scene: Scene) -> None:
    alex = await scene.colleague("Alex")
    head = await scene.ticket()
    await scene.click(scene.sam, head, "more", "priority")
    await scene.people.submit(scene.sam, await scene.modal(scene.sam, "priority"), priority="urgent")
    await scene.says(head, "🔥 Urgent")
    await scene.click(scene.sam, head, "more", "category")
    await scene.people.submit(scene.sam, await scene.modal(scene.sam, "category"), new="Aerospace")
    await scene.says(head, "Aerospace")
    await scene.click(scene.sam, head, "assign")
    view = await scene.modal(scene.sam, "assign")
    options = view.view["blocks"][0]["element"]["options"]
    chosen = next(option["value"] for option in options if option["text"]["text"] == alex.name)
    await scene.people.submit(scene.sam, view, assign=chosen)
    await scene.says(head, "🟡 Alex has it")


async def test_spam_is_closed_and_duplicates_are_merged(scene: Scene) -> None:
    first, second = await scene.ticket(), await scene.ticket("Do you sell submarines for Mars?")
    number = (await scene.stored(subject=UNCOVERED)).number
    await scene.click(scene.sam, second, "more", "merge")
    view = await scene.modal(scene.sam, "merge")
    refused = await scene.people.submit(scene.sam, view, number="helicopters")
    assert "number of the other ticket" in refused.json()["errors"]["number"]
    await scene.people.submit(scene.sam, view, number=f"#{number}")
    await scene.says(second, f"⚪ Merged into #{number}")
    await scene.reply_in(first, "was merged into this ticket")
    await scene.click(scene.sam, first, "more", "spam")
    await scene.says(first, "🚫 Spam, closed by Sam")


@pytest.mark.parametrize("late", [False, True])
async def test_a_modal_opens_in_time_or_says_to_press_again(scene: Scene, late: bool) -> None:
    head = await scene.ticket()
    payload = scene.people.clicked(scene.sam, head, "reply")
    if late:
        scene.slack.later(4)
    await scene.people.carry("interactive", payload)
    if late:
        await scene.whispered(scene.sam, "Press the button again")
    else:
        assert await scene.modal(scene.sam, "reply")


async def test_a_reply_by_hand_can_be_undone_for_a_while(scene: Scene) -> None:
    head = await scene.ticket()
    await scene.click(scene.sam, head, "reply")
    await scene.people.submit(scene.sam, await scene.modal(scene.sam, "reply"), text="We do **not**.")
    said = await scene.reply_in(head, "↩️ Sam replied")
    # The chat reads our database: there is nothing to hold back, but it can be taken back.
    assert said.actions == ["sent"]
    await scene.click(scene.sam, said, "sent", "correct")
    await scene.people.submit(scene.sam, await scene.modal(scene.sam, "correct"), text="We do.")
    await scene.says(said, "edited")
    assert await scene.sent_to_dana() == ["We do."]
    await scene.click(scene.sam, said, "sent", "retract")
    await scene.says(said, "taken back")
    assert await scene.sent_to_dana() == []


async def test_a_blocked_sender_makes_no_work_until_unblocked(scene: Scene) -> None:
    head = await scene.ticket("Buy cheap helicopters now!!!")
    await scene.click(scene.sam, head, "more", "spam")
    await scene.says(head, "🚫 Spam, closed by Sam")
    assert head.actions == ["reopen", "block"]
    await scene.click(scene.sam, head, "block")
    await scene.says(head, "the sender is blocked")
    conversation_id = await scene.dana_writes(HUMAN, new_id())
    stored = await until(lambda: worked(scene, conversation_id))
    assert stored.text == HUMAN, "it is kept"
    await scene.settled()
    assert len(scene.desk.parents) == 1
    assert await rows(scene.helpdesk.db, scene.shop.id, Message, conversation_id=conversation_id, author="ai") == []
    await scene.click(scene.sam, head, "unblock")
    await scene.says(head, "Block the sender")
    assert head.actions == ["reopen", "block"]
    await scene.ticket(HUMAN)
    audit = await rows(scene.helpdesk.db, scene.shop.id, AuditEntry, subject_id=(await scene.stored(number=1001)).id)
    assert [entry.action for entry in audit][-2:] == ["customer.blocked", "customer.unblocked"]


async def worked(scene: Scene, conversation_id: UUID) -> Message | None:
    found = await rows(scene.helpdesk.db, scene.shop.id, Message, conversation_id=conversation_id, state="done")
    return found[0] if found else None


async def test_whoever_has_a_draft_before_them_gets_a_new_one_for_what_the_customer_adds(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    draft = await scene.draft(head)
    ticket = await scene.stored()
    await scene.dana_writes("How do I send something back?", ticket.conversation_id)
    await scene.says(draft, "⌛ Outdated")
    newer = await scene.reply_in(head, "30 days")
    assert newer.actions == ["send", "edit", "reject", "regenerate"]
    await scene.click(scene.sam, newer, "send")
    await scene.says(newer, "✅ Sent by Sam")
    # Nothing waits for a decision any more, so talk between the two is not interrupted by drafts.
    await scene.dana_writes("How long does delivery take?", ticket.conversation_id)
    await scene.reply_in(head, "How long does delivery take?")
    await scene.settled()
    assert len([message for message in scene.desk.thread(head.ts) if "✍️ Draft" in message.said]) == 2


def called(scene: Scene, head: Any) -> list[tuple[str, list[str]]]:
    """Who is mentioned in the thread, and in what."""
    thread = [(message.said.splitlines()[0], slack_blocks.mentions(message.blocks)) for message in
              scene.desk.thread(head.ts)]  # fmt: skip
    return [(said, users) for said, users in thread if users]


async def test_whoever_has_a_ticket_is_called_when_the_customer_writes_again(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    ticket = await scene.stored()
    await scene.dana_writes("Hello?", ticket.conversation_id)
    await scene.reply_in(head, "Hello?")
    await scene.click(scene.sam, head, "take")
    await scene.says(head, "🟡 Sam has it")
    await scene.settled()
    assert called(scene, head) == [], "nobody had it; and who takes it knows"
    await scene.dana_writes("Anybody?", ticket.conversation_id)
    await scene.reply_in(head, "Anybody?")
    await scene.settled()
    assert called(scene, head) == [("💬 Dana wrote", [f"@{scene.sam.id}"])]


async def test_whoever_is_given_a_ticket_is_told_once(scene: Scene) -> None:
    alex = await scene.colleague("Alex")  # has never done anything in Slack
    head = await scene.ticket()
    for _ in range(2):
        await scene.click(scene.sam, head, "assign")
        view = await scene.modal(scene.sam, "assign")
        options = view.view["blocks"][0]["element"]["options"]
        chosen = next(option["value"] for option in options if option["text"]["text"] == alex.name)
        await scene.people.submit(scene.sam, view, assign=chosen)
        await scene.says(head, "🟡 Alex has it")
        scene.slack.state.views.clear()
    await scene.settled()
    assert called(scene, head) == [("👉 Alex has this ticket now, from Sam.", [f"@{alex.id}"])]
    await scene.click(alex, head, "resolve")
    await scene.says(head, "🟢 Resolved by Alex")


async def test_whoever_is_not_in_slack_is_named(scene: Scene) -> None:
    await cast.another_agent(scene.helpdesk, scene.shop, "Kim")
    head = await scene.ticket()
    await scene.click(scene.sam, head, "assign")
    view = await scene.modal(scene.sam, "assign")
    options = view.view["blocks"][0]["element"]["options"]
    kim = next(option["value"] for option in options if option["text"]["text"] == "Kim")
    await scene.people.submit(scene.sam, view, assign=kim)
    await scene.reply_in(head, "👉 Kim has this ticket now, from Sam.")
    await scene.click(scene.sam, head, "snooze")
    await scene.settled()
    assert called(scene, head) == []
    assert scene.slack.calls["users.lookupByEmail"] == 1


async def test_a_draft_can_be_asked_for_where_the_customer_wrote(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    await scene.click(scene.sam, await scene.draft(head), "send")
    await scene.settled()
    ticket = await scene.stored()
    await scene.dana_writes("How do I send something back?", ticket.conversation_id)
    asked = await scene.reply_in(head, "How do I send something back?")
    assert asked.actions == ["reply", "draft"]
    for _ in range(2):
        await scene.click(scene.sam, asked, "draft")
        await scene.settled()
    offered = [message for message in scene.desk.thread(head.ts) if "30 days" in message.said]
    assert [bool(message.actions) for message in offered] == [False, True]
    await scene.click(scene.sam, offered[1], "send")
    await scene.says(offered[1], "✅ Sent by Sam")
    await scene.click(scene.sam, asked, "reply")
    await scene.people.submit(scene.sam, await scene.modal(scene.sam, "reply"), text="Ask me.", resolve=["resolve"])
    await scene.says(head, "🟢 Resolved by Sam")
    await scene.click(scene.sam, asked, "draft")
    await scene.whispered(scene.sam, "is resolved already")
