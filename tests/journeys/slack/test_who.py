"""Who may act: members, matched by e-mail or a one-time link. Nobody else changes anything."""

from __future__ import annotations

import re

import httpx
import pytest

from bots.slack_desk.commands import NOT_CONNECTED
from core.helpdesk import Helpdesk
from core.models import AuditEntry, DeskPerson, Member, Note, now
from tests import cast
from tests.journeys.slack.scene import HUMAN, Scene, open_desk
from tests.rows import change, row, rows
from tests.slack_people import ByHttp, People
from tests.standins import slack_blocks
from tests.standins.slack_server import SlackServer
from tests.standins.slack_state import Message, User
from tests.web.clients import as_sam


async def unchanged(scene: Scene) -> bool:
    ticket = await scene.stored()
    return ticket.assignee_id is None and ticket.status == "open" and await scene.sent_to_dana() == []


async def everything(scene: Scene, user: User, head: Message, draft: Message) -> None:
    """All that somebody could try."""
    for message, action, value in [(head, "take", None), (head, "resolve", None), (head, "more", "spam"),
                                   (head, "reply", None), (draft, "send", None), (draft, "edit", None)]:  # fmt: skip
        await scene.click(user, message, action, value)
    for emoji in ("eyes", "white_check_mark", "no_entry_sign"):
        await scene.people.react(user, head, emoji)
    await scene.people.say(user, scene.desk, "&gt;&gt; hello", head.ts)
    await scene.people.command(user, scene.desk, "open")
    await scene.settled()


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ({}, "not a member of the helpdesk team"),
        ({"is_restricted": True, "email": "sam@acme.example"}, "guests"),
        ({"is_ultra_restricted": True, "email": "sam@acme.example"}, "guests"),
        ({"deleted": True, "email": "sam@acme.example"}, "guests"),
    ],
)
async def test_strangers_and_guests_are_told_privately_and_change_nothing(
    scene: Scene, flags: dict[str, object], why: str
) -> None:
    # The guest has sam's own address: it is not enough.
    scene.slack.state.teams["T1"].users.pop(scene.sam.id)
    user = scene.slack.person(scene.team, "Mallory", str(flags.pop("email", "mallory@evil.example")), **flags)
    scene.desk.members.add(user.id)
    head = await scene.ticket(HUMAN)
    draft = await scene.draft(head)
    await everything(scene, user, head, draft)
    assert await unchanged(scene)
    told = scene.desk.whispers(user.id)
    assert len(told) >= 10
    assert all(why in text for text in told)
    assert [view for view in scene.slack.state.views.values() if view.user == user.id] == []
    public = [message.said for message in (*scene.desk.parents, *scene.desk.thread(head.ts))]
    assert not any("Mallory" in text for text in public if "hello" not in text)


async def test_whoever_talks_along_is_told_once_that_it_is_not_noted(scene: Scene) -> None:
    eve = scene.slack.person(scene.team, "Eve", "eve@acme.example")
    scene.desk.members.add(eve.id)
    head = await scene.ticket()
    for words in ("interesting", "very", "indeed"):
        await scene.people.say(eve, scene.desk, words, head.ts)
        await scene.settled()
    assert len(scene.desk.whispers(eve.id)) == 1
    assert await rows(scene.helpdesk.db, scene.shop.id, Note) == []


async def test_slack_connect_users_cannot_act(scene: Scene) -> None:
    """They belong to another workspace, whatever their address says."""
    elsewhere = scene.slack.team("T9")
    user = scene.slack.person(elsewhere, "Sam", scene.shop.sam_email)
    scene.desk.members.add(user.id)
    head = await scene.ticket(HUMAN)
    await everything(scene, user, head, await scene.draft(head))
    assert await unchanged(scene)
    told = scene.desk.whispers(user.id)
    assert {text for text in told if "people from other companies" not in text} == {NOT_CONNECTED}


async def test_a_member_who_left_can_do_nothing_from_then_on(scene: Scene) -> None:
    head = await scene.ticket(HUMAN)
    await scene.click(scene.sam, head, "take")
    await scene.says(head, "🟡 Sam has it")
    await change(scene.helpdesk.db, scene.shop.id, Member, scene.shop.sam_id, disabled_at=now())
    await scene.click(scene.sam, head, "resolve")
    await scene.whispered(scene.sam, "not a member")
    assert (await scene.stored()).status == "open"


async def test_a_one_time_link_connects_another_address(scene: Scene) -> None:
    private = scene.slack.person(scene.team, "Sammy", "sammy@home.example")
    scene.desk.members.add(private.id)
    head = await scene.ticket()
    await scene.click(private, head, "take")
    await scene.whispered(private, "not a member")
    whisper = next(m for m in scene.desk.messages.values() if m.only_for == private.id)
    path = re.sub(r"^https?://[^/]+", "", whisper.action("console")["url"])
    assert (await scene.http.get(path)).status_code == 401
    await as_sam(scene.http, scene.shop)
    asked = await scene.http.get(path)
    assert private.id in asked.text
    assert (await row(scene.helpdesk.db, scene.shop.id, DeskPerson, external_id=private.id)).member_id is None
    foreign = await scene.http.post(path, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert (await scene.http.post(path)).status_code == 200
    assert (await scene.http.post(path)).status_code == 404, "once"
    await scene.click(private, head, "take")
    await scene.says(head, "🟡 Sam has it")
    assert await row(scene.helpdesk.db, scene.shop.id, AuditEntry, action="desk.linked")


async def test_two_organizations_in_one_workspace_keep_apart(
    scene: Scene, helpdesk: Helpdesk, globex: cast.Shop, http: httpx.AsyncClient
) -> None:
    other = await open_desk(helpdesk, globex, scene.slack, http, "T1")
    head, theirs = await scene.ticket(HUMAN), await other.ticket("I want a human about my rocket")
    assert [message.ts for message in scene.desk.parents] == [head.ts]
    assert [message.ts for message in other.desk.parents] == [theirs.ts]
    # Both are number 1001, and globex's sam is nobody at acme's.
    scene.desk.members.add(other.sam.id)
    await scene.click(other.sam, head, "take")
    await scene.whispered(other.sam, "not a member")
    assert await unchanged(scene)
    await other.click(other.sam, theirs, "take")
    await other.says(theirs, "🟡 Sam has it")
    assert (await scene.stored()).assignee_id is None
    # A form of one organization, filled in by a member of the other.
    await other.click(other.sam, theirs, "reply")
    view = await other.modal(other.sam, "reply")
    forged = view.view["private_metadata"].replace(str(other.connected.id), str(scene.connected.id))
    view.view = {**view.view, "private_metadata": forged}
    answer = await other.people.submit(other.sam, view, text="Hello from globex")
    assert "not a member" in answer.json()["errors"]["text"]
    assert await scene.sent_to_dana() == []
    await scene.people.command(other.sam, other.desk, "open")
    assert not any("delivery" in text for text in other.desk.whispers(other.sam.id))


async def test_one_organization_in_two_workspaces_keeps_them_apart(
    scene: Scene, helpdesk: Helpdesk, acme: cast.Shop, http: httpx.AsyncClient
) -> None:
    second = await open_desk(helpdesk, acme, scene.slack, http, "T2")
    head = await scene.ticket(HUMAN)
    there = await second.head()
    await scene.click(scene.sam, head, "take")
    await scene.says(head, "🟡 Sam has it")
    await second.says(there, "🟡 Sam has it")
    await scene.people.say(scene.sam, scene.desk, "psst", head.ts)
    await second.reply_in(there, "psst")
    assert not [message for message in scene.desk.thread(head.ts) if message.bot and "psst" in message.said]
    # A message of one workspace, claimed to be in the other.
    lie = second.people.clicked(second.sam, there, "resolve")
    lie["team"] = {"id": "T1"}
    await second.people.carry("interactive", lie)
    await second.settled()
    assert (await scene.stored()).status == "open"


async def test_a_workspace_without_a_helpdesk_is_told_so(
    helpdesk: Helpdesk, acme: cast.Shop, slack: SlackServer, http: httpx.AsyncClient
) -> None:
    team = slack.team("T7")
    user = slack.person(team, "Eve", acme.sam_email)
    channel = slack.channel(team, "general", user)
    answer = await People(slack, ByHttp(http)).command(user, channel, "open")
    assert answer.status_code == 200
    assert channel.whispers(user.id) == [NOT_CONNECTED]
    assert slack.calls["chat.postMessage"] == 0
    assert await rows(helpdesk.db, acme.id, DeskPerson) == []


def test_the_stand_in_sees_mentions() -> None:
    """Else the tests above would prove nothing."""
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "<!channel> <@U1> <https://x.example|y>"}}
    assert slack_blocks.mentions([section]) == ["!channel", "@U1"]
    assert slack_blocks.links([section]) == ["https://x.example"]
