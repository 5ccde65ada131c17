"""What is typed in a thread stays inside; what goes out is marked; edits, deletions and files follow."""

from __future__ import annotations

import pytest

from bots.slack_desk.actions import NO_REPLY
from core.messages import Attachment
from core.models import AuditEntry, Channel, Note, Ticket
from core.outbox import DeliveryError
from tests.fakes import FakeSender
from tests.journeys.slack.scene import HUMAN, Scene
from tests.rows import change, row, rows
from tests.standins import slack_blocks
from tests.waiting import until

NASTY = "<!channel> <@U0000001> *look* <https://evil.example|here> &amp; `rm`"


async def notes(scene: Scene) -> list[str]:
    return [note.text for note in await rows(scene.helpdesk.db, scene.shop.id, Note) if not note.retracted_at]


async def test_talk_is_noted_edited_and_deleted_but_never_sent(scene: Scene) -> None:
    head = await scene.ticket()
    posted = scene.slack.calls["chat.postMessage"]
    message = await scene.people.say(scene.sam, scene.desk, "is this &lt;b&gt; for <https://x.example|us>?", head.ts)
    await scene.settled()
    assert await notes(scene) == ["is this <b> for [us](https://x.example)?"]
    await scene.people.edit(message, "never mind")
    await scene.settled()
    assert await notes(scene) == ["never mind"]
    await scene.people.delete(message)
    await scene.settled()
    assert await notes(scene) == []
    assert await scene.sent_to_dana() == []
    assert scene.slack.calls["chat.postMessage"] == posted, "a note from the thread is in the thread already"


async def test_talk_outside_threads_is_none_of_our_business(scene: Scene) -> None:
    await scene.ticket()
    await scene.people.say(scene.sam, scene.desk, "lunch?")
    await scene.settled()
    assert await notes(scene) == []


async def test_a_customers_words_are_shown_as_they_are(scene: Scene) -> None:
    head = await scene.ticket(f"I want to talk to a human: {NASTY}")
    ticket = await scene.stored()
    await scene.dana_writes(f"Really: {NASTY}", ticket.conversation_id)
    said = await scene.reply_in(head, "Really:")
    for message in (head, said):
        assert slack_blocks.mentions(message.blocks) == []
        assert NASTY in message.said
        assert not any("evil" in url for url in slack_blocks.links(message.blocks))
        assert "<" not in message.text


async def test_with_the_prefix_a_line_goes_to_the_customer(
    scene: Scene, pigeon_post: Channel, pigeons: FakeSender
) -> None:
    settings = {**scene.connected.settings, "prefix": True}
    await change(scene.helpdesk.db, scene.shop.id, Channel, scene.connected.id, settings=settings)
    head = await scene.ticket(channel_id=pigeon_post.id)
    typed = await scene.people.say(scene.sam, scene.desk, "&gt;&gt; We do not, sorry.", head.ts)
    said = await scene.reply_in(head, "↩️ Sam replied · goes out in a few seconds")
    assert said.actions == ["undo"]
    await scene.people.edit(typed, "&gt;&gt; We do.")
    await scene.says(said, "We do.")
    await scene.time_passes()
    await scene.says(said, "✅ sent")
    assert pigeons.texts[-1] == "We do."
    await scene.people.delete(typed)
    await scene.says(said, "taken back")
    assert await notes(scene) == []


async def test_a_preview_that_slack_adds_to_a_line_is_no_correction(
    scene: Scene, pigeon_post: Channel, pigeons: FakeSender
) -> None:
    """It tells of a changed message, whose text is as it was."""
    settings = {**scene.connected.settings, "prefix": True}
    await change(scene.helpdesk.db, scene.shop.id, Channel, scene.connected.id, settings=settings)
    head = await scene.ticket(channel_id=pigeon_post.id)
    line = "&gt;&gt; See <https://acme.example/returns>."
    typed = await scene.people.say(scene.sam, scene.desk, line, head.ts)
    said = await scene.reply_in(head, "↩️ Sam replied")
    await scene.time_passes()
    await scene.says(said, "✅ sent")
    sent = len(pigeons.sent)
    await scene.people.edit(typed, line)
    await scene.settled()
    assert len(pigeons.sent) == sent
    assert "edited" not in said.said


async def test_only_a_reply_of_ours_becomes_a_faq(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    draft = await scene.draft(head)
    ticket = await scene.stored()
    await scene.dana_writes("My address is 5 Sea Road", ticket.conversation_id)
    theirs = await scene.reply_in(head, "5 Sea Road")
    for number, message in enumerate((head, draft, theirs), 1):
        await scene.people.shortcut(scene.sam, message, "faq")
        await scene.settled()
        assert scene.desk.whispers(scene.sam.id) == [NO_REPLY] * number
    assert scene.slack.calls["views.open"] == 0


async def test_without_the_prefix_setting_it_is_talk(scene: Scene) -> None:
    head = await scene.ticket()
    await scene.people.say(scene.sam, scene.desk, "&gt;&gt; hello", head.ts)
    await scene.settled()
    assert await scene.sent_to_dana() == []
    assert await notes(scene) == [">> hello"]


async def test_what_an_agent_sends_can_be_undone(scene: Scene, pigeon_post: Channel, pigeons: FakeSender) -> None:
    head = await scene.ticket(HUMAN, channel_id=pigeon_post.id)
    draft = await scene.draft(head)
    await scene.click(scene.sam, draft, "send")
    said = await scene.reply_in(head, "↩️ Sam replied · goes out in a few seconds")
    too_late = scene.people.clicked(scene.sam, said, "undo")
    await scene.click(scene.sam, said, "undo")
    await scene.says(said, "taken back")
    await scene.says(draft, "then taken back")
    await scene.time_passes()
    await scene.settled()
    assert [message.text for message in pigeons.sent if message.author == "agent"] == []
    await scene.people.carry("interactive", {**too_late, "trigger_id": scene.slack.state.trigger(scene.sam.id)})
    await scene.whispered(scene.sam, "too late")


async def test_a_reply_that_cannot_be_delivered_says_why(
    scene: Scene, pigeon_post: Channel, pigeons: FakeSender
) -> None:
    head = await scene.ticket(HUMAN, channel_id=pigeon_post.id)
    await scene.click(scene.sam, await scene.draft(head), "send")
    said = await scene.reply_in(head, "↩️ Sam replied")
    pigeons.failures = [DeliveryError("The loft is on fire. Build another.", permanent=True)]
    await scene.time_passes()
    await scene.says(said, "❌ could not be delivered")
    assert "The loft is on fire" in said.said


async def test_a_customers_files_are_in_the_thread_once(scene: Scene) -> None:
    files = (Attachment("invoice.pdf", "application/pdf", b"%PDF-1.7"),)
    head = await scene.ticket(HUMAN, attachments=files)

    async def shared() -> list[str]:
        return [file["name"] for message in scene.desk.thread(head.ts) for file in message.files]

    assert await until(shared) == ["invoice.pdf"]
    await scene.click(scene.sam, head, "take")
    await scene.settled()
    assert await shared() == ["invoice.pdf"]
    assert b"%PDF-1.7" in scene.slack.state.contents.values()


async def test_an_agents_file_goes_out_only_when_told(scene: Scene, pigeon_post: Channel, pigeons: FakeSender) -> None:
    head = await scene.ticket(channel_id=pigeon_post.id)
    file = scene.slack.share(scene.sam, "label.pdf", "application/pdf", b"label")
    await scene.people.say(scene.sam, scene.desk, "the label", head.ts, files=(file,))
    await scene.whispered(scene.sam, "Only the team sees label.pdf.")
    assert await notes(scene) == ["the label\n📎 label.pdf"]
    whisper = next(m for m in scene.desk.messages.values() if m.only_for == scene.sam.id)
    await scene.click(scene.sam, whisper, "send_files")
    await scene.reply_in(head, "📎 label.pdf")
    await scene.time_passes()
    await scene.settled()
    (sent,) = [message for message in pigeons.sent if message.author == "agent"]
    assert sent.attachments == (Attachment("label.pdf", "application/pdf", b"label"),)


@pytest.mark.parametrize(
    ("name", "size", "why"), [("tool.exe", 10, "is a program"), ("film.mp4", 21 * 2**20, "is larger than 20 MB")]
)
async def test_a_file_that_cannot_be_sent_says_why(scene: Scene, name: str, size: int, why: str) -> None:
    head = await scene.ticket()
    file = scene.slack.share(scene.sam, name, "application/octet-stream", b"x" * size)
    await scene.people.say(scene.sam, scene.desk, "", head.ts, files=(file,))
    await scene.whispered(scene.sam, "Only the team sees")
    whisper = next(m for m in scene.desk.messages.values() if m.only_for == scene.sam.id)
    await scene.click(scene.sam, whisper, "send_files")
    await scene.whispered(scene.sam, why)
    assert await scene.sent_to_dana() == []


async def test_emoji_are_shortcuts(scene: Scene) -> None:
    head = await scene.ticket()
    await scene.people.react(scene.sam, head, "eyes")
    await scene.says(head, "🟡 Sam has it")
    await scene.people.react(scene.sam, head, "white_check_mark")
    await scene.says(head, "🟢 Resolved by Sam")
    other = await scene.ticket("Buy cheap helicopters now!!!")
    await scene.people.react(scene.sam, other, "no_entry_sign")
    await scene.says(other, "🚫 Spam, closed by Sam")
    spam = await row(scene.helpdesk.db, scene.shop.id, Ticket, subject="Buy cheap helicopters now!!!")
    assert spam.resolution == "spam"


async def test_a_reply_becomes_a_faq_that_the_bot_gives(scene: Scene) -> None:
    head = await scene.ticket("I want to talk to a human: do you engrave the kettles with a name?")
    await scene.click(scene.sam, head, "reply")
    text = "Yes, we engrave kettles with a name of up to twelve letters for nine euros."
    await scene.people.submit(scene.sam, await scene.modal(scene.sam, "reply"), text=text)
    said = await scene.reply_in(head, "↩️ Sam replied")
    await scene.people.react(scene.sam, said, "memo")
    await scene.whispered(scene.sam, "Keep this reply as a FAQ")
    whisper = next(m for m in scene.desk.messages.values() if m.only_for == scene.sam.id)
    await scene.click(scene.sam, whisper, "faq")
    view = await scene.modal(scene.sam, "faq")
    answer = await scene.people.submit(scene.sam, view, question="Do you engrave the kettles with a name?")
    assert answer.content == b""
    await scene.people.command(scene.sam, scene.desk, "ask Can you engrave a kettle with a name?")
    await scene.whispered(scene.sam, "up to twelve letters")
    assert await row(scene.helpdesk.db, scene.shop.id, AuditEntry, action="faq.saved")
