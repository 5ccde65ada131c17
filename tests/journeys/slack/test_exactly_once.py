"""However many press, however often Slack repeats itself, and whatever dies in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from core.models import Channel, Delivery, DeskPost, Message, Note, WebhookEvent
from core.settings import Settings
from core.webhooks import Webhooks
from tests.fakes import FakeSender
from tests.journeys.slack.scene import HUMAN, Scene
from tests.rows import change, row, rows
from tests.slack_people import encoded, signed

MANY = 50


@pytest.fixture
def database(any_settings: Settings) -> Settings:
    """Both."""
    return any_settings


async def test_fifty_approvals_at_once_lead_to_one_delivery(
    scene: Scene, pigeon_post: Channel, pigeons: FakeSender
) -> None:
    draft = await scene.draft(await scene.ticket(HUMAN, channel_id=pigeon_post.id))
    agents = [scene.sam, *[await scene.colleague(f"Agent{number}") for number in range(4)]]
    pressed = [scene.people.clicked(agents[number % len(agents)], draft, "send") for number in range(MANY)]
    answers = await asyncio.gather(*(scene.people.carry("interactive", payload) for payload in pressed))
    assert {answer.status_code for answer in answers} == {200}
    await scene.says(draft, "✅ Sent by")
    await scene.time_passes()
    await scene.settled()
    sent = await rows(scene.helpdesk.db, scene.shop.id, Message, author="agent")
    assert len(sent) == 1
    assert len(await rows(scene.helpdesk.db, scene.shop.id, Delivery, message_id=sent[0].id)) == 1
    assert len([message for message in pigeons.sent if message.author == "agent"]) == 1
    told = [text for agent in agents for text in scene.desk.whispers(agent.id)]
    assert len(told) == MANY - 1
    assert all("Already sent" in text for text in told)


async def test_fifty_forms_at_once_lead_to_one_delivery(scene: Scene) -> None:
    draft = await scene.draft(await scene.ticket(HUMAN))
    await scene.click(scene.sam, draft, "edit")
    view = await scene.modal(scene.sam, "edit")
    answers = await asyncio.gather(
        *(scene.people.submit(scene.sam, view, text=f"Answer {number}") for number in range(MANY))
    )
    assert len([answer for answer in answers if answer.content == b""]) == 1
    assert len(await scene.sent_to_dana()) == 1


async def test_a_form_that_is_submitted_again_since_we_were_slow_replies_once(scene: Scene) -> None:
    head = await scene.ticket()
    await scene.click(scene.sam, head, "reply")
    view = await scene.modal(scene.sam, "reply")
    answers = await asyncio.gather(*(scene.people.submit(scene.sam, view, text="We do not.") for _ in range(5)))
    assert {answer.content for answer in answers} == {b""}
    changed = await scene.people.submit(scene.sam, view, text="We do not, sorry.")
    assert "what you had written first" in changed.json()["errors"]["text"]
    assert await scene.sent_to_dana() == ["We do not."]
    scene.slack.state.views.clear()
    await scene.click(scene.sam, head, "reply")
    await scene.people.submit(scene.sam, await scene.modal(scene.sam, "reply"), text="We do not.")
    assert await scene.sent_to_dana() == ["We do not."] * 2


async def test_a_form_that_was_refused_can_be_submitted_again(scene: Scene) -> None:
    head = await scene.ticket()
    await scene.click(scene.sam, head, "reply")
    view = await scene.modal(scene.sam, "reply")
    refused = await scene.people.submit(scene.sam, view, text="   ")
    assert "empty" in refused.json()["errors"]["text"]
    assert (await scene.people.submit(scene.sam, view, text="We do not.")).content == b""
    assert await scene.sent_to_dana() == ["We do not."]


async def test_what_slack_repeats_is_acknowledged_and_done_once(scene: Scene) -> None:
    head = await scene.ticket()
    message = await scene.people.say(scene.sam, scene.desk, "look at this", head.ts)
    event = {**message.as_json(), "channel": scene.desk.id, "channel_type": "group", "event_ts": message.ts}
    for _ in range(3):
        again = await scene.people.event(scene.team.id, event, event_id="Ev1")
        assert again.status_code == 200
    payload = scene.people.clicked(scene.sam, head, "take")
    for _ in range(3):
        assert (await scene.people.carry("interactive", payload)).status_code == 200
    await scene.settled()
    assert len(await rows(scene.helpdesk.db, scene.shop.id, Note)) == 1
    async with scene.helpdesk.db.system() as scope:
        kept = list(await scope.session.scalars(select(WebhookEvent)))
    assert len([each for each in kept if each.external_id.endswith(":Ev1")]) == 1
    assert all(each.payload == {} for each in kept), "what was said must not be kept"


async def test_a_click_that_a_dead_process_accepted_is_done_by_the_next(scene: Scene) -> None:
    head = await scene.ticket()
    payload = scene.people.clicked(scene.sam, head, "take")
    webhooks = Webhooks(scene.helpdesk.db, "slack")
    assert await webhooks.accept(f"block_actions:{payload['trigger_id']}", payload)
    app = scene.app.state.slack
    assert await webhooks.recover(app.dispatch_again, everything=True) == 1
    await scene.says(head, "🟡 Sam has it")
    await scene.settled()
    assert await webhooks.recover(app.dispatch_again, everything=True) == 0


async def test_showing_again_posts_and_changes_nothing(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    await scene.draft(head)
    await scene.settled()
    calls = scene.slack.calls.copy()
    ticket = await scene.stored()
    for _ in range(3):
        async with scene.helpdesk.db.write(scene.shop.id) as scope:
            await scene.helpdesk.outbox.tell_desks(scope, ticket)
        await scene.settled()
    assert scene.slack.calls == calls
    assert scene.slack.calls["conversations.replies"] == scene.slack.calls["conversations.history"] == 0


async def test_unsigned_badly_signed_and_old_requests_are_refused(scene: Scene) -> None:
    head = await scene.ticket()
    path, body, content_type = encoded("interactive", scene.people.clicked(scene.sam, head, "take"))
    headers = {"Content-Type": content_type}
    for wrong in (
        {},
        signed(body, secret="another"),
        signed(body, timestamp=0),
        signed(body, timestamp=asyncio.get_running_loop().time()),
        signed(body + "x"),
        {**signed(body), "X-Slack-Signature": "v0="},
        {**signed(body), "X-Slack-Request-Timestamp": "now"},
        {**signed(body), "X-Slack-Request-Timestamp": "9" * 5000},
        {**signed(body), "X-Slack-Signature": "v0=\xe9"},
    ):
        sent = {name: value.encode("latin-1") for name, value in {**headers, **wrong}.items()}
        answer = await scene.http.post(path, content=body, headers=sent)
        assert answer.status_code == 401, wrong
    await scene.settled()
    assert (await scene.stored()).assignee_id is None


async def test_whoever_is_quicker_than_our_memory_is_understood(scene: Scene) -> None:
    """Slack shows a message before we have noted it."""
    head = await scene.ticket()
    await scene.settled()
    post = await row(scene.helpdesk.db, scene.shop.id, DeskPost, kind="ticket")
    await change(scene.helpdesk.db, scene.shop.id, DeskPost, post.id, external_id="not yet")
    await scene.click(scene.sam, head, "take")
    await change(scene.helpdesk.db, scene.shop.id, DeskPost, post.id, external_id=head.ts)
    await scene.says(head, "🟡 Sam has it")


async def test_a_body_that_is_too_long_is_not_read_to_its_end(scene: Scene) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 2**16

    assert (await scene.http.post("/slack/events", content=endless())).status_code == 413
    assert (await scene.http.post("/slack/events", content=b" " * (2**21 + 1))).status_code == 413
