"""A customer who is erased here disappears from Slack, too, even if Slack is away just then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import removals, retention
from core.accounts import OrganizationSettings, organization
from core.messages import Attachment
from core.models import Alert, Channel, Conversation, DeskPost, DeskRemoval, Sent, Ticket, now
from core.service import Service
from core.settings import Settings
from tests.journeys.slack.scene import HUMAN, Scene
from tests.rows import an_hour_passes, change, row, rows
from tests.waiting import until


@pytest.fixture
def database(any_settings: Settings) -> Settings:
    """Both."""
    return any_settings


async def erase_dana(scene: Scene) -> None:
    conversation = (await rows(scene.helpdesk.db, scene.shop.id, Conversation))[0]
    async with scene.helpdesk.db.write(scene.shop.id) as scope:
        await retention.erase(scope, conversation.customer_id)


async def take_away(scene: Scene) -> None:
    await removals.work(scene.helpdesk.db, scene.helpdesk.connected.desks)


async def all_taken_away(scene: Scene) -> None:
    """By us, or by the clock, which ticks here too."""

    async def done() -> bool:
        await take_away(scene)
        return from_us(scene) == []

    await until(done)


def from_us(scene: Scene) -> list[str]:
    return [message.said for message in scene.desk.messages.values() if message.bot and not message.only_for]


async def left(scene: Scene) -> int:
    return len(await rows(scene.helpdesk.db, scene.shop.id, DeskRemoval))


async def nothing_left(scene: Scene) -> bool:
    """Every pause before another try is over at once."""
    await an_hour_passes(scene.helpdesk.db)
    await take_away(scene)
    return await left(scene) == 0


async def test_all_that_was_posted_about_them_goes(scene: Scene) -> None:
    head = await scene.ticket(HUMAN, attachments=(Attachment("passport.pdf", "application/pdf", b"%PDF-1.7"),))
    await scene.draft(head)
    await scene.people.say(scene.sam, scene.desk, "mine", head.ts)
    await scene.settled()
    assert b"%PDF-1.7" in scene.slack.state.contents.values()
    await erase_dana(scene)
    await all_taken_away(scene)
    assert scene.slack.state.contents == {}
    assert [message.text for message in scene.desk.messages.values() if not message.bot] == ["mine"]
    await until(lambda: nothing_left(scene))
    assert await rows(scene.helpdesk.db, scene.shop.id, DeskPost) == []


async def test_what_moved_goes_in_both_channels(scene: Scene) -> None:
    other = scene.slack.channel(scene.team, "urgent", scene.sam)
    other.members.add(scene.connected.settings["bot_user_id"])
    route = {"by": "priority", "value": "urgent", "channel": other.id}
    settings = {**scene.connected.settings, "routes": [route]}
    await change(scene.helpdesk.db, scene.shop.id, Channel, scene.connected.id, settings=settings)
    head = await scene.ticket(HUMAN)
    await scene.draft(head)
    await scene.click(scene.sam, head, "more", "priority")
    await scene.people.submit(scene.sam, await scene.modal(scene.sam, "priority"), priority="urgent")
    await scene.head(place=other)
    await scene.settled()
    await erase_dana(scene)
    await all_taken_away(scene)
    assert other.messages == {}


async def test_while_slack_is_away_it_waits(scene: Scene) -> None:
    await scene.draft(await scene.ticket(HUMAN))
    await scene.settled()
    await erase_dana(scene)
    await scene.slack.down()
    await take_away(scene)
    assert await left(scene) == 2
    await scene.slack.up(scene.slack.port)
    await take_away(scene)
    assert from_us(scene) != [], "it is not due yet"
    await an_hour_passes(scene.helpdesk.db)
    await all_taken_away(scene)
    await until(lambda: nothing_left(scene))


async def test_while_the_channel_is_off_it_waits(scene: Scene) -> None:
    await scene.ticket(HUMAN)
    await scene.settled()
    await erase_dana(scene)
    async with scene.helpdesk.db.write(scene.shop.id) as scope:
        await scene.helpdesk.channels.switch_off(scope, scene.connected.id, "for a while")
    await take_away(scene)
    assert from_us(scene) != []
    async with scene.helpdesk.db.write(scene.shop.id) as scope:
        await scene.helpdesk.channels.switch_on(scope, scene.connected.id)
    await all_taken_away(scene)


async def test_what_somebody_deleted_already_is_no_trouble(scene: Scene) -> None:
    await scene.ticket(HUMAN)
    await scene.settled()
    scene.desk.messages.clear()
    await erase_dana(scene)
    await until(lambda: nothing_left(scene))
    assert await rows(scene.helpdesk.db, scene.shop.id, Alert) == []


async def test_what_slack_refuses_for_good_is_told_to_admins(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    await scene.settled()
    head.user = scene.sam.id  # so that the stand-in says cant_delete_message, as a workspace's rules may
    await erase_dana(scene)
    await until(lambda: nothing_left(scene))
    assert "cant_delete_message" in (await row(scene.helpdesk.db, scene.shop.id, Alert)).text


async def test_reports_that_may_name_them_go_too(scene: Scene) -> None:
    await scene.ticket(HUMAN)
    await change(scene.helpdesk.db, scene.shop.id, Ticket, (await scene.stored()).id, due_at=now())
    service = Service(digest_at=(now() - timedelta(minutes=1)).time())
    settings = OrganizationSettings(service=service).model_dump(mode="json")
    async with scene.helpdesk.db.write(scene.shop.id) as scope:
        (await organization(scope)).settings = settings
    await scene.helpdesk.schedule.report()
    assert any("overdue" in text for text in from_us(scene))
    await scene.settled()
    await erase_dana(scene)
    await all_taken_away(scene)
    assert (await rows(scene.helpdesk.db, scene.shop.id, Sent))[0].external_id is None


async def test_what_is_posted_while_they_are_erased_goes_again(scene: Scene) -> None:
    """The showing had read the ticket before, and posts after."""
    await scene.ticket(HUMAN)
    await scene.settled()
    conversation = (await rows(scene.helpdesk.db, scene.shop.id, Conversation))[0]
    scene.slack.pause("chat.postMessage")
    await scene.dana_writes("Are you there?", conversation.id)
    await until(scene.slack.paused)
    await erase_dana(scene)
    scene.slack.resume()

    async def gone() -> bool:
        return not any("Are you there?" in text for text in from_us(scene))

    await until(lambda: _called(scene))
    await until(gone)


async def _called(scene: Scene) -> bool:
    return scene.slack.calls["chat.delete"] > 0
