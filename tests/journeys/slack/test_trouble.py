"""Slack is down, refuses, or puts us out: tickets wait, admins are told, and everything is shown later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.messages import Attachment
from core.models import Alert, Channel, Delivery
from tests.journeys.slack.scene import HUMAN, Scene
from tests.rows import change, row, rows
from tests.waiting import until

ARCHIVE = {"type": "group_archive", "user": "U1"}


async def is_off(scene: Scene) -> Any:
    channel = await row(scene.helpdesk.db, scene.shop.id, Channel, id=scene.connected.id)
    return channel if channel.disabled_at else None


async def alerted(scene: Scene) -> list[str]:
    return [alert.text for alert in await rows(scene.helpdesk.db, scene.shop.id, Alert) if not alert.cleared_at]


async def test_what_happens_while_slack_is_down_is_shown_when_it_is_back(scene: Scene) -> None:
    await scene.slack.down()
    conversation = await scene.dana_writes(HUMAN)

    async def tried() -> Any:
        found = await rows(scene.helpdesk.db, scene.shop.id, Delivery, action="show")
        return next((delivery for delivery in found if delivery.error), None)

    delivery = await until(tried)
    assert "Slack does not answer" in delivery.error
    await scene.dana_writes("Still there?", conversation)
    await change(scene.helpdesk.db, scene.shop.id, Delivery, delivery.id, attempts=50)  # a long outage
    await scene.slack.up(scene.slack.port)
    await scene.time_passes()
    head = await scene.head()
    await scene.reply_in(head, "Still there?")
    assert len(scene.desk.parents) == 1


async def test_slacks_pauses_are_kept(scene: Scene) -> None:
    scene.slack.limit("chat.postMessage", 1)
    head = await scene.ticket(HUMAN)
    await scene.draft(head)
    assert ("chat.postMessage", "ratelimited") in scene.slack.refused
    assert len(scene.desk.parents) == 1


def archived(scene: Scene) -> None:
    scene.desk.archived = True


def put_out(scene: Scene) -> None:
    scene.desk.members.discard(scene.connected.settings["bot_user_id"])


def revoked(scene: Scene) -> None:
    for token in scene.slack.state.tokens.values():
        token.revoked = "token_revoked"


def uninstalled(scene: Scene) -> None:
    for token in scene.slack.state.tokens.values():
        token.revoked = "account_inactive"


def unscoped(scene: Scene) -> None:
    for token in scene.slack.state.tokens.values():
        token.scopes = ("users:read",)


@pytest.mark.parametrize(
    ("befalls", "says"),
    [
        (archived, "archived"),
        (put_out, "Invite it"),
        (revoked, "revoked"),
        (uninstalled, "removed from the workspace"),
        (unscoped, "lacks a permission"),
    ],
)
async def test_what_only_an_admin_can_mend_switches_the_channel_off_until_then(
    scene: Scene, befalls: Any, says: str
) -> None:
    befalls(scene)
    await scene.dana_writes(HUMAN)
    channel = await until(lambda: is_off(scene))
    assert says in channel.disabled_reason
    assert any(says in text for text in await alerted(scene))
    assert scene.desk.parents == []
    scene.desk.archived = False
    scene.desk.members.add(scene.connected.settings["bot_user_id"])
    for token in scene.slack.state.tokens.values():
        token.revoked, token.scopes = "", scene.slack.state.tokens[next(iter(scene.slack.state.tokens))].scopes
    if befalls is unscoped:
        return
    async with scene.helpdesk.db.write(scene.shop.id) as scope:
        await scene.helpdesk.channels.switch_on(scope, channel.id)
    await scene.draft(await scene.head())
    assert await alerted(scene) == []


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["UBOT"]}}, "revoked"),
        ({"type": "app_uninstalled"}, "removed from the workspace"),
        ({"type": "group_archive", "channel": "DESK", "user": "U1"}, "archived"),
        ({"type": "group_left", "channel": "DESK"}, "Invite it"),
    ],
)
async def test_slack_itself_tells_that_we_are_out(scene: Scene, event: dict[str, Any], says: str) -> None:
    told = {**event, **({"channel": scene.desk.id} if "channel" in event else {})}
    await scene.people.event(scene.team.id, told)
    channel = await until(lambda: is_off(scene))
    assert says in channel.disabled_reason
    assert any(says in text for text in await alerted(scene))


async def test_whoever_is_let_in_again_goes_on_by_itself(scene: Scene) -> None:
    put_out(scene)
    await scene.people.event(scene.team.id, {"type": "group_left", "channel": scene.desk.id})
    await until(lambda: is_off(scene))
    await scene.dana_writes(HUMAN)
    bot = scene.connected.settings["bot_user_id"]
    scene.desk.members.add(bot)
    await scene.people.event(scene.team.id, {"type": "member_joined_channel", "user": bot, "channel": scene.desk.id})
    await scene.draft(await scene.head())
    assert await is_off(scene) is None


async def test_a_thread_that_was_deleted_in_slack_is_begun_again(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    await scene.draft(head)
    await scene.settled()
    scene.desk.messages.clear()
    ticket = await scene.stored()
    await scene.dana_writes("Hello?", ticket.conversation_id)
    again = await scene.head()
    await scene.reply_in(again, "Hello?")
    assert again.ts != head.ts


async def test_one_deleted_message_is_shown_again(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    draft = await scene.draft(head)
    del scene.desk.messages[draft.ts]
    ticket = await scene.stored()
    await scene.dana_writes("Hello?", ticket.conversation_id)
    await scene.reply_in(head, "Hello?")
    await scene.settled()
    assert len(scene.desk.parents) == 1


async def test_a_click_on_what_is_no_longer_ours_is_explained(scene: Scene) -> None:
    head = await scene.ticket()
    payload = scene.people.clicked(scene.sam, head, "take")
    payload["container"]["message_ts"] = "1.000001"
    await scene.people.carry("interactive", payload)
    await scene.whispered(scene.sam, "no longer connected to a ticket")


BUSY: tuple[str | int, ...] = ("internal_error", "fatal_error", 500, 503)


@pytest.mark.parametrize("failure", BUSY)
async def test_slacks_own_trouble_passes_and_nothing_is_missing_or_there_twice(
    scene: Scene, failure: str | int
) -> None:
    calls = ("chat.postMessage", "chat.update", "files.getUploadURLExternal", "files.completeUploadExternal")
    for method in calls:
        scene.slack.failures[method] = [failure]
    files = (Attachment("invoice.pdf", "application/pdf", b"%PDF-1.7"),)
    await scene.dana_writes(HUMAN, attachments=files)
    await tried_until(scene, lambda: any(message.files for message in scene.desk.messages.values()))
    head = await scene.head()
    await scene.click(scene.sam, head, "take")
    await tried_until(scene, lambda: "🟡 Sam has it" in head.said)
    await scene.settled()
    assert {method for method, _ in scene.slack.refused} == set(calls)
    assert len(scene.desk.parents) == 1
    assert [message.said for message in scene.desk.thread(head.ts) if "Draft" in message.said] != []
    assert len([message for message in scene.desk.thread(head.ts) if message.files]) == 1
    assert len(scene.desk.thread(head.ts)) == 2
    assert await is_off(scene) is None


async def tried_until(scene: Scene, condition: Callable[[], bool]) -> None:
    """Each pause before another try is over at once."""

    async def tried() -> bool:
        await scene.time_passes()
        return condition()

    await until(tried)


@pytest.mark.parametrize("failure", [*BUSY, "user_not_found", "missing_scope"])
async def test_while_slack_does_not_say_who_somebody_is_they_change_nothing(scene: Scene, failure: str | int) -> None:
    head = await scene.ticket()
    scene.slack.failures["users.info"] = [failure]
    await scene.click(scene.sam, head, "take")
    await scene.whispered(scene.sam, "Nothing was changed")
    assert (await scene.stored()).assignee_id is None
    await scene.click(scene.sam, head, "take")
    await scene.says(head, "🟡 Sam has it")


@pytest.mark.parametrize("failure", [*BUSY, "ratelimited", "token_revoked"])
async def test_a_form_that_slack_does_not_open_is_told(scene: Scene, failure: str | int) -> None:
    head = await scene.ticket()
    scene.slack.failures["views.open"] = [failure]
    await scene.click(scene.sam, head, "reply")
    await scene.whispered(scene.sam, "Nothing was changed")
    await scene.click(scene.sam, head, "reply")
    assert await scene.modal(scene.sam, "reply")
