"""Slack takes a post and we never learn of it: its own event tells us, so nothing stands there twice for long."""

from __future__ import annotations

import pytest

from bots.slack_desk.echoes import Named
from core.events import work_arrived
from core.models import Delivery, DeskPost, new_id
from tests.journeys.slack.scene import HUMAN, Scene
from tests.rows import change, row, rows
from tests.standins.slack_state import Message
from tests.waiting import until


async def forget(scene: Scene, message: Message) -> None:
    """As if the process had died between Slack's ok and our note, or the ok had been lost on the way."""
    async with scene.helpdesk.db.write(scene.shop.id) as scope:
        await scope.session.execute(scope.delete(DeskPost).where(DeskPost.external_id == message.ts))


async def shown_again(scene: Scene) -> None:
    ticket = await scene.stored()
    async with scene.helpdesk.db.write(scene.shop.id) as scope:
        await scene.helpdesk.outbox.tell_desks(scope, ticket)
    await scene.settled()


async def echoed(scene: Scene, message: Message) -> None:
    answer = await scene.people.echo(message)
    assert answer.status_code == 200


async def test_what_slack_took_without_our_knowing_is_not_posted_again(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    draft = await scene.draft(head)
    await scene.settled()
    for message in (head, draft):
        await forget(scene, message)
        await echoed(scene, message)
    posted = scene.slack.calls["chat.postMessage"]
    await shown_again(scene)
    assert scene.slack.calls["chat.postMessage"] == posted
    await scene.click(scene.sam, draft, "send")
    await scene.says(draft, "✅ Sent by Sam")


async def test_of_what_was_posted_twice_one_goes(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    first = await scene.draft(head)
    await scene.settled()
    await forget(scene, first)
    await shown_again(scene)
    drafts = [message for message in scene.desk.thread(head.ts) if "✍️ Draft" in message.said]
    assert len(drafts) == 2
    for message in drafts:
        await echoed(scene, message)
    assert [m.ts for m in scene.desk.thread(head.ts) if "✍️ Draft" in m.said] == [drafts[1].ts]
    await scene.click(scene.sam, drafts[1], "send")
    await scene.says(drafts[1], "✅ Sent by Sam")


async def test_what_is_noted_already_is_left_alone(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    draft = await scene.draft(head)
    await scene.settled()
    before, calls = await rows(scene.helpdesk.db, scene.shop.id, DeskPost), scene.slack.calls.copy()
    for message in (head, draft):
        await echoed(scene, message)
    after = await rows(scene.helpdesk.db, scene.shop.id, DeskPost)
    assert [(post.external_id, post.digest) for post in after] == [(post.external_id, post.digest) for post in before]
    assert scene.slack.calls == calls


@pytest.mark.parametrize("block_id", ["", "deskhand", "deskhand:ticket:1:2:3", "other:a:b:c:d"])
async def test_what_others_put_into_their_blocks_means_nothing(scene: Scene, block_id: str) -> None:
    head = await scene.ticket()
    await scene.settled()
    await forget(scene, head)
    head.blocks[0]["block_id"] = block_id
    await echoed(scene, head)
    assert await rows(scene.helpdesk.db, scene.shop.id, DeskPost) == []


async def test_another_users_message_is_no_echo(scene: Scene) -> None:
    """Whatever the ids of its blocks."""
    await scene.ticket()
    await scene.settled()
    post = await row(scene.helpdesk.db, scene.shop.id, DeskPost)
    named = Named(scene.connected.id, post.ticket_id, "draft", new_id())
    forged = Message(scene.slack.state.ts(), scene.desk.id, scene.sam.id, "hi", named.on([{"type": "divider"}]))
    await echoed(scene, forged)
    await scene.settled()
    assert len(await rows(scene.helpdesk.db, scene.shop.id, DeskPost)) == 1


async def test_an_answer_that_is_lost_on_the_way_posts_once(scene: Scene) -> None:
    scene.slack.swallow("chat.postMessage", 1)
    await scene.dana_writes(HUMAN)
    head = await scene.head()

    async def tried() -> object:
        found = await rows(scene.helpdesk.db, scene.shop.id, Delivery, action="show")
        return next((delivery for delivery in found if delivery.error), None)

    delivery = await until(tried)
    await echoed(scene, head)
    await change(scene.helpdesk.db, scene.shop.id, Delivery, delivery.id, available_at=delivery.created_at)
    scene.helpdesk.events.publish(work_arrived("delivery", scene.connected.id, scene.connected.id))
    await scene.draft(head)
    await scene.settled()
    assert [message.ts for message in scene.desk.parents] == [head.ts]
