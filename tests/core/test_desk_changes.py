"""What agents take back, correct, note, merge and label; and that desks outside are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from core import desk, queue, ratings
from core.errors import BadInput, Conflict, Forbidden, NotFound
from core.helpdesk import Helpdesk
from core.messages import Person
from core.models import AuditEntry, Channel, Conversation, Delivery, Draft, Message, Note, Ticket, new_id, now
from core.outbox import DeliveryError
from tests import cast
from tests.cast import Shop, from_dana
from tests.fakes import FakeDesk, FakeSender
from tests.hands import Hands
from tests.rows import an_hour_passes, change, row, rows
from tests.waiting import until

UNCOVERED = "Do you also sell garden furniture made of teak?"
HOLD = timedelta(seconds=10)


@pytest.fixture
async def ticket(idle: Helpdesk, idle_acme: Shop, pigeon: Channel, sender: FakeSender) -> Ticket:
    """dana asked by pigeon, and was told that a person will answer."""
    await idle.inbox.receive(from_dana(idle_acme, UNCOVERED, channel_id=pigeon.id, thread={"loft": 7}))
    await Hands(idle).work()
    await Hands(idle).work(Delivery)
    sender.sent.clear()
    return await row(idle.db, idle_acme.id, Ticket)


@pytest.fixture
def sam(idle_acme: Shop) -> desk.Agent:
    return desk.Agent(idle_acme.sam_id, "Sam")


async def reply(idle: Helpdesk, shop: Shop, sam: desk.Agent, ticket: Ticket, text: str, **more: object) -> UUID:
    async with idle.db.write(shop.id) as scope:
        return await desk.reply(scope, idle.outbox, sam, ticket.number, text, **more)  # type: ignore[arg-type]


async def test_a_held_reply_can_be_undone_and_is_never_sent(
    idle: Helpdesk, idle_acme: Shop, ticket: Ticket, sam: desk.Agent, sender: FakeSender
) -> None:
    message_id = await reply(idle, idle_acme, sam, ticket, "Oops", hold=HOLD)
    await Hands(idle).work(Delivery)
    assert sender.texts == []
    async with idle.db.write(idle_acme.id) as scope:
        await desk.undo(scope, idle.outbox, sam, message_id)
    await an_hour_passes(idle.db)
    await Hands(idle).work(Delivery)
    assert sender.texts == []
    assert (await row(idle.db, idle_acme.id, Message, id=message_id)).retracted_at is not None


async def test_what_is_sent_cannot_be_undone(
    idle: Helpdesk, idle_acme: Shop, ticket: Ticket, sam: desk.Agent, sender: FakeSender
) -> None:
    message_id = await reply(idle, idle_acme, sam, ticket, "Yes", hold=HOLD)
    await an_hour_passes(idle.db)
    await Hands(idle).work(Delivery)
    with pytest.raises(Conflict, match="too late"):
        async with idle.db.write(idle_acme.id) as scope:
            await desk.undo(scope, idle.outbox, sam, message_id)
    assert sender.texts == ["Yes"]
    assert (await row(idle.db, idle_acme.id, Message, id=message_id)).retracted_at is None


async def test_a_correction_follows_what_was_sent_and_replaces_what_waits(
    idle: Helpdesk, idle_acme: Shop, ticket: Ticket, sam: desk.Agent, sender: FakeSender
) -> None:
    sent = await reply(idle, idle_acme, sam, ticket, "Teek")
    await Hands(idle).work(Delivery)
    waiting = await reply(idle, idle_acme, sam, ticket, "Ook", hold=HOLD)
    for message_id, text in ((sent, "Teak"), (waiting, "Oak")):
        async with idle.db.write(idle_acme.id) as scope:
            await desk.edit_reply(scope, idle.outbox, sam, message_id, text)
    await an_hour_passes(idle.db)
    await Hands(idle).work(Delivery)
    shown = [(message.action, message.text, message.sent_as) for message in sender.sent]
    assert shown == [("send", "Teek", None), ("send", "Oak", None), ("edit", "Teak", "provider-1")]
    entry = (await rows(idle.db, idle_acme.id, AuditEntry, action="message.edited"))[0]
    assert entry.details == {"before": "Teek"}


async def test_a_retracted_reply_is_taken_back_where_it_was_sent(
    idle: Helpdesk, idle_acme: Shop, ticket: Ticket, sam: desk.Agent, sender: FakeSender
) -> None:
    message_id = await reply(idle, idle_acme, sam, ticket, "Secret")
    await Hands(idle).work(Delivery)
    async with idle.db.write(idle_acme.id) as scope:
        await desk.retract(scope, idle.outbox, sam, message_id)
    await Hands(idle).work(Delivery)
    assert [message.action for message in sender.sent] == ["send", "delete"]
    with pytest.raises(Conflict, match="taken back"):
        async with idle.db.write(idle_acme.id) as scope:
            await desk.edit_reply(scope, idle.outbox, sam, message_id, "Public")


async def test_only_its_writer_changes_a_reply(
    idle: Helpdesk, idle_acme: Shop, ticket: Ticket, sam: desk.Agent
) -> None:
    message_id = await reply(idle, idle_acme, sam, ticket, "Mine", hold=HOLD)
    alex = desk.Agent(await cast.another_agent(idle, idle_acme, "Alex"), "Alex")
    with pytest.raises(Forbidden):
        async with idle.db.write(idle_acme.id) as scope:
            await desk.undo(scope, idle.outbox, alex, message_id)
    question = (await rows(idle.db, idle_acme.id, Message, author="customer"))[0]
    with pytest.raises(Forbidden):
        async with idle.db.write(idle_acme.id) as scope:
            await desk.edit_reply(scope, idle.outbox, sam, question.id, "I never asked")


async def test_a_note_is_stored_once_under_its_outside_id(
    idle: Helpdesk, idle_acme: Shop, ticket: Ticket, sam: desk.Agent
) -> None:
    for _ in range(2):
        async with idle.db.write(idle_acme.id) as scope:
            await desk.note(scope, idle.outbox, sam, ticket.number, "She called, too.", external_id="T1:C1:1.1")
    async with idle.db.write(idle_acme.id) as scope:
        await desk.edit_note(scope, idle.outbox, "T1:C1:1.1", "She called twice.")
    assert (await row(idle.db, idle_acme.id, Note)).text == "She called twice."
    with pytest.raises(NotFound):
        async with idle.db.write(idle_acme.id) as scope:
            await desk.retract_note(scope, idle.outbox, "T1:C1:2.2")


async def test_duplicates_merge_but_never_across_customers(
    idle: Helpdesk, idle_acme: Shop, ticket: Ticket, sam: desk.Agent, pigeon: Channel
) -> None:
    other = await idle.inbox.receive(from_dana(idle_acme, UNCOVERED, new_id(), channel_id=pigeon.id))
    stranger = Person("eve")
    hers = await idle.inbox.receive(from_dana(idle_acme, UNCOVERED, new_id(), channel_id=pigeon.id, author=stranger))
    await Hands(idle).work()
    twin = await row(idle.db, idle_acme.id, Ticket, conversation_id=other.conversation_id)
    eves = await row(idle.db, idle_acme.id, Ticket, conversation_id=hers.conversation_id)
    with pytest.raises(BadInput, match="different customers"):
        async with idle.db.write(idle_acme.id) as scope:
            await desk.merge(scope, idle.outbox, sam, eves.number, ticket.number)
    async with idle.db.write(idle_acme.id) as scope:
        await desk.merge(scope, idle.outbox, sam, twin.number, ticket.number)
    merged = await row(idle.db, idle_acme.id, Ticket, id=twin.id)
    assert (merged.status, merged.resolution, merged.merged_into) == ("resolved", "merged", ticket.number)
    assert (await row(idle.db, idle_acme.id, Note)).ticket_id == ticket.id
    with pytest.raises(Conflict, match="merged into"):
        async with idle.db.write(idle_acme.id) as scope:
            await desk.reopen(scope, idle.outbox, sam, twin.number)


async def test_a_solved_ticket_asks_how_it_was_once_and_takes_the_answer(
    idle: Helpdesk, idle_acme: Shop, ticket: Ticket, sam: desk.Agent, sender: FakeSender
) -> None:
    for _ in range(2):
        async with idle.db.write(idle_acme.id) as scope:
            await desk.resolve(scope, idle.outbox, sam, ticket.number)
    await Hands(idle).work(Delivery)
    assert [(message.kind, message.ticket_number) for message in sender.sent] == [("rating", ticket.number)]
    for score in (2, 5):
        async with idle.db.write(idle_acme.id) as scope:
            await ratings.rate(scope, idle.outbox, ticket.number, score, "Splendid\x00")
    rated = await row(idle.db, idle_acme.id, Ticket)
    assert (rated.rating, rated.rating_comment) == (5, "Splendid")
    with pytest.raises(BadInput):
        async with idle.db.write(idle_acme.id) as scope:
            await ratings.rate(scope, idle.outbox, ticket.number, 6)


async def test_spam_is_closed_without_a_word(
    idle: Helpdesk, idle_acme: Shop, ticket: Ticket, sam: desk.Agent, sender: FakeSender
) -> None:
    async with idle.db.write(idle_acme.id) as scope:
        await desk.mark_spam(scope, idle.outbox, sam, ticket.number)
    await Hands(idle).work(Delivery)
    assert sender.sent == []
    assert (await row(idle.db, idle_acme.id, Ticket)).resolution == "spam"


async def test_a_reopened_ticket_is_a_persons(idle: Helpdesk, idle_acme: Shop, ticket: Ticket, sam: desk.Agent) -> None:
    async with idle.db.write(idle_acme.id) as scope:
        await desk.resolve(scope, idle.outbox, sam, ticket.number)
    async with idle.db.write(idle_acme.id) as scope:
        await desk.reopen(scope, idle.outbox, sam, ticket.number)
    reopened = await row(idle.db, idle_acme.id, Ticket)
    assert (reopened.status, reopened.resolution, reopened.resolved_at) == ("open", None, None)
    assert (await row(idle.db, idle_acme.id, Conversation)).handler == "person"
    with pytest.raises(Conflict, match="open already"):
        async with idle.db.write(idle_acme.id) as scope:
            await desk.reopen(scope, idle.outbox, sam, ticket.number)


async def test_another_draft_takes_the_place_of_one_that_was_not_liked(
    idle: Helpdesk, idle_acme: Shop, ticket: Ticket, sam: desk.Agent
) -> None:
    message = (await rows(idle.db, idle_acme.id, Message, author="customer"))[0]
    await change(idle.db, idle_acme.id, Message, message.id, text="When will my parcel arrive?")
    async with idle.db.write(idle_acme.id) as scope:
        disliked = scope.add(
            Draft(id=new_id(), ticket_id=ticket.id, conversation_id=ticket.conversation_id, message_id=message.id,
                  text="Soon.", confidence=0.4)
        )  # fmt: skip
    new = await idle.redrafts.regenerate(idle_acme.id, sam, disliked.id, 1)
    draft = await row(idle.db, idle_acme.id, Draft, id=new)
    assert (draft.state, draft.citations[0]["article"]) == ("pending", "delivery")
    assert (await row(idle.db, idle_acme.id, Draft, id=disliked.id)).state == "stale"
    with pytest.raises(Conflict, match="outdated"):
        await idle.redrafts.regenerate(idle_acme.id, sam, disliked.id, 1)
    another = await row(idle.db, idle_acme.id, Draft, id=await idle.redrafts.regenerate(idle_acme.id, sam, new, 1))
    assert another.citations[0]["article"] != "delivery"


Verb = Callable[[Helpdesk, object, desk.Agent, Ticket], Awaitable[object]]
VERBS: dict[str, Verb] = {
    "claim": lambda d, s, a, t: desk.claim(s, d.outbox, a, t.number),  # type: ignore[arg-type]
    "assign": lambda d, s, a, t: desk.assign(s, d.outbox, a, t.number, a.id),  # type: ignore[arg-type]
    "release": lambda d, s, a, t: desk.release(s, d.outbox, a, t.number),  # type: ignore[arg-type]
    "snooze": lambda d, s, a, t: desk.snooze(s, d.outbox, a, t.number, now() + HOLD),  # type: ignore[arg-type]
    "priority": lambda d, s, a, t: desk.set_priority(s, d.outbox, a, t.number, "urgent"),  # type: ignore[arg-type]
    "category": lambda d, s, a, t: desk.set_category(s, d.outbox, a, t.number, "Garden"),  # type: ignore[arg-type]
    "note": lambda d, s, a, t: desk.note(s, d.outbox, a, t.number, "Hm."),  # type: ignore[arg-type]
    "reply": lambda d, s, a, t: desk.reply(s, d.outbox, a, t.number, "Hm."),  # type: ignore[arg-type]
    "hand_back": lambda d, s, a, t: desk.hand_back(s, d.outbox, a, t.number),  # type: ignore[arg-type]
    "resolve": lambda d, s, a, t: desk.resolve(s, d.outbox, a, t.number),  # type: ignore[arg-type]
    "spam": lambda d, s, a, t: desk.mark_spam(s, d.outbox, a, t.number),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", VERBS)
async def test_every_change_is_shown_once_at_the_desk_outside(
    helpdesk: Helpdesk, acme: Shop, board: FakeDesk, name: str
) -> None:
    async with helpdesk.db.write(acme.id) as scope:
        scope.add(Channel(id=new_id(), kind="board", name="Board", public_key="board-key"))
    receipt = await helpdesk.inbox.receive(from_dana(acme, UNCOVERED, uuid4()))

    async def shown(times: int) -> bool:
        return len(board.shown) >= times

    await until(lambda: shown(1))
    ticket = await row(helpdesk.db, acme.id, Ticket, conversation_id=receipt.conversation_id)
    before = len(board.shown)
    async with helpdesk.db.write(acme.id) as scope:
        await VERBS[name](helpdesk, scope, desk.Agent(acme.sam_id, "Sam"), ticket)
    await until(lambda: shown(before + 1))
    assert set(board.shown) == {ticket.id}


async def test_a_desk_that_is_down_gets_everything_in_one_piece_later(
    idle: Helpdesk, idle_acme: Shop, board: FakeDesk, ticket: Ticket, sam: desk.Agent, sender: FakeSender
) -> None:
    async with idle.db.write(idle_acme.id) as scope:
        scope.add(Channel(id=new_id(), kind="board", name="Board", public_key="board-key"))
    board.failures = [DeliveryError("The desk is down.", permanent=False)]
    for text in ("one", "two", "three"):
        await reply(idle, idle_acme, sam, ticket, text)
    await Hands(idle).work(Delivery)
    assert sender.texts == ["one", "two", "three"], "the customer does not wait for the desk"
    assert board.shown == []
    await an_hour_passes(idle.db)
    await Hands(idle).work(Delivery)
    assert set(board.shown) == {ticket.id}
    assert len(board.shown) < 3, "three replies are not shown one by one"


async def test_a_change_while_a_ticket_is_being_shown_is_shown_afterwards(
    idle: Helpdesk, idle_acme: Shop, board: FakeDesk, ticket: Ticket, sam: desk.Agent
) -> None:
    async with idle.db.write(idle_acme.id) as scope:
        scope.add(Channel(id=new_id(), kind="board", name="Board", public_key="board-key"))
    async with idle.db.write(idle_acme.id) as scope:
        await desk.claim(scope, idle.outbox, sam, ticket.number)
    showing = Hands(idle)
    (begun,) = await showing.claim(Delivery)
    for text in ("one", "two"):
        async with idle.db.write(idle_acme.id) as scope:
            await desk.note(scope, idle.outbox, sam, ticket.number, text)
    board.failures = [DeliveryError("Storm.", permanent=False)]
    await idle.outbox.deliver(idle_acme.id, begun, showing.owner)
    await an_hour_passes(idle.db)
    async with idle.db.system(write=True) as scope:
        await queue.release_expired(scope, Delivery, all_leases=True)
    await Hands(idle).work(Delivery)
    assert board.shown == [ticket.id, ticket.id], "the one that failed, and one for both notes"


async def test_a_broken_channel_is_switched_off_and_loses_nothing(
    idle: Helpdesk, idle_acme: Shop, ticket: Ticket, sam: desk.Agent, sender: FakeSender, pigeon: Channel
) -> None:
    sender.failures = [DeliveryError("The pigeon left us. Buy another.", permanent=True, channel_broken=True)]
    await reply(idle, idle_acme, sam, ticket, "Hm.")
    await Hands(idle).work(Delivery)
    channel = await row(idle.db, idle_acme.id, Channel, id=pigeon.id)
    assert "left us" in channel.disabled_reason
    await an_hour_passes(idle.db)
    await Hands(idle).work(Delivery)
    assert sender.texts == []
    async with idle.db.write(idle_acme.id) as scope:
        await idle.channels.switch_on(scope, pigeon.id)
    await Hands(idle).work(Delivery)
    assert sender.texts == ["Hm."]


async def test_the_vendors_pause_is_kept(
    idle: Helpdesk, idle_acme: Shop, ticket: Ticket, sam: desk.Agent, sender: FakeSender
) -> None:
    sender.failures = [DeliveryError("Slow down.", permanent=False, retry_after=77)]
    await reply(idle, idle_acme, sam, ticket, "Hm.")
    before = now()
    await Hands(idle).work(Delivery)
    waiting = await row(idle.db, idle_acme.id, Delivery, state="queued")
    assert timedelta(seconds=76) < waiting.available_at - before < timedelta(seconds=80)
